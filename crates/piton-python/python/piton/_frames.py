"""Exceptions of a board as exceptions of Python, with the lines of the host's files."""

from __future__ import annotations

import linecache
from typing import NamedTuple, Optional

from piton.exceptions import PyboardException

__all__ = ["BoardFrame", "board_exception"]


class BoardFrame(NamedTuple):
    """One call of a traceback of the board."""

    file: str
    """File on the host for code that the host sent; else the file on the board."""
    line: int
    """Line number in the file, from 1."""
    scope: Optional[str]
    """Name of the function, or ``<module>``; None for a syntax error."""


def board_exception(type_name: str, message: str, frames: "tuple[BoardFrame, ...]") -> PyboardException:
    """Makes the exception for an exception of the board. Its text is a traceback, with the lines of the host's files."""
    lines = ["Traceback (most recent call last):"] if frames else []
    for frame in frames:
        scope = f", in {frame.scope}" if frame.scope else ""
        lines.append(f'  File "{frame.file}", line {frame.line}{scope}')
        source = linecache.getline(frame.file, frame.line).strip()
        if source:
            lines.append(f"    {source}")
    # A board writes the colon whether there is a message or not.
    lines.append(f"{type_name}: {message}")
    error = PyboardException("\n".join(lines) + "\n")
    error.type_name = type_name
    error.message = message
    error.frames = frames
    return error

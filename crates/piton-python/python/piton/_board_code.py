"""Programs for the board that come with the package, and what they find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

from piton._code import minified
from piton.exceptions import PyboardException
from piton.implementation import Implementation

if TYPE_CHECKING:
    from piton._piton import Session

__all__ = ["ask_implementation"]

_PROGRAM = Path(__file__).parent / "_board" / "implementation.py"

# Names of architectures by their number in `sys.implementation._mpy`: MicroPython, py/persistentcode.h.
_ARCHITECTURES = (
    None,
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)


def ask_implementation(session: Session) -> Implementation:
    """Asks a board what runs on it."""
    # One exchange: the code runs in a dict of its own, and leaves no names on the board.
    code = minified(_PROGRAM.read_text(encoding="utf-8"))
    try:
        answer = session.evaluate(f"(lambda d:(exec({code!r},d),d['result'])[1])({{}})")
    except PyboardException as error:
        # A micro:bit has no stack for an `exec` inside of a call ("maximum recursion depth exceeded"): the names of the code are
        # globals there for a moment.
        if error.type_name != "RuntimeError":
            raise
        session.execute(code, record=False)
        answer = session.evaluate("result")
        session.execute("del implementation,emitters,name,result", record=False)
    name, version, platform, mpy, emitters = answer
    return Implementation(name, tuple(version), platform, _arch(mpy), tuple(emitters))


def _arch(mpy: Optional[int]) -> Optional[str]:
    number = 0 if mpy is None else (mpy >> 10) & 15
    return _ARCHITECTURES[number] if number < len(_ARCHITECTURES) else None

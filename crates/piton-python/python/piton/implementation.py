"""What runs on a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass
class Implementation:
    """The firmware of a board."""

    name: str
    """Kind of Python: ``micropython`` or ``circuitpython``."""
    version: "tuple[int | str, ...]" = (0, 0, 0)
    """Version of the firmware; a fourth part names a preview build."""
    platform: str = ""
    """Name of the port: ``rp2`` for MicroPython on a Raspberry Pi Pico, ``RP2040`` for CircuitPython on it."""
    arch: Optional[str] = None
    """Architecture of native code that the board loads, as mpy-cross names it; None for none."""
    emitters: "tuple[str, ...]" = ()
    """Emitters of native code that the board's own compiler has: a subset of ``("native", "viper")``."""

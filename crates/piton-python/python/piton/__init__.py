"""Program MicroPython and CircuitPython boards from Python."""

from piton._piton import __version__

__all__ = ["__version__"]

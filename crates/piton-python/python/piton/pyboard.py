"""The names that scripts import from ``belay.pyboard``."""

from piton.exceptions import PyboardError, PyboardException

__all__ = ["PyboardError", "PyboardException"]

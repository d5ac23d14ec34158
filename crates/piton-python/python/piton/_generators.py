"""Exceptions of the host that a generator on a board is to raise."""

from __future__ import annotations

from piton import _piton
from piton.exceptions import PyboardException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Thrown"]

# What boards have of Python's exceptions.
_TYPES = frozenset(
    "ArithmeticError AssertionError AttributeError BaseException EOFError Exception ImportError IndentationError IndexError KeyError "
    "KeyboardInterrupt LookupError MemoryError NameError NotImplementedError OSError OverflowError RuntimeError StopAsyncIteration "
    "StopIteration SyntaxError SystemExit TypeError UnicodeError ValueError ZeroDivisionError".split()
)


class Thrown:
    """An exception that was thrown into a generator of the host: ``generator.throw(error)``."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        # A type of the host's own is the nearest one that the board has.
        self.name: str = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _TYPES)

    def into(self, iterator: "_piton.Generator") -> Any:
        """Raises it in the generator on the board, and returns the next item.

        An exception that the generator lets pass is the one of the host again.
        """
        try:
            arguments = _piton.encode_arguments(self.error.args, {})
        except (TypeError, ValueError):
            arguments = _piton.encode_arguments((str(self.error),), {})
        try:
            return iterator.throw(self.name + arguments)
        except PyboardException as raised:
            if raised.type_name == self.name:
                raise self.error from raised
            raise

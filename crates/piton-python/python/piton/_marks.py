"""What the decorators of the class `Device` leave on a function, until a device is made."""

from __future__ import annotations

from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])

__all__ = ["Mark", "marked"]

_numbers = count()


class Mark:
    """Which decorator a function has, and its options."""

    kind: str
    """``setup``, ``teardown``, ``task`` or ``thread``."""
    implementation: str
    """Name of the implementation that the function is for; empty for all."""
    autoinit: bool
    """Whether the function is called when the device is made."""
    options: dict[str, Any]
    """Options of the decorator of the instance."""
    number: int
    """Position among all marked functions, in the order of their definition."""

    def __init__(self, kind: str, implementation: str, autoinit: bool, options: dict[str, Any]) -> None:
        self.kind = kind
        self.implementation = implementation
        self.autoinit = autoinit
        self.options = options
        self.number = next(_numbers)


def marked(
    kind: str,
    function: Optional[Callable[..., Any]],
    implementation: str,
    options: dict[str, Any],
    autoinit: bool = False,
) -> Any:
    """Marks a function; without a function, returns a decorator that does.

    Raises ValueError for a function with parameters that is called without any.
    """

    def mark(function: _F) -> _F:
        # Written for type checkers, which take the first parameter of a method for `self`.
        plain: Any = function.__func__ if isinstance(function, staticmethod) else function
        if autoinit and _has_parameters(plain):
            raise ValueError(f"Method {plain} decorated with @Device.setup(autoinit=True) must have no arguments.")
        if kind == "teardown" and _has_parameters(plain):
            raise ValueError(f'Method {plain} decorated with "@Device.teardown" must have no arguments.')
        plain.__belay__ = Mark(kind, implementation, autoinit, options)
        return plain

    return mark if function is None else mark(function)


def _has_parameters(function: Callable[..., Any]) -> bool:
    from inspect import signature

    return bool(signature(function).parameters)

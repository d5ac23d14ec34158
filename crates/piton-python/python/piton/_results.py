"""What a call returns when there is no value to return."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class _SentinelType(type):
    """The type of classes that stand for themselves."""

    def __bool__(cls) -> bool:
        return False

    def __repr__(cls) -> str:
        return f"<{cls.__name__}>"

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{cls.__name__} has no instances: use the class itself")


class NO_RESULT(metaclass=_SentinelType):
    """The code gave no result."""


class UNPARSABLE_RESULT(metaclass=_SentinelType):
    """The result has no literal form, so it stayed on the board: ``proxy=True`` gives access to it."""

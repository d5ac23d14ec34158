"""Values of a board that Python makes."""

from __future__ import annotations

import ast
from collections import namedtuple
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=256)
def _type_of(names: "tuple[str, ...]") -> Any:
    # A field of the board may be a keyword here: it is then reached by its position.
    return namedtuple("Values", names, rename=True)  # pyright: ignore[reportUntypedNamedTuple]


def from_text(text: str) -> Any:
    """Returns the value of a literal. Nothing is executed. Raises ValueError for any other text."""
    return ast.literal_eval(text)


def named_tuple(names: "list[str]", values: "list[Any]") -> Any:
    """Returns a tuple whose items have names."""
    return _type_of(tuple(names))._make(values)

"""Text of code before it goes to the board."""

from __future__ import annotations

import ast
import textwrap
from functools import lru_cache
from typing import NamedTuple

from piton import _piton

__all__ = ["Code", "minified", "minify", "prepare"]


class Code(NamedTuple):
    """Code as it goes to the board."""

    text: str
    is_expression: bool
    imported: "tuple[str, ...]"
    """The names that an import statement binds."""


@lru_cache(maxsize=1024)
def prepare(text: str, minify: bool) -> Code:
    """Moves code to the margin. Also returns whether it is an expression."""
    text = textwrap.dedent(text)
    is_expression = _is_expression(text)
    if minify:
        # A string is an expression of its own, and not a docstring.
        text = minified(text, keep_docstrings=is_expression)
    if is_expression:
        text = text.strip()
    return Code(text, is_expression, () if is_expression else _imported(text))


def minify(code: str, keep_docstrings: bool = False) -> str:
    """Returns code without comments and spare spaces, and without docstrings unless they are kept. Lines and names stay.

    Indented code is moved to the margin. Raises SyntaxError for code that is not Python's.
    """
    text = _piton.minify(textwrap.dedent(code), keep_docstrings)
    return text if code.endswith("\n") else text.rstrip("\n")


def minified(text: str, *, keep_docstrings: bool = False) -> str:
    """Returns code without comments and spare spaces; code that is not Python's stays as it is, for the board to refuse."""
    try:
        return _piton.minify(text, keep_docstrings)
    except SyntaxError:
        return text


def _is_expression(text: str) -> bool:
    try:
        compile(text.strip(), "<stdin>", "eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _imported(text: str) -> "tuple[str, ...]":
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ()
    if len(statements) != 1 or not isinstance(statements[0], (ast.Import, ast.ImportFrom)):
        return ()
    is_from = isinstance(statements[0], ast.ImportFrom)
    names = [alias.asname or (alias.name if is_from else alias.name.split(".")[0]) for alias in statements[0].names]
    return tuple(name for name in names if name != "*")

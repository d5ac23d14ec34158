"""The source of a function, as a board needs it: without decorators, and beginning at the margin."""

from __future__ import annotations

import ast
import functools
import inspect
import io
import itertools
import re
import tokenize
from types import CodeType
from typing import Any, Callable, NamedTuple, Union, cast

from piton.exceptions import SourceUnavailableError

__all__ = ["FunctionSource", "source_of"]

_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda]

_lambda_numbers = itertools.count(1)


class FunctionSource(NamedTuple):
    """Code to send, and where it stands on the host."""

    text: str
    """The code. It ends with a line end."""
    file: str
    """The file that it stands in."""
    line: int
    """Number of its first line in that file, from 1."""
    name: str
    """Name that the function has on the board."""


def source_of(function: Callable[..., Any], *, body_only: bool = False) -> FunctionSource:
    """Returns the source of a function; its body alone on request.

    Works for functions in files, in notebooks and at prompts that keep their input, for lambdas, methods and nested functions.
    Raises SourceUnavailableError where Python does not know the source.
    """
    function = inspect.unwrap(_plain(function))
    code = getattr(function, "__code__", None)
    if code is None:
        raise TypeError(f"{function!r} is not a Python function")
    try:
        file = inspect.getsourcefile(function) or code.co_filename
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError) as error:
        raise SourceUnavailableError(
            f"the source of `{function.__name__}` cannot be found: Python does not keep the text of code from "
            f"{code.co_filename}\n\nhint: put the function into a file, or send its text: device(text)"
        ) from error
    block = _margin("".join(lines))
    node = _find(block, function, code.co_firstlineno - first + 1)
    if isinstance(node, ast.Lambda):
        return _lambda_source(block, node, file, first)
    text_lines = block.splitlines(keepends=True)
    if body_only:
        return _body(block, text_lines, node, file, first)
    text = "".join(text_lines[node.lineno - 1 : node.end_lineno])
    return FunctionSource(_ended(text), file, first + node.lineno - 1, node.name)


def _plain(function: Any) -> Any:
    """Returns the function inside partial objects, static methods and bound methods."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, (staticmethod, classmethod)) or inspect.ismethod(function):
            function = cast(Any, function).__func__
        else:
            return function


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _margin(block: str) -> str:
    """Moves a block of code to the margin. The lines inside of strings stay as they are."""
    indent = re.match(r"[ \t]*", block)
    margin = indent.group() if indent else ""
    if not margin:
        return block
    inside = _lines_inside_strings("if 1:\n" + block)
    lines = block.splitlines(keepends=True)
    moved = (
        line[len(margin) :] if number not in inside and line.startswith(margin) else line
        for number, line in enumerate(lines, start=2)
    )
    return "".join(moved)


def _lines_inside_strings(text: str) -> set[int]:
    """Returns the numbers of the lines that begin inside of a string."""
    inside: set[int] = set()
    begins: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "STRING":
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
            # Since Python 3.12, an f-string is several tokens.
            elif kind in ("FSTRING_START", "TSTRING_START"):
                begins.append(token.start[0])
            elif kind in ("FSTRING_END", "TSTRING_END") and begins:
                inside.update(range(begins.pop() + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError):
        # A lambda's lines may end in the middle of a call. What was found counts.
        pass
    return inside


def _find(block: str, function: Any, line: int) -> _Function:
    """Returns the function in a block that became `function`. `line` is the number of its first line in the block."""
    name: str = function.__name__
    tree = _parse(block, name)
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    if name != "<lambda>":
        for node in nodes:
            if not isinstance(node, ast.Lambda) and node.name == name:
                return node
        raise SourceUnavailableError(
            f"the text where `{name}` should stand defines no such function: was the file changed after it was imported?"
        )
    lambdas = [node for node in nodes if isinstance(node, ast.Lambda)]
    lambdas = [node for node in lambdas if node.lineno == line] or lambdas
    if len(lambdas) > 1:
        lambdas = [node for node in lambdas if _is_code_of(node, function.__code__)]
    if len({ast.unparse(node) for node in lambdas}) != 1:
        raise SourceUnavailableError(
            "there are several lambdas on this line, and nothing shows which one is meant\n\nhint: give it a name with def"
        )
    return lambdas[0]


def _is_code_of(node: ast.Lambda, code: CodeType) -> bool:
    """Returns whether Python makes this code of a lambda."""
    # Names from around it are those of a function around it.
    around = ast.parse(f"def around({','.join(code.co_freevars)}): return lambda: 0")
    definition = around.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.body = [ast.Return(node)]
    made: CodeType = compile(ast.fix_missing_locations(around), "<lambda>", "exec")
    for _ in range(2):
        made = next(constant for constant in made.co_consts if isinstance(constant, CodeType))
    return _essence(made) == _essence(code)


def _essence(code: CodeType) -> "tuple[object, ...]":
    """Returns what is equal for two pieces of code that do the same."""
    constants = [_essence(value) if isinstance(value, CodeType) else repr(value) for value in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, constants


def _parse(block: str, name: str) -> ast.AST:
    # Python gives the lines on which a lambda stands: they may begin or end in the middle of a statement.
    candidates = [block]
    if name == "<lambda>":
        start = block.find("lambda")
        stripped = block[start:].rstrip() if start >= 0 else ""
        padding = "\n" * block.count("\n", 0, max(start, 0))
        candidates += [padding + "(" + stripped[:end] + ")" for end in range(len(stripped), 6, -1)]
    for candidate in candidates:
        try:
            return ast.parse(candidate)
        except SyntaxError:
            continue
    raise SourceUnavailableError(f"the source of `{name}` cannot be read as Python")


def _lambda_source(block: str, node: ast.Lambda, file: str, first: int) -> FunctionSource:
    name = f"lambda_{next(_lambda_numbers)}"
    text = f"def {name}({ast.unparse(node.args)}):return {ast.unparse(node.body)}\n"
    return FunctionSource(text, file, first + node.lineno - 1, name)


def _body(
    block: str,
    lines: list[str],
    node: Union[ast.FunctionDef, ast.AsyncFunctionDef],
    file: str,
    first: int,
) -> FunctionSource:
    begin = node.body[0]
    # A decorated function or class in the body begins with its first decorator.
    decorators: list[ast.expr] = getattr(begin, "decorator_list", [])
    begin_line = min([begin.lineno] + [decorator.lineno for decorator in decorators])
    text_lines = lines[begin_line - 1 : node.end_lineno]
    head = text_lines[0].encode()[: begin.col_offset].decode()
    if head.strip():
        # `def f(): a; b`: the body begins after the colon. Nothing of another statement stands on its line.
        text_lines[0] = text_lines[0][len(head) :]
        return FunctionSource(_ended("".join(text_lines)), file, first + begin_line - 1, node.name)
    return FunctionSource(_ended(_margin("".join(text_lines))), file, first + begin_line - 1, node.name)

"""Cells of notebooks that run on a board: ``%load_ext piton``, then ``%%board``."""

from __future__ import annotations

from typing import Any, Optional

from piton.device import Device

_USAGE = "no device\n\nhint: `%%board NAME` takes the variable NAME, and connects to the board NAME if there is none"


class _Magics:
    """The magics, and the device that the last of them used."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.device: "Optional[Device]" = None

    def board(self, line: str, cell: "Optional[str]" = None) -> Any:
        """Runs a cell, or the rest of a line, on a board, and returns the value of its last expression.

        ``%%board NAME`` takes the device in the variable NAME, or connects to the board that NAME selects. Without a name, it is the last
        device; else the only one that a variable holds.
        """
        if cell is None:
            return self._device("")(line)
        device = self._device(line.strip())
        body, expression = _last_expression(cell)
        if body:
            device(body, minify=False)
        return device(expression) if expression else None

    def _device(self, name: str) -> Device:
        variables: "dict[str, Any]" = self.shell.user_ns
        if name:
            value = variables.get(name)
            self.device = value if isinstance(value, Device) else Device(name)
        elif self.device is None:
            # A name that starts with an underscore is one of IPython's: the value of a cell.
            found = {
                id(value): value
                for name, value in variables.items()
                if isinstance(value, Device) and not name.startswith("_")
            }
            if len(found) != 1:
                raise ValueError(_USAGE)
            self.device = next(iter(found.values()))
        return self.device


def _last_expression(cell: str) -> "tuple[str, str]":
    """Splits a cell into statements and the expression at its end, if there is one."""
    import ast

    try:
        statements = ast.parse(cell).body
    except SyntaxError:
        # The board says what it does not like.
        return cell, ""
    if not statements or not isinstance(statements[-1], ast.Expr):
        return cell, ""
    last = statements[-1]
    lines = cell.splitlines(keepends=True)
    before = lines[: last.lineno - 1]
    head = lines[last.lineno - 1].encode()[: last.col_offset].decode()
    return "".join(before) + head.rstrip().rstrip(";"), ast.get_source_segment(cell, last) or ""


def load(shell: Any) -> None:
    """Registers the magics."""
    magics = _Magics(shell)
    shell.register_magic_function(magics.board, magic_kind="line_cell", magic_name="board")

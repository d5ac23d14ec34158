"""The same scripts with belay and with this package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import board_port, surroundings

RUN = Path(__file__).parent / "differential" / "run.py"

# Cases in which this package does better, and what it does. docs/belay.md describes each difference.
BETTER: "dict[str, str]" = {
    "expression_17_b'abc'": "a bytes literal is a value; belay takes it for a docstring",
    "expression_18_b'\\x00\\xff'": "as above",
    "expression_23_1, 2, 3": "a tuple without parentheses is a value",
    "expression_39_'%d-%s' % (1, 'x')": "a string literal is not removed from an expression",
    "expression_40_'{}'.format(3)": "as above",
    "expression_41_f'{1 + 1}'": "as above",
    "error_11": "the board's SyntaxError is raised; belay evaluates something else",
    "error_12": "the board's SyntaxError is raised; belay raises an error of its tokenizer",
    "error_16": "the board's TypeError is raised; belay removes the string",
    "sync_that_takes_back_what_it_ignores": "as git has it: nothing in a folder that is ignored is taken back",
    "sync_that_ignores_in_the_folder_itself": "patterns are relative to the folder; belay compares absolute paths",
    "system_exit": "a reset of the board during the call is told, and the session goes on",
}


def results(python: str, module: str, port: str) -> "dict[str, dict[str, Any]]":
    """Runs the cases with one module."""
    finished = subprocess.run([python, str(RUN), module, port], capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stderr
    found: "dict[str, dict[str, Any]]" = json.loads(finished.stdout)
    return found


@pytest.mark.unix
def test_belay_and_piton_agree() -> None:
    port, python = board_port("virtual"), surroundings()["belay"]
    theirs = results(python, "belay", port)
    ours = results(sys.executable, "piton", port)
    assert len(ours) >= 250
    different = {
        name: {"belay": theirs[name], "piton": ours[name]}
        for name in ours
        if name not in BETTER and theirs[name] != ours[name]
    }
    assert not different, json.dumps(different, indent=1)

"""The plugin for pytest, as pytest loads it from the installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import Served

TESTS = """
import pytest


@pytest.mark.parametrize("turn", [1, 2])
def test_board(board, turn):
    board("try:\\n    count += 1\\nexcept NameError:\\n    count = 1")
    assert board("count") == 1

    @board.task
    def double(value):
        return value * 2

    assert double(21) == 42


def test_name(board, request):
    print("on", request.config.getoption("--board"))
"""


def _run(folder: Path, *options: str) -> str:
    (folder / "test_it.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-rP", "-p", "no:cacheprovider", *options, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_test_gets_a_virtual_board_of_its_own(tmp_path: Path) -> None:
    shown = _run(tmp_path)
    assert "3 passed" in shown and "on virtual" in shown


def test_the_option_names_another_board(tmp_path: Path) -> None:
    with Served("--tcp", "127.0.0.1:0") as served:
        shown = _run(tmp_path, "--board", served.name)
        assert "3 passed" in shown and f"on {served.name}" in shown

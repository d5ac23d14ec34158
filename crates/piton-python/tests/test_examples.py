"""The examples, and the code of docs/belay.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))
PAGE = PROJECT.parents[1] / "docs" / "belay.md"


def run(code: "list[str]", folder: Path) -> str:
    """Runs a script in a folder of its own, and returns what it prints."""
    finished = subprocess.run([sys.executable, *code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example(example: Path, tmp_path: Path) -> None:
    output = run([str(example)], tmp_path)
    expected = {
        "async_readings.py": "board 1 2",
        "fleet.py": "board 1: True",
        "logger.py": ",6.0",
        "sensor.py": "25.0 77.0\nreadings: 2",
    }
    assert expected[example.name] in output.replace("\r\n", "\n")


def blocks() -> "list[str]":
    """Returns the blocks of Python code of the page."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks())))
def test_a_block_of_the_page(number: int, tmp_path: Path) -> None:
    # A block may use what the blocks before it have defined. Functions need a file for their source.
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks()[: number + 1]), encoding="utf-8")
    run([str(script)], tmp_path)

"""The package in IPython itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import piton
from piton._ipython import _last_expression


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[InteractiveShell]":
    """A shell of IPython with this package's magics."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    run(shell, "%load_ext piton")
    yield shell
    for value in list(shell.user_ns.values()):
        if isinstance(value, piton.Device):
            value.close()


def run(shell: InteractiveShell, cell: str) -> Any:
    """Runs a cell, and returns its value."""
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
    return result.result


def test_cells_run_on_the_board(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shell, "%%board virtual\nx = 4\nprint('on', x)\nx + 1\n") == 5
    assert "on 4" in capsys.readouterr().out
    # The last board goes on.
    assert run(shell, "%%board\nfor i in range(3):\n    y = i\n") is None
    assert run(shell, "%board y") == 2
    assert run(shell, "found = %board [x, y]\nfound") == [4, 2]


def test_a_cell_takes_the_device_of_a_variable(shell: InteractiveShell) -> None:
    run(shell, "import piton\nsensor = piton.Device('virtual')\nother = piton.Device('virtual')")
    with pytest.raises(ValueError, match="no device"):
        run(shell, "%%board\n1")
    run(shell, "%%board sensor\nz = 7")
    assert run(shell, "sensor('z')") == 7
    assert run(shell, "other('\"z\" in globals()')") is False


def test_functions_of_cells_are_tasks(shell: InteractiveShell) -> None:
    run(shell, "import piton\ndevice = piton.Device('virtual')")
    run(shell, "@device.task\ndef double(x):\n    return x * 2\n")
    assert run(shell, "double(4)") == 8
    # A cell that is run again replaces the function.
    run(shell, "@device.task\ndef double(x):\n    return x * 20\n")
    assert run(shell, "double(4)") == 80
    run(shell, "triple = device.task(lambda x: x * 3)")
    assert run(shell, "triple(2)") == 6
    run(shell, "class Sensor(piton.Device):\n    @piton.Device.task\n    def read():\n        return 5\n")
    assert run(shell, "with Sensor('virtual') as sensor: value = sensor.read()\nvalue") == 5


def test_an_exception_of_the_board_in_a_cell(shell: InteractiveShell) -> None:
    with pytest.raises(piton.PyboardException, match="ZeroDivisionError"):
        run(shell, "%%board virtual\n1 / 0")
    with pytest.raises(piton.PyboardException, match="SyntaxError"):
        run(shell, "%%board\nx = = 1")


def test_a_device_is_shown_as_a_table(shell: InteractiveShell) -> None:
    run(shell, "import piton\ndevice = piton.Device('virtual')")
    formats, _ = shell.display_formatter.format(shell.user_ns["device"])
    assert "<th>platform</th><td>webassembly</td>" in formats["text/html"]
    assert formats["text/plain"].startswith("<Device virtual")
    run(shell, "device.close()")
    formats, _ = shell.display_formatter.format(shell.user_ns["device"])
    assert "<td>closed</td>" in formats["text/html"]


def test_awaiting_in_a_cell(shell: InteractiveShell) -> None:
    run(shell, "import piton\ndevice = piton.Device('virtual')\n@device.task\ndef slow(n):\n    return n\n")
    assert run(shell, "await slow.aio(3)") == 3
    assert run(shell, "await device.aio('1 + 1')") == 2


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("1 + 1", ("", "1 + 1")),
        ("x = 1\nx", ("x = 1\n", "x")),
        ("x = 1; x", ("x = 1", "x")),
        ("x = 1", ("x = 1", "")),
        ("f(\n 1)\n", ("", "f(\n 1)")),
        ("x = = 1", ("x = = 1", "")),
    ],
)
def test_the_expression_at_the_end_of_a_cell(cell: str, parts: "tuple[str, str]") -> None:
    assert _last_expression(cell) == parts

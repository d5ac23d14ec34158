"""A plugin for pytest: the fixture `board`, a board for each test.

It is a virtual board, or with ``pytest --board a0`` the board that is named. pytest loads it wherever this package is installed.
"""

from __future__ import annotations

from typing import Iterator

import pytest

import piton

__all__ = ["board", "pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option ``--board``."""
    group = parser.getgroup("piton", "MicroPython boards")
    group.addoption(
        "--board",
        default="virtual",
        metavar="BOARD",
        help="the board of the fixture `board`, as `piton connect` takes it (default: virtual, a new one for each test)",
    )


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Iterator[piton.Device]:
    """A board without variables of other tests; the files of a real board are kept."""
    selector = str(request.config.getoption("--board"))
    with piton.Device(selector) as device:
        yield device

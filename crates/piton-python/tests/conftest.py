"""Boards for the tests."""

from __future__ import annotations

from typing import Iterator

import pytest

import piton


@pytest.fixture(scope="module")
def device() -> Iterator[piton.Device]:
    """A virtual board: a real MicroPython, in this process."""
    with piton.Device("virtual") as board:
        yield board

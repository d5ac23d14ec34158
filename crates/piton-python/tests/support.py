"""What the tests find around them: boards that run, and programs that serve boards."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest


@functools.lru_cache(maxsize=None)
def surroundings() -> "dict[str, Any]":
    """Returns what `cargo xtask test python` has set up."""
    path = os.environ.get("PITON_TEST_SURROUNDINGS")
    if not path:
        pytest.fail("PITON_TEST_SURROUNDINGS is not set\n\nhint: `cargo xtask test python` sets it")
    found: "dict[str, Any]" = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def board_port(name: str) -> str:
    """Returns the port of a board that runs."""
    port: str = surroundings()["boards"][name]
    return port


def words_of(name: str) -> "tuple[list[str], dict[str, str]]":
    """Returns how a program is started: its words, and the whole environment."""
    program = surroundings()["programs"][name]
    return program["words"], {**os.environ, **program["environment"]}


class Served:
    """A virtual board that a process of its own serves."""

    def __init__(self, *arguments: str) -> None:
        command = [surroundings()["piton"], "--json", "virtual", "serve", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.name: str = json.loads(self.process.stdout.readline())["name"]
        """Its selector, or the path of its pseudo-terminal."""

    @property
    def address(self) -> str:
        """``host:port``."""
        return self.name.rpartition("//")[2]

    @property
    def port(self) -> int:
        """Number of its TCP port."""
        return int(self.name.rpartition(":")[2])

    def stop(self) -> None:
        """Switches the board off."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


class Running:
    """A program that listens at a TCP port."""

    def __init__(self, name: str, port: int, *arguments: str) -> None:
        words, environment = words_of(name)
        self.port = port
        self.process = subprocess.Popen(
            [*words, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def wait(self) -> "Running":
        """Waits until it listens. Looking must not count as a connection: these servers take one at a time."""
        end = time.monotonic() + 30
        while not _is_taken(self.port):
            assert self.process.poll() is None and time.monotonic() < end, "the program does not listen"
            time.sleep(0.01)
        return self

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    """Returns the number of a TCP port that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False

"""The terminal of the host, connected with the prompt of a board."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Generator, Iterator

if TYPE_CHECKING:
    from piton._piton import Session


def talk(session: "Session", exit_character: str) -> None:
    """Sends what is typed to the board and prints what the board sends, until `exit_character` is typed or input ends."""
    session.terminal_begin()
    ended = threading.Event()

    def show() -> None:
        output = sys.stdout
        while not ended.is_set():
            try:
                data = session.terminal_read()
            except Exception:
                # The line broke: typing will say so.
                return
            if data:
                output.write(data.decode("utf-8", "replace"))
                output.flush()

    reader = threading.Thread(target=show, daemon=True)
    reader.start()
    try:
        with _keys() as keys:
            for key in keys:
                if key == exit_character:
                    return
                session.terminal_write(key.encode())
    finally:
        ended.set()
        reader.join()


@contextlib.contextmanager
def _keys() -> "Generator[Iterator[str]]":
    """Gives the keys as they are typed, without an echo; of a pipe, its characters."""
    if not sys.stdin.isatty():
        yield iter(lambda: sys.stdin.read(1), "")
    elif os.name == "nt":
        import msvcrt

        yield iter(msvcrt.getwch, "")  # type: ignore[attr-defined]
    else:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            tty.setraw(descriptor)
            yield iter(lambda: os.read(descriptor, 1).decode("utf-8", "replace"), "")
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

"""The terminal of the host, connected with the prompt of a board."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Generator, Iterator

if TYPE_CHECKING:
    from piton._piton import Session


def talk(session: "Session", exit_character: str) -> None:
    """Sends what is typed to the board and prints what the board sends, until `exit_character` is typed or input ends."""
    ended = threading.Event()

    def show() -> None:
        output = sys.stdout
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while not ended.is_set():
            try:
                data = session.terminal_read()
            except Exception:
                # The line broke: typing will say so.
                return
            if data:
                output.write(decoder.decode(data))
                output.flush()

    reader = threading.Thread(target=show, daemon=True)
    # The board ends lines with CR LF: a terminal that adds a CR must not see them.
    with _keys() as keys:
        session.terminal_begin()
        reader.start()
        try:
            for key in keys:
                if key == exit_character:
                    return
                session.terminal_write(key.encode())
        finally:
            ended.set()
            reader.join()


def _characters(descriptor: int) -> "Iterator[str]":
    """Gives the characters that are typed, of several bytes too, until input ends."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := os.read(descriptor, 64):
        yield from decoder.decode(data)


@contextlib.contextmanager
def _keys() -> "Generator[Iterator[str]]":
    """Gives the keys as they are typed, without an echo; of a pipe, its characters."""
    if not sys.stdin.isatty():
        yield iter(lambda: sys.stdin.read(1), "")
    elif os.name == "nt":
        import msvcrt

        yield iter(msvcrt.getwch, "")
    else:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            tty.setraw(descriptor)
            yield _characters(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

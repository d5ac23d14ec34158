"""What a board prints, on the streams of the host."""

from __future__ import annotations

import codecs
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, TextIO

__all__ = ["STDOUT", "Output"]

STDOUT: Any = object()
"""Stands for sys.stdout at the time of the call: tests and notebooks replace it."""


class Output:
    """Writes what the board prints, as it comes. Each thread of the host has its own stream."""

    def __init__(self) -> None:
        from threading import local

        self._streams = local()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        """Writes what came from the board to the stream of this thread."""
        stream = self._stream()
        text = self._decoder.decode(data)
        if stream is STDOUT:
            stream = sys.stdout
        if stream is None or not text:
            return
        stream.write(text)
        if not text.endswith("\n"):
            # A terminal would keep the begin of a line.
            flush = getattr(stream, "flush", None)
            if flush is not None:
                flush()

    def to(self, stream: Optional[TextIO]) -> _Redirected:
        """Returns a context in which output of this thread goes to `stream`; None drops it."""
        return _Redirected(self._streams, stream, self._stream())

    def _stream(self) -> Any:
        return getattr(self._streams, "stream", STDOUT)


class _Redirected:
    """Sets the stream of a thread, and restores the one before."""

    def __init__(self, streams: Any, stream: Any, before: Any) -> None:
        self._streams = streams
        self._stream = stream
        self._before = before

    def __enter__(self) -> None:
        self._streams.stream = self._stream

    def __exit__(self, *exception: object) -> None:
        self._streams.stream = self._before

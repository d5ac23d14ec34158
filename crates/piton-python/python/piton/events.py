"""What code on a board sends by itself."""

from __future__ import annotations

import asyncio
import queue
from typing import TYPE_CHECKING, Any, AsyncIterator, Generic, Iterator, Optional, TypeVar

if TYPE_CHECKING:
    from piton import _piton

__all__ = ["EventStream", "Stream"]

V = TypeVar("V", covariant=True)
T = TypeVar("T")

_END: Any = object()


class Stream(Generic[V]):
    """What a generator task yields, sent by the board without being asked: ``for value in readings.stream(5)``.

    The values are collected in the background, in the order of the board. The board carries out nothing else meanwhile: other calls of
    the device wait. It is a context manager: `close` stops the generator.
    """

    def __init__(self, stream: "_piton.Stream") -> None:
        self._stream = stream

    def get(self, timeout: "Optional[float]" = None) -> V:
        """Waits for the next value, for at most `timeout` seconds.

        Raises TimeoutError when none came, StopIteration when there are no more, and what the generator raised.
        """
        item: "Optional[tuple[V]]" = self._stream.get(timeout)
        if item is None:
            raise TimeoutError(f"no value came within {timeout} s")
        return item[0]

    def close(self) -> None:
        """Stops the generator, as Ctrl-C does. Values that were not taken are dropped."""
        self._stream.close()

    def __iter__(self) -> "Iterator[V]":
        return self

    def __next__(self) -> V:
        return self.get()

    def __aiter__(self) -> "AsyncIterator[V]":
        return _iterate(self)

    def __enter__(self) -> "Stream[V]":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


class EventStream:
    """The values of events of one name, in the order of the board: ``for value in device.events("reading")``.

    They are collected in the background from the first moment on. Iteration ends when the device is closed.
    """

    def __init__(self) -> None:
        self._values: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self._is_over = False

    def put(self, value: Any) -> None:
        """Adds a value at the end."""
        self._values.put(value)

    def close(self) -> None:
        """Ends the stream after the values that are there."""
        self._values.put(_END)

    def get(self, timeout: "Optional[float]" = None) -> Any:
        """Waits for the next value, for at most `timeout` seconds.

        Raises TimeoutError when none came, StopIteration when the device is closed.
        """
        if self._is_over:
            raise StopIteration
        try:
            value = self._values.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"no event came within {timeout} s") from None
        if value is _END:
            self._is_over = True
            raise StopIteration
        return value

    def __iter__(self) -> "Iterator[Any]":
        return self

    def __next__(self) -> Any:
        return self.get()

    def __aiter__(self) -> "AsyncIterator[Any]":
        return _iterate(self)


async def _iterate(values: "Iterator[T]") -> "AsyncIterator[T]":
    loop = asyncio.get_running_loop()
    while True:
        # StopIteration cannot leave a coroutine.
        value = await loop.run_in_executor(None, next, values, _END)
        if value is _END:
            return
        yield value

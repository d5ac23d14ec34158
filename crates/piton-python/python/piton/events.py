"""Events that code on a board sends by itself."""

from __future__ import annotations

import asyncio
import queue
from typing import Any, AsyncIterator, Iterator, Optional

__all__ = ["EventStream"]

_END = object()


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
        """Ends the stream behind the values that are there."""
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

    async def __aiter__(self) -> "AsyncIterator[Any]":
        loop = asyncio.get_running_loop()
        while True:
            # StopIteration cannot leave a coroutine.
            value = await loop.run_in_executor(None, next, self, _END)
            if value is _END:
                return
            yield value

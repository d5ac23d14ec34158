"""Calls of boards from asyncio."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, AsyncGenerator, Callable, Generator, Optional

__all__ = ["Worker"]


class Worker:
    """The thread in which a device carries out calls that asyncio waits for. It starts at the first of them."""

    def __init__(self) -> None:
        self._pool: "Optional[ThreadPoolExecutor]" = None

    async def call(self, function: "Callable[..., Any]", *args: Any, **kwargs: Any) -> Any:
        """Calls a function in the thread, and waits for it without blocking the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._ready(), functools.partial(function, *args, **kwargs))

    async def iterate(self, generator: "Generator[Any, Any, None]") -> "AsyncGenerator[Any, Any]":
        """Gives the items of a generator, each fetched in the thread."""
        sent: Any = None
        end = object()

        def resume(value: Any) -> Any:
            try:
                return generator.send(value)
            except StopIteration:
                return end

        while True:
            item = await self.call(resume, sent)
            if item is end:
                return
            sent = yield item

    def close(self) -> None:
        """Ends the thread, when its call is done."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def _ready(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="piton")
        return self._pool

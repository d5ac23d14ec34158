"""Reads two boards from asyncio: each has a thread of its own, and the event loop goes on."""

import asyncio
import sys
from typing import Generator

from piton import Device


async def follow(name: str, board: str) -> None:
    """Prints what one board counts."""
    async with Device(board) as device:

        @device.task
        def count(limit: int) -> Generator[int, None, None]:
            import time

            for number in range(limit):
                time.sleep(0.01)
                yield number

        async for number in count.aio(3):
            print(name, number)


async def main(*boards: str) -> None:
    """Follows all boards."""
    await asyncio.gather(*(follow(f"board {number}", board) for number, board in enumerate(boards)))


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ["virtual", "virtual"])))

"""Groups of devices, asyncio, notebooks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from typing import Any

import pytest

import piton
from piton import Device, Devices, GroupError


def test_a_group_calls_all_boards() -> None:
    with Devices("virtual", other="virtual") as boards:
        assert list(boards) == ["0", "other"]

        @boards.setup
        def prepare(start):
            level = start

        prepare(4)
        boards["other"]("level = 5")

        @boards.task
        def read(factor):
            return level * factor  # noqa: F821

        assert read(2) == {"0": 8, "other": 10}
        assert boards("level") == {"0": 4, "other": 5}
        boards["0"]("level = None")
        results = read(2)
        assert results == {"other": 10}
        assert results.failures["0"].type_name == "TypeError"
        with pytest.raises(GroupError, match="1 of 2 boards failed"):
            results.check()


def test_a_group_that_cannot_be_reached() -> None:
    with pytest.raises(GroupError, match="no-such-port") as caught:
        Devices("virtual", bad="/dev/no-such-port")
    assert list(caught.value.failures) == ["bad"]


def test_asyncio_goes_on_while_a_board_works(device: Device) -> None:
    @device.task
    def slow(n):
        import time

        time.sleep(0.3)
        return n

    @device.task
    def count(n):
        yield from range(n)

    @device.task
    async def coroutine(n):
        import asyncio

        await asyncio.sleep(0)
        return n + 1

    async def main() -> Any:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticker = asyncio.create_task(tick())
        value = await slow.aio(5)
        assert ticks > 5
        ticker.cancel()
        items = [item async for item in count.aio(3)]
        return value, items, await device.aio("1 + 1"), await coroutine(1)

    assert asyncio.run(main()) == (5, [0, 1, 2], 2, 2)


def test_threads_of_the_host_share_a_device(device: Device) -> None:
    @device.task
    def same(value):
        return value

    results: "list[tuple[int, Any]]" = []

    def work(number: int) -> None:
        for _ in range(20):
            results.append((number, same(number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(number == value for number, value in results)


def test_other_threads_run_during_a_call(device: Device) -> None:
    ticks = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.01)

    thread = threading.Thread(target=tick)
    thread.start()
    device("__import__('time').sleep(0.3)")
    stop.set()
    thread.join()
    assert len(ticks) > 5


def test_a_signal_stops_the_board_and_not_the_session(device: Device) -> None:
    def interrupt() -> None:
        time.sleep(0.3)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        device("while True:\n    pass")
    assert device("1 + 1") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a signal there does not interrupt a wait")
def test_a_signal_ends_the_wait_for_the_call_of_another_thread(device: Device) -> None:
    began, may_end = threading.Event(), threading.Event()

    class Stream:
        """Keeps a call from going on."""

        def write(self, text: str) -> None:
            began.set()
            may_end.wait(60)

    values: "list[Any]" = []

    def call() -> None:
        values.append(device("(print('begins'), 5)[1]", stream_out=Stream()))  # type: ignore[arg-type]

    other = threading.Thread(target=call)
    other.start()
    assert began.wait(60)
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        device("1 + 1")
    # It was the wait that ended, not the call of the other thread.
    assert not values
    may_end.set()
    other.join()
    assert values == [5]
    assert device("1 + 1") == 2

"""Events from the board to the host."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

import pytest

import piton
from piton import Device

TICKS = """
from machine import Timer
count = 0
def tick(timer):
    global count
    count += 1
    piton_event("tick", count)
timer = Timer(period=20, mode=Timer.PERIODIC, callback=tick)
"""


def test_a_handler_gets_events_during_calls_and_between_them() -> None:
    heard: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
    with Device("virtual") as device:

        @device.on("reading")
        def reading(value):
            heard.put(value)

        @device.task
        def measure(count):
            for number in range(count):
                piton_event("reading", {"number": number})  # noqa: F821
                print(number)
            return count

        assert measure(3) == 3
        assert [heard.get(timeout=20) for _ in range(3)] == [{"number": number} for number in range(3)]
        device.on("tick")(heard.put)
        device(TICKS)
        assert [heard.get(timeout=20) for _ in range(5)] == [1, 2, 3, 4, 5]
        assert device("1 + 1") == 2
        device("timer.deinit()")


def test_a_stream_collects_in_the_background() -> None:
    with Device("virtual") as device:
        ticks = device.events("tick")
        device(TICKS)
        assert [next(ticks) for _ in range(5)] == [1, 2, 3, 4, 5]
        device("timer.deinit()")
        other = device.events("other")
        with pytest.raises(TimeoutError):
            other.get(timeout=0.05)
        device("piton_event('other')")
        assert other.get(timeout=20) is None
    assert list(other) == []
    assert list(other) == []


def test_a_generator_streams_without_being_asked(device: Device) -> None:
    @device.task
    def count(n, fails=False):
        global stopped
        stopped = False
        try:
            number = 0
            while n is None or number < n:
                yield number, b"\x00" * 70
                number += 1
            if fails:
                raise ValueError("at the end")
        finally:
            stopped = True

    assert [number for number, _ in count.stream(500)] == list(range(500))
    items = count.stream(3, fails=True)
    assert [items.get(timeout=60)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(piton.PyboardException, match="at the end"):
        next(items)
    assert next(items, None) is None
    with count.stream(None) as items:
        assert next(items) == (0, b"\x00" * 70)
    assert device("stopped") is True
    assert list(items) == []

    @device.task
    def slow():
        import time

        while True:
            time.sleep(30)
            yield

    with slow.stream() as nothing:
        with pytest.raises(TimeoutError, match="no value came within 0.1 s"):
            nothing.get(timeout=0.1)
    assert device("1 + 1") == 2

    async def main() -> "list[int]":
        with count.stream(None) as items:
            found = []
            async for number, _ in items:
                found.append(number)
                if number == 100:
                    return found
        return []

    assert asyncio.run(main()) == list(range(101))


def test_a_device_that_is_closed_ends_its_streams() -> None:
    device = Device("virtual")

    @device.task
    def forever():
        while True:
            yield 1

    stream = forever.stream()
    assert next(stream) == 1
    device.close()
    assert list(stream) == []


def test_a_stream_in_asyncio() -> None:
    async def main() -> "list[int]":
        async with Device("virtual") as device:
            ticks = device.events("tick")
            await device.aio(TICKS)
            found = []
            async for tick in ticks:
                found.append(tick)
                if tick == 3:
                    break
            return found

    assert asyncio.run(main()) == [1, 2, 3]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_handler_may_call_the_board_and_may_fail() -> None:
    heard: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
    with Device("virtual") as device:

        @device.on("ask")
        def ask(value):
            if value == 0:
                raise RuntimeError("the handler fails")
            heard.put(device(f"{value} * 2"))

        device("piton_event('ask', 0)\npiton_event('ask', 4)")
        assert heard.get(timeout=20) == 8

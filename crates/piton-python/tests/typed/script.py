"""What type checkers make of a script. `cargo xtask test python` checks this file in strict mode; nothing runs it."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, AsyncGenerator, Generator

import piton
from piton import Device, Devices, Results, Stream

if TYPE_CHECKING:
    from typing_extensions import assert_type


class Sensor(Device):
    """A device with methods that run on the board."""

    @Device.setup(autoinit=True)
    def prepare() -> None:
        """Has no parameters."""

    @Device.task
    @staticmethod
    def read(channel: int, gain: float = 1.0) -> "list[int]":
        return [channel, int(gain)]

    @Device.task(implementation="micropython", timeout=2)
    @staticmethod
    def stream(limit: int) -> Generator[int, str, None]:
        for number in range(limit):
            yield number

    @Device.thread
    @staticmethod
    def blink(pin: int) -> None:
        pass


def sensor(device: Sensor) -> None:
    assert_type(device.read(1, gain=2.0), "list[int]")
    device.read("x")  # pyright: ignore[reportArgumentType]
    device.read(1, 2.0, 3)  # pyright: ignore[reportCallIssue]
    assert_type(device.stream(3), Generator[int, str, None])
    assert_type(device.stream.stream(3), Stream[int])
    assert_type(device.blink(25), None)
    assert_type(device.prepare(), None)


def decorators() -> None:
    with Device("virtual") as device:

        @device.task
        def plain(a: int, *, b: str = "") -> float:
            return a * 1.5

        @device.task(return_time=True)
        def timed(a: int) -> int:
            return a

        @device.task(record=True)
        def recorded(a: int) -> int:
            return a

        @device.setup
        def prepare(level: int) -> None:
            pass

        @device.teardown(ignore_errors=True)
        def finish() -> None:
            pass

        assert_type(plain(1, b="x"), float)
        plain(b=1)  # pyright: ignore[reportCallIssue]
        assert_type(timed(1), "tuple[int, datetime]")
        assert_type(recorded(1), int)
        assert_type(prepare(4), None)
        prepare("x")  # pyright: ignore[reportArgumentType]
        finish()
        device.task.plain(1, b="x")
        assert_type(device, Device)


async def asynchronous(device: Device) -> None:
    @device.task
    def plain(a: int) -> float:
        return a * 1.5

    @device.task
    async def coroutine(a: int) -> str:
        return str(a)

    @device.task
    def count(limit: int) -> Generator[int, None, None]:
        yield limit

    assert_type(await plain.aio(1), float)
    assert_type(await coroutine(1), str)
    assert_type(await coroutine.aio(1), str)
    assert_type(count.aio(3), AsyncGenerator[int, None])


def groups() -> None:
    with Devices("virtual", other="virtual") as boards:

        @boards.task
        def read(channel: int) -> int:
            return channel

        results = read(1)
        assert_type(results, Results[int])
        assert_type(results["0"], int)
        assert_type(results.check(), Results[int])
        read("x")  # pyright: ignore[reportArgumentType]


def names() -> None:
    assert_type(piton.minify("x = 1"), str)
    assert_type(piton.list_devices(), "list[piton.UsbSpecifier]")
    device: Any = Device["sensor"]
    assert_type(Device.MAX_CMD_HISTORY_LEN, int)
    del device

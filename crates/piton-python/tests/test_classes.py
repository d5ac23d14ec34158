"""Subclasses of Device: marks, overloads, hooks, mixins, the registry."""

from __future__ import annotations

import pytest

import piton
from piton import Device


def test_marked_methods_run_on_the_board() -> None:
    order: "list[str]" = []

    class Sensor(Device):
        """A device with functions of all kinds."""

        def __pre_autoinit__(self) -> None:
            order.append("pre")
            self("level = 1")

        @Device.setup(autoinit=True)
        def prepare():
            level = level + 1  # noqa: F821

        @Device.task
        def read(factor):
            return level * factor  # noqa: F821

        @Device.teardown
        def finish():
            print("bye")

        def __post_init__(self) -> None:
            order.append("post")
            self.seen = self("level")

        def plain(self) -> int:
            return self.seen * 100

    with Sensor("virtual") as sensor:
        assert order == ["pre", "post"]
        assert sensor.read(3) == 6
        assert sensor.plain() == 200

        @sensor.task
        def more():
            return level  # noqa: F821

        assert more() == 2
    assert Device["sensor"] is Sensor
    assert "sensor" in Device


def test_overloads_are_chosen_by_implementation() -> None:
    class Board(Device, skip=True):
        """Two methods of one name."""

        @Device.task(implementation="circuitpython")
        def name():
            return "c"

        @Device.task(implementation="micropython")
        def name():  # noqa: F811
            return "m"

        @Device.task(implementation="other")
        def only():
            return 1

    with Board("virtual") as board:
        assert board.name() == "m"
        with pytest.raises(piton.NoMatchingExecuterError):
            board.only()


def test_wrong_classes() -> None:
    with pytest.raises(ValueError, match="must have no arguments"):

        class WithArgument(Device):
            """An autoinit setup with an argument."""

            @Device.setup(autoinit=True)
            def prepare(x):
                pass

    with pytest.raises(ValueError, match="Cannot mix"):

        class Mixed(Device):
            """A name that is both."""

            def f(self):
                pass

            @Device.task
            def f():  # noqa: F811
                pass

    with pytest.raises(ValueError, match="after catchall"):

        class AfterAll(Device):
            """An overload that is never chosen."""

            @Device.task
            def f():
                pass

            @Device.task(implementation="micropython")
            def f():  # noqa: F811
                pass


def test_mixins_come_before_device() -> None:
    class Mixin:
        """A method of the name of a decorator."""

        def setup(self) -> str:
            return "mine"

    class Board(Device, Mixin, skip=True):
        """A board with a mixin."""

    with Board("virtual") as board:
        assert board.setup() == "mine"


def test_a_closed_device_says_so() -> None:
    device = Device("virtual", startup="")
    device.close()
    device.close()
    with pytest.raises(piton.ConnectionFailedError, match="closed"):
        device("1")


def test_no_such_port() -> None:
    with pytest.raises(piton.ConnectionFailedError):
        Device("/dev/no-such-port")

"""Many boards at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Optional, TypeVar, Union, cast

from piton.device import Device
from piton.exceptions import BelayException

if TYPE_CHECKING:
    from piton._decorators import GroupDecorator

__all__ = ["Devices", "GroupError", "Results"]

_T = TypeVar("_T")


class GroupError(BelayException):
    """Some boards of a group failed. ``failures`` has their exceptions by name, ``results`` the values of the others."""

    def __init__(self, failures: "Mapping[str, BaseException]", results: "Results[Any]") -> None:
        shown = "\n".join(f"{name}: {type(error).__name__}: {str(error).strip()}" for name, error in failures.items())
        super().__init__(f"{len(failures)} of {len(failures) + len(results)} boards failed:\n{shown}")
        self.failures: "Mapping[str, BaseException]" = failures
        self.results: "Results[Any]" = results


# The class of `typing`: it is generic when the script runs, too.
class Results(Dict[str, _T]):  # noqa: UP006
    """What the boards of a group returned, by name. ``failures`` has the exceptions of the boards that failed."""

    def __init__(self, values: "Mapping[str, _T]", failures: "Mapping[str, BaseException]") -> None:
        super().__init__(values)
        self.failures: "dict[str, BaseException]" = dict(failures)

    def check(self) -> "Results[_T]":
        """Returns the results. Raises GroupError if a board failed."""
        if self.failures:
            raise GroupError(self.failures, self)
        return self


class Devices(Mapping[str, Device]):
    """Several boards, used as one: a call goes to all of them at the same time.

    ::

        with Devices(left="/dev/ttyACM0", right="/dev/ttyACM1") as boards:

            @boards.task
            def read():
                return ADC(26).read_u16()

            print(read())  # {'left': 12034, 'right': 48111}

    A board that fails does not stop the others: its exception is in ``results.failures``.
    """

    def __init__(
        self,
        *devices: "Union[Device, str]",
        make: "Callable[..., Device]" = Device,
        **named: "Union[Device, str]",
    ) -> None:
        """Takes devices or what `make` connects to, at the same time. Those without a name are called by their position: ``0``, ``1``.

        Raises GroupError if a board cannot be reached; the others are closed then.
        """
        wanted = {str(position): device for position, device in enumerate(devices)}
        wanted.update(named)
        self._pool = ThreadPoolExecutor(max(1, len(wanted)), thread_name_prefix="piton")
        connected = self._run(
            {
                name: (lambda device=device: device if isinstance(device, Device) else make(device))
                for name, device in wanted.items()
            }
        )
        self._devices: "dict[str, Device]" = dict(connected)
        if connected.failures:
            self.close()
            raise GroupError(connected.failures, connected)

    def __getitem__(self, name: str) -> Device:
        return self._devices[name]

    def __iter__(self) -> "Iterator[str]":
        return iter(self._devices)

    def __len__(self) -> int:
        return len(self._devices)

    def __call__(self, cmd: str, **options: Any) -> "Results[Any]":
        """Executes code on all boards, as `Device` does."""
        return self.each(lambda device: device(cmd, **options))

    def each(self, action: "Callable[[Device], _T]") -> "Results[_T]":
        """Calls a function with each device, at the same time, and returns the results by name."""
        return self._run({name: (lambda device=device: action(device)) for name, device in self._devices.items()})

    def sync(self, folder: "Union[str, os.PathLike[str]]", **options: Any) -> "Results[None]":
        """Copies a folder to all boards, as `Device.sync` does."""
        return self.each(lambda device: device.sync(folder, **options))

    if TYPE_CHECKING:
        task: GroupDecorator
        """Defines a function on all boards, as `Device.task` does. A call returns the results by name."""
        setup: GroupDecorator
        """Executes the body of a function on all boards, as `Device.setup` does."""
        teardown: GroupDecorator
        """Executes the body of a function on all boards when they are closed, as `Device.teardown` does."""
        thread: GroupDecorator
        """Runs a function on all boards in threads of their own, as `Device.thread` does."""
    else:
        def task(self, function: "Optional[Callable[..., Any]]" = None, **options: Any) -> Any:
            """Defines a function on all boards, as `Device.task` does. A call returns the results by name."""
            return self._decorated("task", function, options)

        def setup(self, function: "Optional[Callable[..., Any]]" = None, **options: Any) -> Any:
            """Executes the body of a function on all boards, as `Device.setup` does."""
            return self._decorated("setup", function, options)

        def teardown(self, function: "Optional[Callable[..., Any]]" = None, **options: Any) -> Any:
            """Executes the body of a function on all boards when they are closed, as `Device.teardown` does."""
            return self._decorated("teardown", function, options)

        def thread(self, function: "Optional[Callable[..., Any]]" = None, **options: Any) -> Any:
            """Runs a function on all boards in threads of their own, as `Device.thread` does."""
            return self._decorated("thread", function, options)

    def close(self) -> "Results[None]":
        """Closes all devices."""
        closed = self.each(lambda device: device.close())
        self._pool.shutdown()
        return closed

    def __enter__(self) -> "Devices":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def _decorated(self, kind: str, function: "Optional[Callable[..., Any]]", options: "dict[str, Any]") -> Any:
        def decorate(function: "Callable[..., Any]") -> "Callable[..., Results[Any]]":
            def define(device: Device) -> "Callable[..., Any]":
                return cast("Callable[..., Any]", getattr(device, kind)(function, **options))

            made = self.each(define).check()

            def call(*args: Any, **kwargs: Any) -> "Results[Any]":
                return self._run({name: (lambda one=one: one(*args, **kwargs)) for name, one in made.items()})

            call.__name__ = getattr(function, "__name__", "function")
            call.__doc__ = function.__doc__
            return call

        return decorate if function is None else decorate(function)

    def _run(self, actions: "Mapping[str, Callable[[], _T]]") -> "Results[_T]":
        futures = {name: self._pool.submit(action) for name, action in actions.items()}
        values: "dict[str, _T]" = {}
        failures: "dict[str, BaseException]" = {}
        for name, future in futures.items():
            error = future.exception()
            if error is None:
                values[name] = future.result()
            else:
                failures[name] = error
        return Results(values, failures)

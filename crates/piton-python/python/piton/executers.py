"""What makes functions of the host into functions of a board: ``@device.task`` and its kin."""

from __future__ import annotations

import functools
import inspect

from piton._source import source_of
from piton.exceptions import FeatureUnavailableError, PyboardException, SpecialFunctionNameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, AsyncGenerator, Callable, Generator, Optional

    from piton.device import Device
    from piton.events import Stream

__all__ = ["Executer", "SetupExecuter", "TaskExecuter", "TeardownExecuter", "ThreadExecuter"]


class Executer:
    """A decorator of a device: ``device.task`` and its kin. Decorated functions are its attributes."""

    kind: str = ""

    def __init__(self, device: "Device") -> None:
        object.__setattr__(self, "_belay_device", device)
        object.__setattr__(self, "_belay_executers", [])

    _belay_device: "Device"
    _belay_executers: "list[Callable[..., Any]]"

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith(("_belay", "__belay", "_piton")) or (name.startswith("__") and name.endswith("__")):
            raise SpecialFunctionNameError(f'Not allowed to register function named "{name}".')
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> "Callable[..., Any]":
        raise AttributeError(f"no {self.kind} function is called {name!r}")

    def __call__(self, function: "Optional[Callable[..., Any]]" = None, **options: Any) -> Any:
        """Decorates a function. Without a function, it returns a decorator with these options."""
        if function is None:
            return functools.partial(self, **options)
        register = options.pop("register", True)
        executer = self._make(function, **options)
        if register:
            setattr(self, getattr(function, "__name__", "function"), executer)
        self._belay_executers.append(executer)
        return executer

    def _make(self, function: "Callable[..., Any]", *args: Any, **options: Any) -> "Callable[..., Any]":
        """Makes the function that calls the board. Each decorator has options of its own."""
        raise NotImplementedError


class _GlobalExecuter(Executer):
    """Executes the body of a function among the globals of the board."""

    def _make(
        self,
        function: "Callable[..., Any]",
        *,
        minify: bool = True,
        record: bool = True,
        ignore_errors: bool = False,
    ) -> "Callable[..., Any]":
        if inspect.isgeneratorfunction(function):
            raise ValueError(f"@Device.{self.kind} does not support generators.")
        device = self._belay_device
        source = source_of(function, body_only=True)
        signature = inspect.signature(function)

        @functools.wraps(function)
        def executer(*args: Any, **kwargs: Any) -> None:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            try:
                device._setup(source, bound.arguments, minify=minify, record=record)
            except PyboardException:
                if not ignore_errors:
                    raise

        return executer


class SetupExecuter(_GlobalExecuter):
    """``device.setup``: executes the body of a function among the globals of the board, with its arguments as globals."""

    kind: str = "setup"


class TeardownExecuter(_GlobalExecuter):
    """``device.teardown``: as ``device.setup``, when the device is closed."""

    kind: str = "teardown"

    def _make(self, function: "Callable[..., Any]", *args: Any, **options: Any) -> "Callable[..., Any]":
        if inspect.signature(function).parameters:
            raise ValueError(f'Method {function} decorated with "@Device.teardown" must have no arguments.')
        return super()._make(function, **options)


class TaskExecuter(Executer):
    """``device.task``: sends a function to the board, and calls it there.

    ``count.ahead(16)(5)`` calls the generator task `count`, and has the board make up to 16 items at once: most of them then take no
    exchange. The generator runs ahead of the loop: what it does besides comes earlier, `send` and `throw` raise RuntimeError, and an item
    without a literal form ValueError.

    ``count.stream(5)`` has the board send the values of a generator task without being asked.
    ``await read.aio(3)`` calls the task `read` from asyncio; ``async for item in count.aio(5)`` iterates over a generator task. The task of an
    ``async def`` function is a coroutine function here as well.
    """

    kind: str = "task"

    def _make(
        self,
        function: "Callable[..., Any]",
        *,
        minify: bool = True,
        record: bool = False,
        trusted: bool = False,
        return_time: bool = False,
        timeout: "Optional[float]" = None,
    ) -> "Callable[..., Any]":
        device = self._belay_device
        source = source_of(function)
        remote = device._define(source, minify=minify)

        # `async def`: the board runs the coroutine to its end.
        is_coroutine = inspect.iscoroutinefunction(function)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return device._call(
                remote,
                args,
                kwargs,
                record=record,
                trusted=trusted,
                return_time=return_time,
                timeout=timeout,
                is_coroutine=is_coroutine,
            )

        @functools.wraps(function)
        async def call_asynchronously(*args: Any, **kwargs: Any) -> Any:
            return await device._asynchronous().call(call, *args, **kwargs)

        @functools.wraps(function)
        def iterate(*args: Any, **kwargs: Any) -> "Generator[Any, Any, None]":
            return iterate_ahead(1, args, kwargs)

        def iterate_ahead(
            items: int, args: "tuple[Any, ...]", kwargs: "dict[str, Any]"
        ) -> "Generator[Any, Any, None]":
            if record:
                raise NotImplementedError("Recording of generator tasks is currently not supported.")
            return device._iterate(remote, args, kwargs, trusted=trusted, return_time=return_time, ahead=items)

        def ahead(items: int) -> "Callable[..., Generator[Any, Any, None]]":
            if not 0 < items < 1 << 32:
                raise ValueError(f"a generator makes 1 item or more at once, not {items}")

            @functools.wraps(function)
            def iterate_so(*args: Any, **kwargs: Any) -> "Generator[Any, Any, None]":
                return iterate_ahead(items, args, kwargs)

            return iterate_so

        @functools.wraps(function)
        def stream(*args: Any, **kwargs: Any) -> "Stream[Any]":
            if return_time:
                raise ValueError("the values of a stream have no times: have the generator yield them")
            return device._stream(remote, args, kwargs)

        @functools.wraps(function)
        def iterate_asynchronously(*args: Any, **kwargs: Any) -> "AsyncGenerator[Any, Any]":
            return device._asynchronous().iterate(iterate(*args, **kwargs))

        if inspect.isgeneratorfunction(function):
            iterate.aio = iterate_asynchronously  # type: ignore[attr-defined]
            iterate.ahead = ahead  # type: ignore[attr-defined]
            iterate.stream = stream  # type: ignore[attr-defined]
            return iterate
        call.aio = call_asynchronously  # type: ignore[attr-defined]
        call_asynchronously.aio = call_asynchronously  # type: ignore[attr-defined]
        return call_asynchronously if is_coroutine else call


class ThreadExecuter(Executer):
    """``device.thread``: sends a function to the board, and runs it there in a thread of its own."""

    kind: str = "thread"

    def _make(
        self, function: "Callable[..., Any]", *, minify: bool = True, record: bool = True
    ) -> "Callable[..., Any]":
        device = self._belay_device
        if device.implementation.name == "circuitpython":
            raise FeatureUnavailableError("CircuitPython does not support threading.")
        source = source_of(function)
        remote = device._define(source, minify=minify)

        @functools.wraps(function)
        def start(*args: Any, **kwargs: Any) -> None:
            device._start_thread(remote, args, kwargs, record=record)

        return start

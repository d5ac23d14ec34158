"""Types of the decorators, for type checkers: a function that runs on the board keeps its parameters and its result.

There is no such module when a script runs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, AsyncGenerator, Callable, Coroutine, Generator, Literal, Optional, Protocol, TypeVar, overload

from typing_extensions import ParamSpec

from piton.events import Stream
from piton.group import Results

P = ParamSpec("P")
R = TypeVar("R")
_R = TypeVar("_R", covariant=True)
Y = TypeVar("Y")
S = TypeVar("S")
_Y = TypeVar("_Y", covariant=True)
_S = TypeVar("_S", contravariant=True)


class Task(Protocol[P, _R]):
    """A function that runs on the board."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> _R:
        """Calls the function on the board, and returns its value."""
        ...

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, _R]:
        """Calls the function on the board without blocking the event loop of asyncio."""
        ...


class GeneratorTask(Protocol[P, _Y, _S]):
    """A generator function that runs on the board."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Generator[_Y, _S, None]:
        """Starts the generator on the board. Each item is fetched when it is asked for."""
        ...

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[_Y, _S]:
        """Starts the generator on the board, for ``async for``."""
        ...

    def ahead(self, items: int) -> Callable[P, Generator[_Y, None, None]]:
        """Returns the function whose generator makes up to `items` items at once, before they are asked for."""
        ...

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> Stream[_Y]:
        """Starts the generator on the board, which sends its values without being asked. Other calls of the device wait meanwhile."""
        ...


class Procedure(Protocol[P]):
    """A function that runs on the board and returns nothing."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Calls the function on the board."""
        ...


class Registered:
    """Decorated functions are attributes of the decorator of a device."""

    def __getattr__(self, name: str) -> Callable[..., Any]: ...


class CoroutineTask(Protocol[P, _R]):
    """A coroutine function that runs on the board."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, _R]:
        """Runs the coroutine on the board to its end, without blocking the event loop of asyncio."""
        ...

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, _R]:
        """Does the same."""
        ...


class GlobalDecorator(Registered):
    """``setup`` and ``teardown``."""

    @overload
    def __call__(self, f: Callable[P, object]) -> Procedure[P]: ...
    @overload
    def __call__(
        self,
        *,
        autoinit: bool = ...,
        implementation: str = ...,
        minify: bool = ...,
        register: bool = ...,
        record: bool = ...,
        ignore_errors: bool = ...,
    ) -> _GlobalMarker: ...


class _GlobalMarker(Protocol):
    def __call__(self, f: Callable[P, object]) -> Procedure[P]: ...


class ThreadDecorator(Registered):
    """``thread``."""

    @overload
    def __call__(self, f: Callable[P, object]) -> Procedure[P]: ...
    @overload
    def __call__(
        self, *, implementation: str = ..., minify: bool = ..., register: bool = ..., record: bool = ...
    ) -> _GlobalMarker: ...


class TaskDecorator(Registered):
    """``task``."""

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, f: Callable[P, Generator[Y, S, Any]]
    ) -> GeneratorTask[P, Y, S]: ...
    @overload
    def __call__(self, f: Callable[P, Coroutine[Any, Any, R]]) -> CoroutineTask[P, R]: ...
    @overload
    def __call__(self, f: Callable[P, R]) -> Task[P, R]: ...
    @overload
    def __call__(
        self,
        *,
        return_time: Literal[True],
        implementation: str = ...,
        minify: bool = ...,
        register: bool = ...,
        record: bool = ...,
        trusted: bool = ...,
        timeout: Optional[float] = ...,
    ) -> _TimedMarker: ...
    @overload
    def __call__(
        self,
        *,
        implementation: str = ...,
        minify: bool = ...,
        register: bool = ...,
        record: bool = ...,
        trusted: bool = ...,
        return_time: Literal[False] = ...,
        timeout: Optional[float] = ...,
    ) -> _TaskMarker: ...


class _TaskMarker(Protocol):
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, f: Callable[P, Generator[Y, S, Any]]
    ) -> GeneratorTask[P, Y, S]: ...
    @overload
    def __call__(self, f: Callable[P, Coroutine[Any, Any, R]]) -> CoroutineTask[P, R]: ...
    @overload
    def __call__(self, f: Callable[P, R]) -> Task[P, R]: ...


class _TimedMarker(Protocol):
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, f: Callable[P, Generator[Y, S, Any]]
    ) -> GeneratorTask[P, tuple[Y, datetime], S]: ...
    @overload
    def __call__(self, f: Callable[P, R]) -> Task[P, tuple[R, datetime]]: ...


class GroupTask(Protocol[P, R]):
    """A function that runs on all boards of a group."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Results[R]:
        """Calls the function on all boards at the same time, and returns the results by name."""
        ...


class GroupDecorator:
    """``task`` of a group."""

    @overload
    def __call__(self, function: Callable[P, R]) -> GroupTask[P, R]: ...
    @overload
    def __call__(self, function: None = None, **options: Any) -> _GroupMarker: ...


class _GroupMarker(Protocol):
    def __call__(self, function: Callable[P, R]) -> GroupTask[P, R]: ...

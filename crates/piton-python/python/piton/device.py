"""A board whose functions the host calls."""

from __future__ import annotations

import atexit
import os

from piton import _piton
from piton._marks import Mark, marked
from piton._output import STDOUT, Output
from piton._results import UNPARSABLE_RESULT
from piton.device_meta import DeviceMeta
from piton.exceptions import NoMatchingExecuterError, SpecialFunctionNameError

# What only a connected device needs is imported there.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from types import ModuleType
    from typing import Any, Callable, ClassVar, Generator, Optional, TextIO, TypeVar, Union
    from weakref import WeakSet

    from piton._asynchronous import Worker
    from piton._decorators import GlobalDecorator, TaskDecorator, ThreadDecorator
    from piton._source import FunctionSource
    from piton.events import EventStream, Stream
    from piton.executers import Executer
    from piton.implementation import Implementation
    from piton.proxy_object import ProxyObject
    from piton.usb_specifier import UsbSpecifier

    _D = TypeVar("_D", bound="Device")
    _H = TypeVar("_H", bound=Callable[[Any], object])

__all__ = ["Device"]


class Device(metaclass=DeviceMeta, skip=True):
    """A connection to a board, on which functions of the host run.

    ::

        device = Device("/dev/ttyACM0")

        @device.task
        def set_led(state):
            Pin(25, Pin.OUT).value(state)

        set_led(True)

    It is a context manager: `close` is called at the end. Two threads of the host may use one device: calls follow one another.

    Subclasses mark methods with ``@Device.task`` and its kin. They are then functions of the board, without ``self``. A subclass
    may define `__pre_autoinit__` and `__post_init__`.
    """

    MAX_CMD_HISTORY_LEN: int = 1000
    """Of no effect: what a session needs is kept as declarations, however many there are."""

    _is_device_root = True

    attempts: int
    """How often a lost connection is tried again; negative for ever."""

    auto_sync_time: bool
    """Whether times of the board are known without `sync_time`."""

    def __init__(
        self,
        device: "Union[str, UsbSpecifier, None]" = None,
        baudrate: int = 115200,
        user: str = "micro",
        password: str = "python",
        *args: Any,
        startup: "Optional[str]" = None,
        attempts: int = 0,
        auto_sync_time: bool = True,
        **kwargs: Any,
    ) -> None:
        """Connects to a board.

        `device` is a port's path, a `UsbSpecifier` or its JSON, ``a.b.c.d[:port]`` (telnet), ``ws://host[:port]`` (WebREPL), ``exec:command``,
        ``execpty:command``, or any selector of the command ``piton connect``: ``virtual``, ``virtual:FOLDER``, ``socket://host:port``,
        ``rfc2217://host:port``, ``telnet://host``, ``a0``. None takes the specifier in the environment variable BELAY_DEVICE, or the
        only board at a USB port.

        `baudrate` is in bits per second. `user` and `password` log in to a telnet server; a WebREPL takes the password alone. `startup` is code
        that runs at the start, instead of some usual imports; an empty text runs nothing. `attempts` is how often a lost connection is tried
        again, with a second between two tries. `auto_sync_time` compares the clocks when a time is first asked for.

        Raises ConnectionFailedError, AuthenticationError, DeviceNotFoundError, InsufficientSpecifierError.
        """
        # `exclusive` of older scripts: a port is always exclusive here.
        kwargs.pop("exclusive", None)
        if kwargs:
            raise TypeError(f"Device() got an unexpected keyword argument {next(iter(kwargs))!r}")
        self.attempts = attempts
        self.auto_sync_time = auto_sync_time
        from piton._connecting import selector_of

        self._output = Output()
        self._closed = False
        self._implementation: "Optional[Implementation]" = None
        self._worker: "Optional[Worker]" = None
        # Objects on the board that outlive their proxies.
        self._kept: "list[_piton.Handle]" = []
        self._streams: "list[EventStream]" = []
        # Calls that would go on for ever.
        self._running: "Optional[WeakSet[Stream[Any]]]" = None
        self._session = _piton.Session.open(
            selector_of(device, attempts, user),
            baudrate=baudrate,
            password=password,
            attempts=attempts,
            usual_imports=startup is None,
            output=self._output.write,
        )
        try:
            self._begin(startup)
        except BaseException:
            # A port that stays open would keep the next try from connecting.
            self._session.close()
            raise
        atexit.register(self.close)
        self.__post_init__()

    def _begin(self, startup: "Optional[str]") -> None:
        from piton._code import prepare
        from piton.executers import SetupExecuter, TaskExecuter, TeardownExecuter, ThreadExecuter

        # The usual imports come before the first call.
        if startup:
            self._session.execute(prepare(startup, True).text, record=True)
        self._executers: "dict[str, Executer]" = {}
        for executer in (SetupExecuter, TeardownExecuter, TaskExecuter, ThreadExecuter):
            made = executer(self)
            self._executers[executer.kind] = made
            setattr(self, f"_belay_{executer.kind}", made)
            # A subclass may have a method of that name.
            if getattr(type(self), executer.kind) is getattr(Device, executer.kind):
                setattr(self, executer.kind, made)
        autoinit = self._make_marked()
        self.__pre_autoinit__()
        for setup in autoinit:
            setup()

    def _make_marked(self) -> "list[Callable[..., Any]]":
        """Makes functions of the board of the marked methods, in the order of their definition. Returns those to call now."""
        marked: "list[tuple[str, Callable[..., Any], Mark]]" = []
        for name in dir(type(self)):
            # A property may need what is not there yet.
            if isinstance(getattr(type(self), name, None), property):
                continue
            try:
                method = getattr(self, name, None)
            except NoMatchingExecuterError:
                # It is raised when the method is used.
                continue
            mark = getattr(method, "__belay__", None)
            if method is not None and isinstance(mark, Mark):
                marked.append((name, method, mark))
        marked.sort(key=lambda entry: entry[2].number)
        autoinit: "list[Callable[..., Any]]" = []
        for name, method, mark in marked:
            executer = self._executers[mark.kind](method, **mark.options)
            object.__setattr__(self, name, executer)
            if mark.autoinit:
                autoinit.append(executer)
        return autoinit

    @property
    def implementation(self) -> Implementation:
        """What runs on the board. The board is asked at the first use."""
        if self._implementation is None:
            from piton._board_code import ask_implementation

            self._implementation = ask_implementation(self._session)
        return self._implementation

    def __pre_autoinit__(self) -> None:
        """Is called before the methods that are marked with ``setup(autoinit=True)``: the place to copy files to the board."""

    def __post_init__(self) -> None:
        """Is called at the end of the constructor: the place to set attributes."""

    def __call__(
        self,
        cmd: "Union[str, ProxyObject]",
        *,
        minify: bool = True,
        stream_out: "Optional[TextIO]" = STDOUT,
        record: bool = True,
        trusted: bool = False,
        proxy: bool = False,
        delete: "Optional[bool]" = None,
        with_timing: "Optional[bool]" = None,
        return_time: bool = False,
        timeout: "Optional[float]" = None,
    ) -> Any:
        """Executes code on the board, and returns the value if it is an expression; else None.

        `stream_out` hears what the code prints; None drops it. `record` executes a statement again after a reset of the board. `trusted` lets
        Python evaluate the text of a value that has no literal form: the board can then run any code here. `proxy` returns a
        `ProxyObject` for a value that is not immutable. `return_time` returns the value with the time of its evaluation. `timeout` is the longest time
        in seconds that the code may take.

        Raises PyboardException for an exception on the board, ConnectionLost, TimeoutError.
        """
        from piton._code import prepare

        if not isinstance(cmd, str):
            from piton.proxy_object import expression_of

            return self._evaluate(expression_of(cmd), trusted=trusted, timeout=timeout)
        code = prepare(cmd, minify)
        with self._output.to(stream_out):
            if not code.is_expression:
                self._session.execute(code.text, record=record, timeout=timeout)
                if proxy and code.imported:
                    proxies = tuple(self._imported(name, bool(delete)) for name in code.imported)
                    return proxies[0] if len(proxies) == 1 else proxies
                return None
            if proxy:
                return self._expose(code.text, keep=delete is False)
            if return_time:
                return self._timed(code.text, trusted)
            return self._evaluate(code.text, trusted=trusted, timeout=timeout)

    def proxy(self, cmd: str, delete: "Optional[bool]" = None) -> Any:
        """Returns a proxy of a variable, of the value of an expression, or of what an import statement imports.

        `delete` removes the variable from the board when the proxy is deleted; by default only objects without a name go.
        """
        from piton.proxy_object import ProxyObject

        if cmd.isidentifier():
            return ProxyObject(self, cmd, delete=bool(delete))
        return self(cmd, proxy=True, delete=delete)

    def _imported(self, name: str, delete: bool) -> Any:
        from piton.proxy_object import ProxyObject

        value = self._expose(name)
        # A name is there again after a reset of the board; an object without a name is not.
        return ProxyObject(self, name, delete=delete) if isinstance(value, ProxyObject) else value

    # -- events -------------------------------------------------------------------------------------------------------

    def on(self, event: str) -> "Callable[[_H], _H]":
        """Decorates a function of the host that is called with the value of each event of this name.

        Code on the board sends one with ``piton_event("button", value)``, at any time, and from a timer, the handler of a pin or a thread as
        well::

            @device.on("button")
            def pressed(count):
                print("pressed", count)

        Handlers run in a thread of their own, one event after the other, and may use the device. What they raise is shown and changes
        nothing. A later handler of the same name replaces the earlier one. The board keeps 64 events that it cannot send at once.

        Raises FeatureUnavailableError for a board that cannot send events.
        """

        def register(handler: _H) -> _H:
            self._session.on_event(event, handler)
            return handler

        return register

    def events(self, event: str) -> EventStream:
        """Collects the values of events of this name in the background, for a loop: ``for value in device.events("reading")``.

        Raises FeatureUnavailableError for a board that cannot send events.
        """
        from piton.events import EventStream

        stream = EventStream()
        self._session.on_event(event, stream.put)
        self._streams.append(stream)
        return stream

    # -- what the decorators and proxies use ------------------------------------------------------------------------

    def _encode(self, value: Any) -> str:
        return _piton.encode(value)

    def _encode_arguments(self, args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> str:
        return _piton.encode_arguments(args, kwargs)

    def _evaluate(
        self, expression: str, *, trusted: bool = False, timeout: "Optional[float]" = None
    ) -> Any:
        return self._read(self._session.evaluate, expression, trusted=trusted, timeout=timeout)

    def _read(self, ask: "Callable[..., Any]", *args: Any, trusted: bool = False, **kwargs: Any) -> Any:
        try:
            return ask(*args, **kwargs)
        except _piton.UnparsableError as error:
            return _unparsed(error, trusted)

    def _timed(self, expression: str, trusted: bool) -> "tuple[Any, datetime]":
        from datetime import datetime

        self._ensure_time()
        try:
            value, seconds = self._session.evaluate_timed(expression)
        except _piton.UnparsableError as error:
            return _unparsed(error, trusted), datetime.now()
        return value, datetime.fromtimestamp(seconds)

    def _expose(self, expression: str, keep: bool = False) -> Any:
        return self._proxy_of(self._session.expose(expression), keep)

    def _proxy_of(self, value: Any, keep: bool = False) -> Any:
        if isinstance(value, _piton.Handle):
            from piton.proxy_object import ProxyObject

            if keep:
                self._kept.append(value)
            return ProxyObject(self, value.expression(), handle=value)
        return value

    def _setup(
        self, source: FunctionSource, arguments: "dict[str, Any]", *, minify: bool, record: bool
    ) -> None:
        self._session.setup(*_sent(source, minify), arguments, record=record)

    def _define(self, source: FunctionSource, *, minify: bool) -> "_piton.Function":
        _check_name(source.name)
        return self._session.define(*_sent(source, minify), source.name)

    def _call(
        self,
        function: "_piton.Function",
        args: "tuple[Any, ...]",
        kwargs: "dict[str, Any]",
        *,
        record: bool,
        trusted: bool,
        return_time: bool,
        timeout: "Optional[float]",
        is_coroutine: bool = False,
    ) -> Any:
        try:
            if return_time or is_coroutine:
                call = f"{function.name}{self._encode_arguments(args, kwargs)}"
                if is_coroutine:
                    call = f"__import__('asyncio').run({call})"
                value = self._timed(call, trusted) if return_time else self._evaluate(call, trusted=trusted, timeout=timeout)
            else:
                value = function.call(args, kwargs, timeout)
        except _piton.UnparsableError as error:
            value = _unparsed(error, trusted)
        if record:
            self._session.declare(f"{function.name}{self._encode_arguments(args, kwargs)}")
        return value

    def _iterate(
        self,
        function: "_piton.Function",
        args: "tuple[Any, ...]",
        kwargs: "dict[str, Any]",
        *,
        trusted: bool,
        return_time: bool,
        ahead: int = 1,
    ) -> "Generator[Any, Any, None]":
        from datetime import datetime

        from piton._generators import Thrown

        iterator = function.iterate(args, kwargs, ahead)
        sent: Any = None
        thrown: "Optional[Thrown]" = None
        while True:
            try:
                value = thrown.into(iterator) if thrown else iterator.resume(sent)
            except StopIteration:
                return
            except _piton.UnparsableError as error:
                if ahead > 1:
                    raise ValueError(
                        "an item without a literal form came with others that were made ahead: iterate without `ahead`"
                    ) from error
                value = _unparsed(error, trusted)
            sent = thrown = None
            try:
                sent = yield (value, datetime.now()) if return_time else value
            except GeneratorExit:
                iterator.close()
                raise
            except BaseException as error:
                thrown = Thrown(error)

    def _stream(
        self, function: "_piton.Function", args: "tuple[Any, ...]", kwargs: "dict[str, Any]"
    ) -> "Stream[Any]":
        from weakref import WeakSet

        from piton.events import Stream

        stream: "Stream[Any]" = Stream(function.stream(args, kwargs))
        if self._running is None:
            self._running = WeakSet()
        self._running.add(stream)
        return stream

    def _start_thread(
        self,
        function: "_piton.Function",
        args: "tuple[Any, ...]",
        kwargs: "dict[str, Any]",
        *,
        record: bool,
    ) -> None:
        call = f"_thread.start_new_thread({function.name},{self._encode(args)},{self._encode(kwargs)})"
        self._session.execute(f"import _thread;{call}", record=record)

    # -- files --------------------------------------------------------------------------------------------------------

    def sync(
        self,
        folder: "Union[str, os.PathLike[str]]",
        dst: str = "/",
        keep: "Union[None, list[str], str, bool]" = None,
        ignore: "Union[None, list[str], str]" = None,
        minify: bool = True,
        mpy_cross_binary: "Union[str, os.PathLike[str], None]" = None,
        progress_update: "Optional[Callable[..., Any]]" = None,
    ) -> None:
        """Makes a folder of the board equal to a folder or a file of the host. Only files that differ are sent.

        `keep` names what stays on the board though the folder does not have it: True keeps everything, False nothing; by default
        `boot.py`, `webrepl_cfg.py` and `lib` in the root. `ignore` has patterns, as in a `.gitignore` in the folder, of what is not sent, and
        is removed from the board; by default ``*.pyc``, ``__pycache__``, ``.DS_Store`` and ``.pytest_cache``. `minify`
        sends Python files without comments and spare spaces. `mpy_cross_binary` compiles them; Piton's own compiler does it, whatever the
        path. `progress_update` is called with `description`, `total` or `advance`.
        """
        from piton import _files

        form = "mpy" if mpy_cross_binary else "minified" if minify else "as-is"
        _files.sync(self, folder, str(dst), keep, ignore, form, progress_update)

    def sync_dependencies(
        self,
        package: "Union[ModuleType, str]",
        *subfolders: "Union[str, os.PathLike[str]]",
        dst: "Union[str, os.PathLike[str]]" = "/lib",
        **kwargs: Any,
    ) -> None:
        """Copies folders that are part of a Python package to the board, as one folder.

        Call it once for all: a second call removes the files of the first.
        """
        from piton import _files

        _files.sync_dependencies(self, package, subfolders, str(dst), kwargs)

    # -- time ---------------------------------------------------------------------------------------------------------

    def sync_time(self, samples: int = 10) -> float:
        """Compares the clocks of the board and the host with up to `samples` exchanges. Returns `time_offset`."""
        return -self._session.synchronize_time(samples)

    @property
    def time_offset(self) -> float:
        """Time of the board less time of the host, in seconds. Raises ValueError if the clocks were never compared."""
        self._ensure_time()
        return -self._session.time_offset()

    def _ensure_time(self) -> None:
        # At the first use, not at the connect: it takes several exchanges.
        if self.auto_sync_time and not self._session.has_time():
            self.sync_time()
        elif not self._session.has_time():
            raise ValueError("Time synchronization has not been performed. Call sync_time() first.")

    # -- the session --------------------------------------------------------------------------------------------------

    def reconnect(self, attempts: "Optional[int]" = None) -> None:
        """Connects again, and restores what the session has declared.

        Raises ConnectionLost after `attempts` tries, a second apart; None takes the number of the constructor, at least 1.
        """
        self._session.reconnect(attempts if attempts is not None else self.attempts or 1)

    def soft_reset(self, timeout: float = 5.0) -> None:
        """Starts the interpreter of the board afresh: boot.py and main.py run, and what they print is dropped.

        Waits `timeout` seconds for main.py to end. The next call stops a main.py that still runs, and restores what the session has
        declared. Raises ConnectionLost for a board that ends with its interpreter, such as a process.
        """
        with self._output.to(None):
            self._session.start_main(timeout)

    def terminal(self, *, exit_char: str = chr(0x1D)) -> None:
        """Connects the terminal with the prompt of the board, until `exit_char` is typed."""
        from piton._terminal import talk

        talk(self._session, exit_char)

    def close(self) -> None:
        """Runs the teardowns, in the order of their definition, and closes the connection. A second call does nothing.

        Raises the first exception of a teardown, after the others ran and the connection was closed.
        """
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        for running in list(self._running or ()):
            running.close()
        teardowns: "Optional[Executer]" = getattr(self, "_belay_teardown", None)
        failures: "list[Exception]" = []
        try:
            for teardown in teardowns._belay_executers if teardowns else []:
                try:
                    teardown()
                except Exception as error:
                    failures.append(error)
        finally:
            if self._worker is not None:
                self._worker.close()
            self._session.close()
            for stream in self._streams:
                stream.close()
        if failures:
            raise failures[0]

    def __enter__(self: _D) -> _D:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    async def aio(self, cmd: "Union[str, ProxyObject]", **options: Any) -> Any:
        """Executes code on the board as a call of the device does, without blocking the event loop of asyncio."""
        return await self._asynchronous().call(self, cmd, **options)

    def _asynchronous(self) -> Worker:
        """Returns the thread for calls from asyncio."""
        if self._worker is None:
            from piton._asynchronous import Worker

            self._worker = Worker()
        return self._worker

    async def __aenter__(self: _D) -> _D:
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._asynchronous().call(self.close)

    def _repr_html_(self) -> str:
        """Returns a table about the device, for notebooks."""
        from html import escape

        found = self.implementation
        rows = {
            "device": self._session.name,
            "implementation": found.name,
            "version": ".".join(str(part) for part in found.version if part != ""),
            "platform": found.platform,
            "native code": ", ".join(found.emitters) or "-",
            "state": "closed" if self._closed else "connected",
        }
        cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows.items())
        return f"<table>{cells}</table>"

    def __repr__(self) -> str:
        state = "closed" if self._closed else repr(self._implementation) if self._implementation else "connected"
        return f"<{type(self).__name__} {self._session.name} {state}>"

    # -- marks for methods of subclasses ------------------------------------------------------------------------------

    if TYPE_CHECKING:
        setup: ClassVar[GlobalDecorator]
        """Executes the body of a function among the globals of the board, with its arguments as globals."""
        teardown: ClassVar[GlobalDecorator]
        """Executes the body of a function among the globals of the board when the device is closed."""
        task: ClassVar[TaskDecorator]
        """Defines a function on the board: calls run there."""
        thread: ClassVar[ThreadDecorator]
        """Defines a function on the board: calls start threads there."""
    else:

        @staticmethod
        def setup(
            f: "Optional[Callable[..., Any]]" = None,
            autoinit: bool = False,
            implementation: str = "",
            **kwargs: Any,
        ) -> Any:
            """Marks a method whose body is executed among the globals of the board, with its arguments as globals.

            `autoinit` calls it at the end of the constructor. `implementation` makes it one of several methods of that name. The other
            options are those of ``device.setup``: `minify`, `register`, `record`, `ignore_errors`.
            """
            return marked("setup", f, implementation, kwargs, autoinit)

        @staticmethod
        def teardown(
            f: "Optional[Callable[..., Any]]" = None, implementation: str = "", **kwargs: Any
        ) -> Any:
            """Marks a method whose body is executed among the globals of the board when the device is closed."""
            return marked("teardown", f, implementation, kwargs)

        @staticmethod
        def task(
            f: "Optional[Callable[..., Any]]" = None, implementation: str = "", **kwargs: Any
        ) -> Any:
            """Marks a method that runs on the board. The options are those of ``device.task``: `minify`, `register`, `record`, `trusted`,
            `return_time`, `timeout`."""
            return marked("task", f, implementation, kwargs)

        @staticmethod
        def thread(
            f: "Optional[Callable[..., Any]]" = None, implementation: str = "", **kwargs: Any
        ) -> Any:
            """Marks a method that runs on the board in a thread of its own."""
            return marked("thread", f, implementation, kwargs)


def _sent(source: FunctionSource, minify: bool) -> "tuple[str, str, int]":
    from piton._code import minified

    text = minified(source.text) if minify else source.text
    return text, source.file, source.line


def _check_name(name: str) -> None:
    if name.startswith(("_belay", "__belay", "_piton")) or (name.startswith("__") and name.endswith("__")):
        raise SpecialFunctionNameError(f'Not allowed to register function named "{name}".')


def _unparsed(error: "_piton.UnparsableError", trusted: bool) -> Any:
    """Returns what stands for a value without a literal form."""
    text: str = error.args[0]
    if trusted:
        return eval(text)
    return UNPARSABLE_RESULT



"""What goes wrong, and what a script is told: the type of the exception and its message."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

import piton
from piton import Device
from piton.exceptions import SourceUnavailableError


def generated(device: Device) -> Any:
    names: "dict[str, Any]" = {}
    exec("def generated():\n    return 1\n", names)
    return device.task(names["generated"])


def circle(device: Device) -> Any:
    value: "list[Any]" = []
    value.append(value)
    return device.task(lambda value: value)(value)


def reserved(device: Device) -> Any:
    def _belay_name():
        pass

    return device.task(_belay_name)


def dunder(device: Device) -> Any:
    def __name__():
        pass

    return device.task(__name__, register=False)


def two_lambdas(device: Device) -> Any:
    first, second = lambda x=1: x, lambda x=2: x
    return device.task(first), second


def setup_arity(device: Device) -> Any:
    @device.setup
    def prepare(a):
        b = a

    prepare()


def setup_generator(device: Device) -> Any:
    @device.setup
    def prepare():
        yield 1


def teardown_parameter(device: Device) -> Any:
    @device.teardown
    def finish(a):
        pass


def recorded_generator(device: Device) -> Any:
    @device.task(record=True)
    def count():
        yield 1

    count()


def timed_stream(device: Device) -> Any:
    @device.task(return_time=True)
    def count():
        yield 1

    return count.stream()


# What a script does, the exception that it gets, and a part of its message.
HOST: "list[tuple[Callable[[Device], Any], type[BaseException], str]]" = [
    (generated, SourceUnavailableError, "source of `generated` cannot be found.*\n\nhint: put the function into a file"),
    (two_lambdas, SourceUnavailableError, "several lambdas"),
    (lambda device: device.task(print), TypeError, "<built-in function print> is not a Python function"),
    (lambda device: device.task(5), TypeError, "5 is not a Python function"),
    (lambda device: device.task(lambda x: x)(object()), TypeError, "the type `object` can't be sent to a board"),
    (lambda device: device.task(lambda x: x)([1, {2: Path()}]), TypeError, "Path` can't be sent to a board"),
    (circle, ValueError, "nested more than 200 deep"),
    (reserved, piton.SpecialFunctionNameError, '"_belay_name"'),
    (dunder, piton.SpecialFunctionNameError, '"__name__"'),
    (setup_arity, TypeError, "missing a required argument: 'a'"),
    (setup_generator, ValueError, "does not support generators"),
    (teardown_parameter, ValueError, "must have no arguments"),
    (timed_stream, ValueError, "a stream have no times"),
    (recorded_generator, NotImplementedError, "generator tasks"),
    (lambda device: device.task.missing, AttributeError, "no task function is called 'missing'"),
    (lambda device: device("1", timeout=-1), ValueError, "a number of seconds, 0 or more"),
    (lambda device: device(5), TypeError, "takes code or a proxy, not int"),
    (lambda device: device.on(5)(print), TypeError, "str"),
    (lambda device: device.sync("no-such-folder"), ValueError, 'no-such-folder" does not exist'),
    (lambda device: device.sync(".", dst="lib"), ValueError, 'dst must start with "/"'),
    (lambda device: device.sync_dependencies("no_such_package", "x"), ModuleNotFoundError, "no_such_package"),
    (lambda device: piton.minify("def f(:"), SyntaxError, "invalid syntax"),
    (lambda device: piton.NO_RESULT(), TypeError, "no instances"),
    (lambda device: Device("virtual", speed=9600), TypeError, "unexpected keyword argument 'speed'"),
    (lambda device: Device("socket://"), ValueError, "expected `socket://HOST:PORT`"),
    (lambda device: Device('{"vid": 1'), json.JSONDecodeError, "Expecting"),
    (lambda device: Device('{"vid": 1, "serial_number": "none such"}'), piton.ConnectionFailedError, "none such"),
    (lambda device: piton.UsbSpecifier(vid="x"), ValueError, "invalid literal"),  # type: ignore[arg-type]
    (lambda device: Device("/dev/no-such-port"), piton.ConnectionFailedError, "no-such-port"),
    (lambda device: Device("null"), piton.ConnectionFailedError, "/dev/null"),
    (lambda device: Device("socket://127.0.0.1:1"), piton.ConnectionFailedError, "127.0.0.1:1"),
    (lambda device: Device("exec:exit 3"), piton.ConnectionFailedError, "exit status: 3"),
    (lambda device: Device("virtual:/dev/null"), piton.ConnectionFailedError, "/dev/null"),
]


@pytest.mark.parametrize(("action", "kind", "message"), HOST, ids=[row[2] for row in HOST])
def test_a_mistake_on_the_host(
    device: Device, action: "Callable[[Device], Any]", kind: "type[BaseException]", message: str
) -> None:
    with pytest.raises(kind, match="(?s)" + message) as caught:
        action(device)
    assert type(caught.value) is kind
    assert device("1 + 1") == 2


# What a board is asked, and the exception on it.
BOARD: "list[tuple[Callable[[Device], Any], str, str]]" = [
    (lambda device: device.task(lambda a, b: a)(1), "TypeError", "2 positional arguments but 1"),
    (lambda device: device.task(lambda a: a)(b=1), "TypeError", "unexpected keyword argument 'b'"),
    (lambda device: device("missing"), "NameError", "'missing'"),
    (lambda device: device("x = = 1"), "SyntaxError", "invalid syntax"),
    (lambda device: device("bytearray(1 << 30)"), "MemoryError", "memory allocation failed"),
    (lambda device: device("l = [0]\nwhile True:\n    l += l"), "MemoryError", "memory allocation failed"),
    (lambda device: device("def f(): f()\nf()"), "RuntimeError", "maximum recursion depth exceeded"),
    (lambda device: device("import no_such_module"), "ImportError", "no_such_module"),
    (lambda device: device("open('/none')"), "OSError", "ENOENT"),
]


@pytest.mark.parametrize(("action", "kind", "message"), BOARD, ids=[f"{row[1]} {row[2]}" for row in BOARD])
def test_a_mistake_on_the_board(
    device: Device, action: "Callable[[Device], Any]", kind: str, message: str
) -> None:
    with pytest.raises(piton.PyboardException) as caught:
        action(device)
    assert caught.value.type_name == kind
    assert message in caught.value.message
    assert device("1 + 1") == 2


def test_a_result_that_has_no_literal_form(device: Device) -> None:
    results: "list[Any]" = [
        device("object()"),
        device("[1, lambda: 1]"),
        device.task(lambda: iter([1]))(),
        device("{'a': print}"),
    ]
    assert all(result is piton.UNPARSABLE_RESULT for result in results)
    assert not piton.UNPARSABLE_RESULT and repr(piton.UNPARSABLE_RESULT) == "<UNPARSABLE_RESULT>"


def test_what_a_progress_function_raises_arrives(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.py").write_text("a = 1\n")

    def fails(**update: Any) -> None:
        raise RuntimeError("no progress")

    with Device("virtual") as device:
        with pytest.raises(RuntimeError, match="no progress"):
            device.sync(project, progress_update=fails)
        assert device("1 + 1") == 2


def test_a_stream_that_fails_does_not_end_the_call(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: "list[Any]" = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: raised.append(told.exc_value))

    class Broken:
        """A stream on a full disk."""

        def write(self, text: str) -> None:
            raise OSError("full")

    assert device("(print('x'), 4)[1]", stream_out=Broken()) == 4
    assert [str(error) for error in raised] == ["full"]
    assert device("2 + 2") == 4


def test_a_device_that_is_closed() -> None:
    device = Device("virtual", startup="")
    task = device.task(lambda: 1)
    assert task() == 1
    device.close()
    for action in (lambda: device("1"), task, lambda: device.reconnect(), lambda: device.sync("."), device.sync_time):
        with pytest.raises(piton.ConnectionFailedError, match="closed"):
            action()


def test_a_constructor_that_fails_lets_go_of_the_board(tmp_path: Path) -> None:
    with pytest.raises(piton.PyboardException):
        Device(f"virtual:{tmp_path}", startup="1 / 0")

    class Broken(Device, skip=True):
        """A hook that fails."""

        def __post_init__(self) -> None:
            raise KeyError("hook")

    with pytest.raises(KeyError):
        Broken(f"virtual:{tmp_path}")
    with Device(f"virtual:{tmp_path}") as device:
        assert device("1 + 1") == 2

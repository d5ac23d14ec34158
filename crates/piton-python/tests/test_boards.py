"""The same session on every board: five versions of the virtual one, the unix port, an emulated Pico and a micro:bit."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from support import board_port, surroundings

import piton
from piton import Device

VIRTUAL = ["1.29.0-6", "1.28.0-6", "1.27.0", "1.26.0", "1.25.0"]
NAMES = [
    *VIRTUAL,
    pytest.param("unix", marks=pytest.mark.unix),
    pytest.param("microbit", marks=pytest.mark.microbit),
    pytest.param("pico", marks=pytest.mark.pico),
]


@pytest.fixture(scope="module", params=NAMES)
def board(request: pytest.FixtureRequest) -> "Iterator[Device]":
    """A session on a board."""
    name: str = request.param
    if name in VIRTUAL:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PITON_VM", surroundings()["vms"][name])
            with Device("virtual") as device:
                assert device.implementation.version[:3] == tuple(int(n) for n in name.partition("-")[0].split("."))
                yield device
    else:
        with Device(board_port(name)) as device:
            yield device


def is_small(board: Device) -> bool:
    """A micro:bit has 10 KiB for a program, and no files."""
    return board.implementation.platform == "microbit"


def test_the_implementation(board: Device) -> None:
    found = board.implementation
    assert found.name == "micropython"
    assert all(isinstance(part, int) for part in found.version[:3])
    assert found.platform in ("webassembly", "linux", "rp2", "microbit")
    assert found.platform in board._repr_html_()


def test_values(board: Device) -> None:
    @board.task
    def same(value):
        return value

    values: "list[Any]" = [None, True, -5, 2**40, 0.5, "t\u00e4xt\r\n\x04\0", (1, [2, {"a": b"\0\xff"}]), {1, 2}, ()]
    for value in values:
        returned = same(value)
        assert returned == value
        assert type(returned) is type(value)


def test_statements_setups_and_globals(board: Device) -> None:
    @board.setup
    def prepare(start):
        level = start
        names = []

    @board.task
    def add(name, times=1):
        for _ in range(times):
            names.append(name)  # noqa: F821
        return level + len(names)  # noqa: F821

    prepare(10)
    assert add("x") == 11
    assert add("y", times=3) == 14
    board("level = 20", record=False)
    assert add("z") == 25
    assert board("names") == ["x", "y", "y", "y", "z"]


def test_generators(board: Device) -> None:
    @board.task
    def count(n):
        got = None
        for number in range(n):
            got = yield (number, got)

    assert [number for number, _ in count(5)] == [0, 1, 2, 3, 4]
    numbers = count(3)
    assert numbers.send(None) == (0, None)
    assert numbers.send("a") == (1, "a")
    assert list(numbers) == [(2, None)]


def test_what_is_printed(board: Device) -> None:
    output = io.StringIO()
    value = board("(print('one'), print('_BELAYR|1\\x04', end=''), 7)[2]", stream_out=output)
    assert value == 7
    assert output.getvalue().replace("\r\n", "\n") == "one\n_BELAYR|1\x04"


def test_an_exception(board: Device) -> None:
    @board.task
    def fails(key):
        return {"a": 1}[key]

    assert fails("a") == 1
    with pytest.raises(piton.PyboardException) as caught:
        fails("b")
    assert caught.value.type_name == "KeyError"
    assert caught.value.frames[-1].file == __file__
    assert 'return {"a": 1}[key]' in str(caught.value)


def test_proxies(board: Device) -> None:
    board("data = [1, 2, 3]")
    data = board.proxy("data")
    data.append(4)
    data[0] = 9
    assert (len(data), data[-1], list(data)) == (4, 4, [9, 2, 3, 4])
    with pytest.raises(IndexError):
        data[7]
    part = data[1:3]
    part[0] = (b"\x03\xff" * 50, "x")
    del part[1]
    assert board(part) == [(b"\x03\xff" * 50, "x")]
    with pytest.raises(IndexError):
        del part[1]
    board("class Box: pass\nbox = Box()")
    box = board.proxy("box")
    box.level = 3
    assert box.level == 3
    del box.level
    with pytest.raises(AttributeError):
        box.level


def test_a_timeout_and_an_interrupt(board: Device) -> None:
    @board.task(timeout=1.0)
    def forever():
        while True:
            pass

    if board.implementation.platform == "linux":
        # The unix port leaves its terminal in raw mode for a program that came by raw-paste: Ctrl-C does not interrupt it.
        return
    with pytest.raises(TimeoutError):
        forever()
    assert board("1 + 1") == 2


def test_two_threads(board: Device) -> None:
    @board.task
    def same(value):
        return value

    found: "list[tuple[int, Any]]" = []

    def work(number: int) -> None:
        found.extend((number, same(number)) for _ in range(5))

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    assert all(sent == got for sent, got in found)


def test_times(board: Device) -> None:
    before = time.time()
    value, at = board("5", return_time=True)
    assert value == 5
    assert abs(at.timestamp() - before) < 30


def test_sync(board: Device, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "pkg").mkdir(parents=True)
    (project / "pkg" / "synced.py").write_text("# a comment\nvalue = 42\n")
    (project / "data.bin").write_bytes(bytes(range(256)) * 8)
    if is_small(board):
        with pytest.raises(OSError, match="not have enough free memory"):
            board.sync(project, dst="/synced")
        return
    # The unix port has the files of this computer.
    folder = str(tmp_path / "target") if board.implementation.platform == "linux" else "/synced"
    board.sync(project, dst=folder)
    board.sync(project, dst=folder)

    @board.task
    def read(path):
        with open(path, "rb") as stream:
            return stream.read()

    assert read(folder + "/data.bin") == bytes(range(256)) * 8
    assert read(folder + "/pkg/synced.py") == b"\nvalue=42\n"
    (project / "data.bin").unlink()
    board.sync(project, dst=folder)
    assert board(f"os.listdir({folder!r})") == ["pkg"]


def test_events(board: Device) -> None:
    if is_small(board):
        with pytest.raises(piton.FeatureUnavailableError):
            board.events("reading")
        return
    readings = board.events("reading")

    @board.task
    def measure(n):
        for number in range(n):
            piton_event("reading", number)  # noqa: F821
        return n

    assert measure(3) == 3
    assert [readings.get(timeout=60) for _ in range(3)] == [0, 1, 2]


def test_threads_of_the_board(board: Device) -> None:
    @board.thread
    def run(value):
        global ran
        ran = value

    if board.implementation.platform == "rp2":
        # A thread is the other core's, which the emulator does not have.
        return
    if board.implementation.platform != "linux":
        with pytest.raises(piton.BelayException, match="thread"):
            run(5)
        return
    board("ran = None")
    run(5)
    end = time.monotonic() + 30
    while board("ran") is None and time.monotonic() < end:
        time.sleep(0.05)
    assert board("ran") == 5


def test_a_session_after_another(board: Device) -> None:
    # The names of the one before are gone.
    selector = board._session.name
    if selector == "virtual" or board.implementation.platform == "linux":
        pytest.skip("each session has a board of its own")
    board("left = 1")
    board.close()
    with Device(selector, startup="") as after:
        assert after("'left' in globals()") is False



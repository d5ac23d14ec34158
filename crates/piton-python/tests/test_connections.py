"""Ways to boards, and what becomes of a session when its board goes away."""

from __future__ import annotations

import os
import select
import shlex
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from support import Running, Served, free_port, surroundings

import piton
from piton import Device

RELAY = """
import os, socket, sys, threading
board = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def read():
    while data := os.read(0, 4096):
        board.sendall(data)
threading.Thread(target=read, daemon=True).start()
while data := board.recv(4096):
    os.write(1, data)
"""


@pytest.fixture
def board(tmp_path: Path) -> "Iterator[Callable[..., Served]]":
    """Starts virtual boards at a TCP port, which have their files in one folder."""
    boards: "list[Served]" = []

    def start(port: int = 0) -> Served:
        boards.append(Served("--tcp", f"127.0.0.1:{port}", str(tmp_path)))
        return boards[-1]

    yield start
    for started in boards:
        started.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no ptys on Windows")
def test_a_program_that_names_its_pty() -> None:
    with Device(f"execpty:{shlex.quote(surroundings()['piton'])} virtual serve --pty") as device:
        assert device("1 + 1") == 2


def test_a_program_whose_output_is_the_board(board: Any, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    served = board()
    command = " ".join(shlex.quote(word) for word in (sys.executable, str(relay), "127.0.0.1", str(served.port)))
    with Device(f"exec:{command}") as device:
        assert device("bytes(range(256))") == bytes(range(256))


@pytest.mark.unix
def test_a_serial_port_of_another_computer(tmp_path: Path) -> None:
    port = free_port()
    with Served("--pty") as served:
        config = tmp_path / "ser2net.yaml"
        config.write_text(
            f"connection: &board\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n"
            f"  connector: serialdev,{served.name},9600n81\n"
        )
        with Running("ser2net", port, "-n", "-u", "-c", str(config)).wait():
            with Device(f"rfc2217://127.0.0.1:{port}") as device:
                assert device("bytes(range(256))") == bytes(range(256))


@pytest.mark.unix
def test_a_webrepl_and_its_password(board: Any, tmp_path: Path) -> None:
    port = free_port()
    with Running("webrepl", port, str(port), str(board().port), "sesame", str(tmp_path)).wait():
        with pytest.raises(piton.AuthenticationError, match="refuses the password"):
            Device(f"ws://127.0.0.1:{port}", password="wrong")
        with Device(f"ws://127.0.0.1:{port}", password="sesame") as device:

            @device.task
            def double(x):
                return x * 2

            assert double("ab") == "abab"


def test_names_of_boards(board: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    monkeypatch.setenv("PITON_CONFIG", str(config))
    monkeypatch.delenv("BELAY_DEVICE", raising=False)
    config.write_text(f'board = "desk"\n[boards]\ndesk = "socket://{board().address}"\nsimulated = "virtual"\n')
    with Device("desk") as device:
        assert device._session.name == "desk"
        assert device("1 + 1") == 2
    with Device("simulated") as device:
        assert device.implementation.platform == "webassembly"
    # The board for programs that name none.
    with Device() as device:
        assert device("1 + 1") == 2
    monkeypatch.setenv("BELAY_DEVICE", '{"device": "/dev/no-such-port"}')
    with pytest.raises(piton.ConnectionFailedError, match="no-such-port"):
        Device()
    config.write_text("[boards]\n\ndesk = 1\n")
    with pytest.raises(ValueError, match=r"config\.toml, line 3: board `desk` must be a string"):
        Device("desk")


def test_the_time_that_boards_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITON_TIMEOUT", "long")
    with pytest.raises(ValueError, match='PITON_TIMEOUT is "long"; expected a number'):
        Device("virtual")
    monkeypatch.setenv("PITON_TIMEOUT", "20")
    try:
        with Device("virtual") as device:
            # The limit of a call is exact.
            with pytest.raises(TimeoutError):
                device("while True: pass", timeout=0.2)
            assert device("1 + 1") == 2
    finally:
        monkeypatch.setenv("PITON_TIMEOUT", "1")
        Device("virtual", startup="").close()


def test_a_lost_board_comes_back_with_its_state(board: "Any") -> None:
    first = board()
    device = Device(f"socket://{first.address}", attempts=20)

    @device.setup
    def prepare(start):
        level = start

    @device.task
    def read(factor):
        return level * factor  # noqa: F821

    prepare(4)
    assert read(2) == 8
    first.stop()
    with pytest.raises(piton.ConnectionLost):
        # What was sent may have been carried out, so no call is repeated.
        for _ in range(2):
            read(2)
    board(first.port)
    assert read(3) == 12
    device.close()


def test_a_lost_board_that_stays_away(board: "Any") -> None:
    served = board()
    device = Device(f"socket://{served.address}")
    served.stop()
    with pytest.raises(piton.ConnectionLost):
        device("1 + 1")
    with pytest.raises(piton.ConnectionFailedError):
        device("1 + 1")
    with pytest.raises(piton.ConnectionLost):
        device.reconnect(attempts=1)
    device.close()


def test_reconnect_restores_what_was_declared(board: "Any") -> None:
    device = Device(f"socket://{board().address}")

    @device.task
    def double(x):
        return x * 2

    device("kept = [1]")
    device("kept.append(2)", record=False)
    device.reconnect()
    assert device("kept") == [1]
    assert double(4) == 8
    device.close()


def test_soft_reset_runs_main(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('main runs')\nopen('/ran.txt', 'w').close()\n")
    with Device(f"virtual:{tmp_path}") as device:
        (tmp_path / "ran.txt").unlink(missing_ok=True)
        device("x = 1")
        device("y = 2", record=False)
        device.soft_reset()
        assert (tmp_path / "ran.txt").exists()
        assert device("x") == 1
        assert device("'y' in globals()") is False


def test_soft_reset_does_not_wait_for_ever(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("while True:\n    pass\n")
    with Device(f"virtual:{tmp_path}") as device:
        device.soft_reset(timeout=0.5)
        assert device("1 + 1") == 2


def test_a_proxy_of_a_board_that_was_reset(tmp_path: Path) -> None:
    with Device(f"virtual:{tmp_path}") as device:
        device("named = [1]")
        named, unnamed = device.proxy("named"), device.proxy("[2]")
        device.soft_reset()
        assert named[0] == 1
        with pytest.raises(piton.ConnectionLost, match="reset"):
            len(unnamed)


class TelnetServer(threading.Thread):
    """Asks for a user and a password, and passes bytes on to a board then."""

    def __init__(self, target: str) -> None:
        super().__init__(daemon=True)
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        client, _ = self.listener.accept()
        with client:
            client.sendall(b"Login as: ")
            user = self.line(client)
            client.sendall(b"Password: ")
            if (user, self.line(client)) != ("micro", "python"):
                client.sendall(b"\r\nInvalid credentials, try again.\r\nLogin as: ")
                client.recv(1)
                return
            client.sendall(b'\r\nLogin succeeded!\r\nType "help()" for more information.\r\n>>> ')
            host, port = self.target.rsplit(":", 1)
            with socket.create_connection((host, int(port))) as board:
                self.pass_on(client, board)

    @staticmethod
    def line(client: socket.socket) -> str:
        line = b""
        while not line.endswith(b"\n"):
            byte = client.recv(1)
            if not byte:
                return ""
            line += byte
        return line.strip().decode()

    @staticmethod
    def pass_on(one: socket.socket, other: socket.socket) -> None:
        while True:
            for ready in select.select([one, other], [], [])[0]:
                data = ready.recv(4096)
                if not data:
                    return
                (other if ready is one else one).sendall(data)


def test_an_address_is_a_telnet_server(board: "Any") -> None:
    server = TelnetServer(board().address)
    with Device(f"127.0.0.1:{server.port}", user="micro", password="python") as device:
        assert device("'x' * 3") == "xxx"
        assert device("bytes(range(250, 256))") == bytes(range(250, 256))


def test_a_wrong_password_of_a_telnet_server() -> None:
    server = TelnetServer("")
    with pytest.raises(piton.AuthenticationError, match="refuses the password"):
        Device(f"127.0.0.1:{server.port}", password="wrong")


def test_a_teardown_that_fails_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    device = Device("virtual")

    @device.teardown
    def fails():
        1 / 0

    @device.teardown(ignore_errors=True)
    def ignored():
        1 / 0

    @device.teardown
    def prints():
        print("torn down")

    with pytest.raises(piton.PyboardException, match="ZeroDivisionError"):
        device.close()
    assert "torn down" in capsys.readouterr().out
    with pytest.raises(piton.ConnectionFailedError, match="closed"):
        device("1")


def test_a_marker_with_options_keeps_its_kind() -> None:
    class Board(Device, skip=True):
        """`belay` makes a task of a thread with options."""

        @Device.thread(record=False)
        def run():
            pass

    with Board("virtual") as board:
        with pytest.raises(piton.PyboardException, match="thread"):
            board.run()


def test_a_marked_static_method() -> None:
    class Board(Device, skip=True):
        """Type checkers want it that way."""

        @Device.task
        @staticmethod
        def double(x: int) -> int:
            return x * 2

    with Board("virtual") as board:
        assert board.double(4) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_terminal() -> None:
    import pty

    script = "import piton\nd = piton.Device('virtual', startup='')\nprint('ready', flush=True)\nd.terminal()\nprint('left', d('1 + 1'))\n"
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    seen = b""

    def read_until(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            assert select.select([terminal], [], [], 30)[0], seen
            seen += os.read(terminal, 4096)

    read_until(b"ready")
    read_until(b">>> ")
    os.write(terminal, b"print(6 * 7)\r")
    read_until(b"\r\n42\r\n")
    os.write(terminal, b"\x1d")
    read_until(b"left 2")
    os.waitpid(child, 0)
    os.close(terminal)


def test_keys_of_several_bytes() -> None:
    from piton._terminal import _characters

    reader, writer = os.pipe()
    for byte in "a\u00e4\u20ac".encode():
        os.write(writer, bytes([byte]))
    os.close(writer)
    assert list(_characters(reader)) == ["a", "\u00e4", "\u20ac"]
    os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="raises a signal in a thread")
def test_a_signal_handler_may_raise_its_own(device: Device) -> None:
    class Alarm(Exception):
        """What the handler raises."""

    def handle(number: int, frame: Any) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(Alarm):
            device("while True:\n    pass")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert device("1 + 1") == 2

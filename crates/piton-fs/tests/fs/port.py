# Runs a program of device/ on MicroPython's unix port without its standard input: what the program asks of its port, the test
# answers. Arguments: what sys.platform says. The program and its call follow this file.
#
# To the test: "R" and the length of a read (2 bytes), "P" for a poll, "K" and a character for kbd_intr, "W", a length (2 bytes) and what
# is written, "E", a length and how the program ended. From the test: "I" for an interrupt, "D", a length (2 bytes) and what was
# read, "Y" or "N" to a poll, "G" to go on after a pause.
import sys as _sys

_in = _sys.stdin.buffer
_out = _sys.stdout.buffer


def _ask(request):
    _out.write(request)
    answer = _in.read(1)
    if answer == b"I":
        raise KeyboardInterrupt
    return answer


class _Buffer:
    def readinto(self, view):
        _ask(b"R" + len(view).to_bytes(2, "little"))
        count = int.from_bytes(_in.read(2), "little")
        view[:count] = _in.read(count)
        return count

    def write(self, data):
        _out.write(b"W" + len(data).to_bytes(2, "little") + data)
        return len(data)


class _Poll:
    def register(self, stream, flags):
        pass

    def poll(self, wait):
        return [1] if _ask(b"P") == b"Y" else []


class _Module:
    pass


def _module(name):
    _sys.modules[name] = module = _Module()
    return module


_stream = _Module()
_stream.buffer = _Buffer()
_fake = _module("sys")
_fake.platform = _sys.argv[1]
_fake.modules = _sys.modules
_fake.stdin = _fake.stdout = _stream
_module("select").poll = _Poll
_module("micropython").kbd_intr = lambda character: _out.write(b"K" + bytes((character & 255,)))


def _run(program):
    try:
        program()
        end = "pause" if "_piton" in _sys.modules else ""
    except (KeyboardInterrupt, Exception) as error:
        end = type(error).__name__
    _out.write(b"E" + bytes((len(end),)) + end.encode())
    if end == "pause" and _in.read(1) == b"G":
        _run(_sys.modules.pop("_piton"))



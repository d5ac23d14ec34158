# Runs once, before boot.py: what the firmware of this port lacks to behave like a board.
import builtins
import collections
import os
import sys
import time
import machine
import event_loop
import _micropython


def install():
    control = machine._control
    # The C sleep of this port does not see Ctrl-C.
    longest = 0x7FFFFFFF

    def sleep_ms(ms):
        while ms > longest:
            control.write(b"s" + longest.to_bytes(4, "little"))
            ms -= longest
        if ms > 0:
            control.write(b"s" + int(ms).to_bytes(4, "little"))

    def sleep(seconds):
        sleep_ms(seconds * 1000)

    # input() of this port reads from a stub.
    write = sys.stdout.write
    read = sys.stdin.read

    def input_line(prompt=""):
        write(str(prompt))
        line = []
        while True:
            c = read(1)
            if c in "\r\n":
                write("\r\n")
                return "".join(line)
            if c in "\x08\x7f":
                if line:
                    line.pop()
                    write("\x08 \x08")
            elif c == "\x04" and not line:
                raise EOFError
            elif c >= " ":
                line.append(c)
                write(c)

    # os.ilistdir() of this port has no sizes.
    list_entries = os.ilistdir
    stat = os.stat

    def with_sizes(entries, folder):
        for entry in entries:
            size = 0
            if entry[1] == 0x8000:
                size = stat(folder + entry[0])[6]
            yield entry[0], entry[1], 0, size

    def ilistdir(path="."):
        # Before the generator starts, so that an error is raised here.
        entries = list_entries(path)
        slash = b"/" if isinstance(path, bytes) else "/"
        return with_sizes(entries, path + slash if path else path)

    os.ilistdir = ilistdir

    Uname = collections.namedtuple("uname_result", ("sysname", "nodename", "release", "version", "machine"))
    release = ".".join([str(part) for part in sys.implementation.version[:3]])
    version = sys.version.split("; ")[-1].replace("MicroPython ", "")
    uname = Uname(sys.platform, sys.platform, release, version, sys.implementation._machine)
    os.uname = lambda: uname

    _micropython.__name__ = "micropython"
    sys.modules["micropython"] = _micropython

    event_loop.install()
    time.sleep = sleep
    time.sleep_ms = sleep_ms
    builtins.input = input_line
    control.write(b"b" + id(sys.stdout.buffer).to_bytes(4, "little"))


install()

# Runs a program as `micropython` of the unix port does: src/program.rs calls run().
import builtins
import os
import sys
from machine import _control


def _field():
    _control.write(b"a")
    return str(_control.read(), "utf-8")


def _fields():
    return [_field() for _ in range(int(_field()))]


def _input(prompt=""):
    sys.stdout.write(str(prompt))
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


_changed = {}


def getenv(key, default=None):
    if key in _changed:
        value = _changed[key]
        return default if value is None else value
    _control.write(b"v" + key.encode())
    value = _control.read()
    return str(value[1:], "utf-8") if value else default


def putenv(key, value):
    _changed[key] = str(value)


def unsetenv(key):
    _changed[key] = None


def _mode(path):
    try:
        return os.stat(path)[0]
    except OSError:
        return 0


def _find(name, endings):
    # Returns the first of these files below sys.path.
    for folder in sys.path:
        base = folder + "/" + name if folder else name
        for ending in endings:
            if _mode(base + ending) & 0x8000:
                return base + ending
    return None


def _run_file(path, namespace):
    namespace["__file__"] = path
    execfile(path, namespace)


def _run_module(name, namespace):
    path = _find(name.replace(".", "/"), ("/__main__.py", ".py"))
    if path:
        return _run_file(path, namespace)
    # A frozen module, or one that is compiled: its `__name__` is its own.
    __import__(name)


def _exit(value):
    code = 0 if value is None else 1
    if isinstance(value, int):
        code = value & 255
    elif value is not None:
        print(value, file=sys.stderr)
    _control.write(b"e" + bytes([code]))


def run():
    import __main__

    kind, what = _field(), _field()
    sys.argv.clear()
    sys.argv.extend(_fields())
    sys.path[:] = _fields()
    os.getenv, os.putenv, os.unsetenv = getenv, putenv, unsetenv
    if _find("machine", (".py", ".mpy", "/__init__.py")):
        # The board's own one is loaded; the program brings its own.
        del sys.modules["machine"]
    of_board = builtins.input
    builtins.input = _input
    namespace = __main__.__dict__
    try:
        if kind == "file":
            _run_file(what, namespace)
        elif kind == "module":
            _run_module(what, namespace)
        elif what:
            exec(compile(what, "<stdin>", "exec"), namespace)
    except SystemExit as error:
        _exit(error.args[0] if error.args else None)
    finally:
        builtins.input = of_board

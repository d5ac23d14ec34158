"""Runs manifests for piton: one JSON message a line, on stdin and on what was stdout.

Manifests call functions that are answered by piton. While an answer is awaited, piton can ask for another manifest to be run.
"""
import builtins
import json
import os
import sys


class ManifestFileError(Exception):
    pass


class ManifestIgnoreException(Exception):
    pass


class ManifestUsePyPIException(Exception):
    pass


class ManifestPackageMetadata:
    pass


class IncludeOptions:
    def __init__(self, arguments):
        self._kwargs = arguments
        self._defaults = {}

    def defaults(self, **kwargs):
        self._defaults = kwargs

    def __getattr__(self, name):
        return self._kwargs.get(name, self._defaults.get(name))


OWN = {"ManifestFileError": ManifestFileError, "ManifestIgnoreException": ManifestIgnoreException}
OWN["ManifestUsePyPIException"] = ManifestUsePyPIException


def encode(value):
    if value is None or isinstance(value, (bool, int)) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, str):
        return value if value.isascii() or value.encode("utf-8", "replace").decode() == value else foreign(value)
    if isinstance(value, float) and value - value == 0:
        return value
    for kind, letter in ((list, "list"), (tuple, "tuple"), (set, "set"), (frozenset, "set")):
        if isinstance(value, kind):
            return {letter: [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, bytes):
        return {"bytes": list(value)}
    if hasattr(type(value), "__fspath__"):
        return {"path": os.fspath(value)}
    if hasattr(type(value), "__iter__"):
        return {"items": [encode(item) for item in value]}
    return foreign(value)


def foreign(value):
    return {"foreign": [type(value).__name__, ascii(value)]}


def decode(value):
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "dict":
        return {decode(key): decode(item) for key, item in content}
    if kind == "metadata":
        metadata = ManifestPackageMetadata()
        for name, item in content:
            setattr(metadata, name, decode(item))
        return metadata
    if kind == "foreign":
        return content[1]
    if kind == "path":
        return __import__("pathlib").Path(content)
    make = {"list": list, "tuple": tuple, "set": set, "bytes": bytes, "items": iter}[kind]
    return make([decode(item) for item in content])


def guard(rules):
    writable = [os.path.realpath(folder) + os.sep for folder in rules["writable"]]
    programs = rules["programs"]
    changes = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.chown")
    changes += ("os.utime", "os.setxattr", "os.removexattr", "os.mkfifo", "os.mknod", "shutil.")
    starts = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn", "socket.", "ctypes.")
    starts += ("os.kill", "signal.", "os.putenv", "mmap.", "code.__new__", "winreg.", "urllib.Request")

    def may_write(path):
        if not isinstance(path, (str, bytes)):
            return False
        return (os.path.realpath(os.fsdecode(path)) + os.sep).startswith(tuple(writable)) if writable else False

    def hook(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int):
                return
            writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if writes and not may_write(path) and path != os.devnull:
                raise PermissionError("piton: this manifest may not write " + ascii(path))
        elif event.startswith(changes):
            if not all(may_write(path) for path in arguments if isinstance(path, (str, bytes))):
                raise PermissionError("piton: this manifest may not change files (" + event + ")")
        elif event.startswith(starts) and not programs:
            raise PermissionError("piton: this manifest may not start programs or use the network (" + event + ")")

    sys.addaudithook(hook)


class Channel:
    def __init__(self):
        self.output = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self.input = os.fdopen(os.dup(0), encoding="utf-8")
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = sys.stderr

    def send(self, message):
        message["folder"] = os.getcwd()
        self.output.write(json.dumps(message) + "\n")
        self.output.flush()

    def receive(self):
        line = self.input.readline()
        if not line:
            os._exit(1)
        message = json.loads(line)
        if "folder" in message:
            os.chdir(message["folder"])
        return message

    def function(self, name):
        def call(*positional, **named):
            line = sys._getframe(1).f_lineno
            named = [[key, encode(value)] for key, value in named.items()]
            self.send({"call": name, "line": line, "positional": [encode(value) for value in positional], "named": named})
            return self.serve()

        return call

    def serve(self):
        """Runs manifests until there is an answer, and returns it."""
        while True:
            message = self.receive()
            if "run" in message:
                self.run(message)
            elif "raise" in message:
                name, arguments = message["raise"]
                kind = OWN.get(name) or getattr(builtins, name, None) or ValueError
                raise kind(*[decode(argument) for argument in arguments])
            else:
                return decode(message["value"])

    def run(self, message):
        names = {name: self.function(name) for name in message["names"]}
        names["options"] = IncludeOptions({key: decode(value) for key, value in message["options"]})
        try:
            exec(message["run"], names)
        except BaseException as error:
            classes = [kind.__name__ for kind in type(error).__mro__]
            arguments = [encode(argument) for argument in error.args]
            self.send({"failed": classes, "text": str(error), "arguments": arguments})
        else:
            self.send({"done": True})


def main():
    channel = Channel()
    rules = channel.receive()
    sys.argv = ["makemanifest.py"]
    sys.path[:] = rules["path"] + [folder for folder in sys.path if folder]
    guard(rules["guard"])
    channel.serve()


main()

"""Carries out the cases with one module, and prints what came of each as JSON.

Usage: run.py MODULE PORT
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
from typing import Any, Callable

sys.path.insert(0, __file__.rpartition("/")[0])

from cases import CASES  # noqa: E402
from connections import CONNECTIONS  # noqa: E402


def outcome(case: "Callable[[Any, Any], Any]", module: Any, board: Any) -> "dict[str, Any]":
    """Returns the value or the exception of a case, and what it printed. `board` is a device or a port."""
    output = io.StringIO()
    result: "dict[str, Any]" = {}
    with contextlib.redirect_stdout(output):
        try:
            result["value"] = repr(case(module, board))
        except BaseException as error:
            result["raised"] = type(error).__name__
            if type(error).__name__ == "PyboardException":
                lines = str(error.args[0]).strip().splitlines()
                result["message"] = lines[-1].strip() if lines else ""
    result["output"] = output.getvalue().replace("\r\n", "\n")
    return result


def outcome_apart(case: "Callable[[Any, Any], Any]", module: Any, port: str) -> "dict[str, Any]":
    """Carries out a case in a process of its own: a device of `belay` whose constructor failed keeps its port."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as stream:
            json.dump(outcome(case, module, port), stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    result: "dict[str, Any]" = json.loads(text) if text else {"died": True}
    return result


def main() -> None:
    """Runs all cases on one device."""
    module_name, port = sys.argv[1:]
    module = importlib.import_module(module_name)
    # `belay` takes its stream when it is imported: what it writes there is not part of a case.
    real = sys.stdout

    class Current(io.TextIOBase):
        """Writes to what is the standard output at the time."""

        def write(self, text: str) -> int:
            return sys.stdout.write(text)

    if module_name == "belay":
        module.Device.__call__.__kwdefaults__["stream_out"] = Current()
    with module.Device(port) as device:
        results = {name: outcome(case, module, device) for name, case in CASES.items()}
    for name, case in CONNECTIONS.items():
        results[name] = outcome_apart(case, module, port)
    json.dump(results, real)


main()

"""Carries out the cases with one module, and prints what came of each as JSON.

Usage: run.py MODULE PORT
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from typing import Any

sys.path.insert(0, __file__.rpartition("/")[0])

from cases import CASES  # noqa: E402


def outcome(module: Any, device: Any, name: str) -> "dict[str, Any]":
    """Returns the value or the exception of a case, and what it printed."""
    output = io.StringIO()
    result: "dict[str, Any]" = {}
    with contextlib.redirect_stdout(output):
        try:
            result["value"] = repr(CASES[name](module, device))
        except BaseException as error:
            result["raised"] = type(error).__name__
            if type(error).__name__ == "PyboardException":
                lines = str(error.args[0]).strip().splitlines()
                result["message"] = lines[-1].strip() if lines else ""
    result["output"] = output.getvalue().replace("\r\n", "\n")
    return result


def main() -> None:
    """Runs all cases on one device."""
    name, port = sys.argv[1:]
    module = importlib.import_module(name)
    # `belay` takes its stream when it is imported: what it writes there is not part of a case.
    real = sys.stdout

    class Current(io.TextIOBase):
        """Writes to what is the standard output at the time."""

        def write(self, text: str) -> int:
            return sys.stdout.write(text)

    if name == "belay":
        module.Device.__call__.__kwdefaults__["stream_out"] = Current()
    with module.Device(port) as device:
        results = {case: outcome(module, device, case) for case in CASES}
    json.dump(results, real)


main()

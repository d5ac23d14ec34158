"""Runs lines of belay's command line, one after the other, in one process: Belay takes long to start.

Each line of stdin is a JSON list of words; each answer on stdout is a JSON list with the exit code and the output of the line.
"""

import contextlib
import json
import os
import sys
import tempfile

from belay.cli.main import run_app
from belay.project import project_cache

answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    # Belay keeps what it read of a project.
    project_cache.clear()
    sys.argv = ["belay", *json.loads(line)]
    with tempfile.TemporaryFile() as output:
        # Belay takes `sys.stdout` when it is imported.
        os.dup2(output.fileno(), 1)
        code = 0
        try:
            # Nobody answers questions.
            with open(os.devnull) as nothing, contextlib.ExitStack() as stack:
                stack.callback(setattr, sys, "stdin", sys.stdin)
                sys.stdin = nothing
                run_app()
        except SystemExit as end:
            # As the system passes a code on.
            code = end.code & 255 if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            code = 1
        sys.stdout.flush()
        output.seek(0)
        text = output.read().decode()
    print(json.dumps([code, text]), file=answers, flush=True)

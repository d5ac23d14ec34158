"""How mpremote itself understands command lines.

Reads a JSON list of command lines (each a list of words) from stdin, hands each to mpremote's own main loop with
the commands replaced by recorders, and writes what was recorded: for each line a list of [command, arguments],
ended by "repl", "exit N", or "error: TEXT".
"""

import contextlib
import io
import json
import sys

from mpremote import main


def record(line):
    steps = []

    def recorder(name):
        def handler(state, args=None):
            values = {k: v for k, v in vars(args).items() if k != "next_command"} if args else {}
            steps.append([name, values])
            if name in ("help", "version"):
                sys.exit(0)
            actions = (
                *("eval", "exec", "run", "fs", "repl", "soft-reset", "edit", "rtc", "mip"),
                "romfs",
            )
            if name in actions or (name == "connect" and values["device"] == ["list"]):
                state.did_action()

        return handler

    def repl_at_end(state, args):
        steps.append("repl")

    saved = dict(main._COMMANDS)
    saved_repl = main.do_repl
    for name, (_, parser) in saved.items():
        main._COMMANDS[name] = (recorder(name), parser)
    main.do_repl = repl_at_end
    main.do_disconnect = lambda state: None
    stderr = io.StringIO()
    stdout = io.StringIO()
    sys.argv = ["mpremote"] + list(line)
    try:
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(stdout):
            code = main.main()
        if code:
            steps.append("error: " + stderr.getvalue().strip())
    except SystemExit as leave:
        if leave.code == 1:
            # Wrong arguments of a shortcut of config.py.
            steps.append("error: mpremote: " + stdout.getvalue().strip())
        else:
            steps.append("exit %s" % leave.code)
    finally:
        main._COMMANDS.update(saved)
        main.do_repl = saved_repl
    return steps


json.dump([record(line) for line in json.load(sys.stdin)], sys.stdout)

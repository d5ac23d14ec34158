# Writes usage and help of each of mpremote's commands, for terminals of 10 to 120 columns: [columns, name, text] in JSON.
import json
import os
import sys
from mpremote import main


def text(columns, name):
    os.environ["COLUMNS"] = str(columns)
    parser = main._COMMANDS[name][1]()
    parser.prog = name
    parser.add_argument(
        "next_command", nargs=main.argparse.REMAINDER, help=f"Next {main._PROG} command"
    )
    return [columns, name, parser.format_usage() + parser.format_help()]


names = sorted(main._COMMANDS)
json.dump([text(columns, name) for columns in range(10, 121) for name in names], sys.stdout)

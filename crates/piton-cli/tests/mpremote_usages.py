# Prints the usage of each of mpremote's commands, for a terminal of 80 columns and for one of 60.
import os
from mpremote import main
for columns in "80", "60":
    os.environ["COLUMNS"] = columns
    for name in sorted(main._COMMANDS):
        parser = main._COMMANDS[name][1]()
        parser.prog = name
        parser.add_argument("next_command", nargs=main.argparse.REMAINDER)
        print(parser.format_usage(), end="")

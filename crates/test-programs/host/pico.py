"""Runs the command line of the emulator, until the other end of stdin is closed.

A test that is killed can end no program: but the system closes its end of the pipe.
"""

import os
import sys
import threading


def end_with_stdin():
    while os.read(0, 1):
        pass
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()

from rp2040py.__main__ import main  # noqa: E402

sys.exit(main())

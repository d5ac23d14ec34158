"""Runs MicroPython's unix port: the `main` that an extension module of CPython exports.

The first argument is the folder with the builds, the others are MicroPython's. `--terminal` before it makes stdin the terminal
of a session of its own, so that Ctrl-C interrupts a program and the end of the terminal ends it. A build asks CPython for
symbols when it is loaded, and calls none of them from here on.
"""

import ctypes
import fcntl
import glob
import os
import signal
import sys
import termios

words = sys.argv[1:]
if words[0] == "--terminal":
    del words[0]
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

# CPython renamed what a build asks for in 3.13.
tag = "311" if sys.version_info < (3, 13) else "313"
(build,) = glob.glob(os.path.join(glob.escape(words[0]), "*cpython-%s-*.so" % tag))
micropython = ctypes.CDLL(build)

# CPython has taken SIGINT for itself.
signal.signal(signal.SIGINT, signal.SIG_DFL)
words = [b"micropython"] + [os.fsencode(word) for word in words[1:]]
arguments = (ctypes.c_char_p * (len(words) + 1))(*words, None)
code = micropython.micropython_unix_main(len(words), arguments)
# Without CPython's clean-up: it may not know what MicroPython did to the process.
os._exit(code & 0xFF)

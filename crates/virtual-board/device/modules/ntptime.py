# The ntptime module of the virtual board.
import time as _time

about = "asks no server: the clock of the virtual board is the computer's, and right already"

host = "pool.ntp.org"
timeout = 1


def time():
    return int(_time.time())


def settime():
    pass

# The _thread module of the virtual board: locks, and no threads.
import time

about = "locks work; a thread can't be started, for the virtual board runs one program at a time"


class LockType:
    def __init__(self):
        self._locked = False

    def acquire(self, waitflag=1, timeout=-1):
        # Only a timer's callback can release it while this waits.
        start = time.ticks_ms()
        while self._locked:
            if not waitflag or timeout >= 0 and time.ticks_diff(time.ticks_ms(), start) >= timeout * 1000:
                return False
            time.sleep_ms(1)
        self._locked = True
        return True

    def release(self):
        if not self._locked:
            raise RuntimeError
        self._locked = False

    def locked(self):
        return self._locked

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *args):
        self.release()


def allocate_lock():
    return LockType()


def get_ident():
    return 1


def stack_size(size=0):
    return 0


def exit():
    raise SystemExit


def start_new_thread(function, args, kwargs=None):
    raise RuntimeError("can't start a thread: the virtual board has none; use asyncio tasks or machine.Timer, or a real board")

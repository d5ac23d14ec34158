# Lets code on the board send events to the host at any time: `piton_event(name, value)`, from a function that a timer, a pin or
# a thread calls as well. An event is the mark of the session, `!`, a length, a CRC-32, and the repr() of name and value.
#
# An event is written at once while the session's program runs. Otherwise, and in the middle of an answer or of another event, it
# waits in `queue`: so the protocol of the REPL stays whole, and no event comes between the bytes of an answer. Where nobody
# takes the events away the oldest go.
def _piton_events(mark, hooks):
    from binascii import crc32

    try:
        from _thread import allocate_lock

        lock = allocate_lock()
    except ImportError:
        lock = None
    names = globals()
    out = hooks["w"]
    queue = []
    is_open = False
    stays_open = False
    is_taken = False

    def take():
        nonlocal is_taken
        if lock:
            return lock.acquire(0)
        if is_taken:
            return False
        is_taken = True
        return True

    def release():
        nonlocal is_taken
        is_taken = False
        if lock:
            lock.release()

    def flush():
        # Who comes while another one writes leaves it to that one, which looks again when it has released the lock.
        while queue and is_open and take():
            try:
                while queue and is_open:
                    out(queue.pop(0))
            finally:
                release()

    def write(text, body=""):
        nonlocal is_open
        while not take():
            pass
        try:
            out(text, body)
            # What follows the answer of a program is the prompt: nobody listens for events there.
            is_open = stays_open
        finally:
            release()
        flush()

    def piton_event(name, value=None):
        text = repr((name, value))
        if len(queue) > 63:
            queue.pop(0)
        queue.append("%s!%d %d %s" % (mark, len(text), crc32(text), text))
        flush()

    def opening(function, stays):
        # The host knows this name, and leaves it out of tracebacks.
        def _piton_run(*arguments):
            nonlocal is_open, stays_open
            stays_open = stays
            is_open = True
            flush()
            try:
                return function(*arguments)
            finally:
                is_open = stays_open = False

        return _piton_run

    hooks["w"] = write
    names["piton_event"] = piton_event
    names["_piton_call"] = opening(names["_piton_call"], False)
    names["_piton_loop"] = opening(names["_piton_loop"], True)

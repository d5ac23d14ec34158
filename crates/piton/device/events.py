# Lets code on the board send events to the host at any time: `piton_event(name, value)`, from a function that a timer, a pin or
# a thread calls as well. An event is the mark of the session, `!`, a length, a CRC-32, and the repr() of name and value.
#
# An event is written at once while the session's program runs. Otherwise, and in the middle of an answer or of another event, it
# waits in `queue`: so the protocol of the REPL stays whole, and no event comes between the bytes of an answer. Where nobody
# takes the events away the oldest go.
def _piton_events(mark, hooks):
    from binascii import crc32

    names = globals()
    out = hooks["w"]
    queue = []
    is_open = False
    stays_open = False
    is_taken = 0

    # A KeyboardInterrupt comes at jumps. So there is none between taking the lock and having its release in a `finally` block, and
    # none in there before it.
    def acquire(wait=1):
        # Without threads whoever waits has the lock: what a timer calls is over, and an interrupted call may have left it taken.
        nonlocal is_taken
        free = 1 - is_taken
        is_taken = 1
        return wait | free

    def release():
        nonlocal is_taken
        is_taken = 0

    try:
        from _thread import allocate_lock

        lock = allocate_lock()
        acquire = lock.acquire
        release = lock.release
    except ImportError:
        pass

    def flush():
        # Who comes while another one writes leaves it to that one, which looks again when it has released the lock.
        is_mine = True
        while is_mine and queue and is_open:
            leave = int
            try:
                is_mine = acquire(0)
                leave = (int, release)[is_mine]
                while is_mine and queue and is_open:
                    out(queue.pop(0))
            finally:
                leave()

    def write(text, body=""):
        nonlocal is_open
        leave = int
        try:
            acquire()
            leave = release
            out(text, body)
            # What follows the answer of a program is the prompt: nobody listens for events there.
            is_open = stays_open
        finally:
            leave()
        flush()

    def piton_event(name, value=None):
        text = repr((name, value))
        if len(queue) > 63:
            queue.pop(0)
        queue.append("%s!%d %d %s" % (mark, len(text), crc32(text), text))
        flush()

    def _piton_stream(take_items, number, name, count, time):
        # Sends the items of an iterator until its end. Gives the number of lists that it sent, and a traceback or None.
        lists = 0
        end = None
        while not end:
            found, end = take_items(number, count, time)
            if found:
                piton_event(name, (lists, found))
                lists += 1
        return lists, None if end is True else end

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
    names["_piton_stream"] = _piton_stream
    names["_piton_call"] = opening(names["_piton_call"], False)
    names["_piton_loop"] = opening(names["_piton_loop"], True)

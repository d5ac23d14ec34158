# Begins a mount: fetches the program in mount.py over the line that is to carry the mount, and runs it.
#
# It asks by lines of text that begin with the token: the module version, how much is there, how much to send, whether
# the board can't inflate. All of the program is asked for at once, and nothing is read for longer than it takes to
# arrive at 115200 baud: if it is there nevertheless, the line holds the host back or has room, and answers of that size
# are safe from then on. If some of it is lost, it comes again in pieces that fit the smallest receive ring. `sizes` has
# (length, sum) of the program, deflated and as it is.
# Short: sizes program length check step at end
def _piton(token, sizes):
    import sys, select, time, micropython, io

    try:
        from deflate import DeflateIO
    except ImportError:
        DeflateIO = None
    readinto = sys.stdin.buffer.readinto
    poll = select.poll()
    poll.register(sys.stdin, 1)
    poll = poll.poll
    length, check = sizes[not DeflateIO]
    program = bytearray(length)
    micropython.kbd_intr(-1)
    try:
        for step in length, 200:
            at = end = 0
            # Until something is lost, or all is there.
            while end == at < length:
                print(token, getattr(sys.implementation, "_mpy", 0), at, step, DeflateIO is None)
                time.sleep_ms(110)
                end = min(at + step, length)
                # In small pieces, because reading blocks until a piece is complete.
                while at < end and poll(999):
                    at += readinto(memoryview(program)[at : min(at + 32, end)])
            if at == length and sum(program) & 65535 == check:
                break
            while poll(200):
                readinto(bytearray(1))
        else:
            raise OSError(110)
    finally:
        micropython.kbd_intr(3)
    if DeflateIO:
        program = DeflateIO(io.BytesIO(program), 1, 13).read()
    exec(program, dict(token=token, readinto=readinto, poll=poll, DeflateIO=DeflateIO))

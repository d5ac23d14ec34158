# Answers the first calls of a session. Each call is a program `_piton_call(number, check, text, source)`: the board evaluates
# `text`, then executes `source`. `check` is the CRC-32 of both, seeded by the number: a call that arrives damaged is not carried
# out. A call with the last number gets the last answer again. An answer is the mark, a length, a CRC-32, and `R` with the
# repr() of the value. An answer `X` says that the exception is what ends the program: the REPL prints it. An answer `?` is lost:
# Ctrl-C came while it was made.
#
# serve.py takes its place when the session needs more. This is short because it is sent, and compiled by the board, for each
# connection. It asks for what serve.py needs: a board that lacks it gets session_small.py.
#
# Short: number check text source value names last answer send
def _piton_call(mark):
    from binascii import crc32
    import sys

    sys.stdin.buffer
    names = globals()
    last = 0
    answer = ""

    def send(number):
        sys.stdout.write("%s%d %d %s" % (mark, len(answer), crc32(answer, number), answer))

    # The host knows this name, and leaves it out of tracebacks.
    def _piton_run(number, check, text, source=""):
        nonlocal last, answer
        if number != last:
            if crc32(text + source, number) != check:
                return
            answer = "?"
            last = number
            try:
                value = eval(text, names)
                if source:
                    exec(source, names)
                answer = "R" + repr(bytes(value) if type(value) is memoryview else value)
            except:
                answer = "X"
                send(number)
                raise
        send(number)

    return _piton_run

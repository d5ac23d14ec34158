# Answers the calls of a session as session.py does, on boards without binascii, io.StringIO or sys.print_exception, such as
# a micro:bit. The check is two sums. An answer `X` says that the exception is what ends the program: the REPL prints it.
def _piton_call(mark):
    o = {}
    l = 0
    a = ""
    m = globals()

    def k(v):
        o[l] = v
        return l

    def z(n, t):
        x = n & 16383
        y = 0
        for c in bytes(t, "utf8"):
            x = x + c & 16383
            y = y + x & 16383
        return y << 14 | x

    def p(n):
        print("%s%d %d %s" % (mark, len(a), z(n, a), a), end="")

    def _piton_run(n, c, t, s=""):
        nonlocal l, a
        if n != l:
            if z(n, t + s) != c:
                return
            a = "?"
            l = n
            try:
                v = eval(t, m, {"_k": k, "_o": o})
                if s:
                    exec(s, m)
                a = "R" + repr(v)
            except SystemExit:
                raise
            except BaseException:
                a = "X"
                p(n)
                raise
        p(n)

    return _piton_run

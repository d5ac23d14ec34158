# Puts a function in the place of input() that asks the host for a line: it prints MARK, and reads a line that holds a part of
# the answer as a literal. A bytes object has another part after it, one in a tuple is the last, None is the end of all input.
# Gives a function that puts the old one back.
def _piton_input(MARK):
    import sys

    own = input
    write = sys.stdout.write
    read = sys.stdin.readline
    try:
        import builtins
    except ImportError:
        builtins = None

    # The host knows it by its name, and leaves it out of tracebacks.
    def _piton_input(prompt=""):
        print(prompt, end="")
        line = b""
        while True:
            write(MARK)
            part = eval(read())
            if part is None:
                raise EOFError
            if isinstance(part, tuple):
                return str(line + part[0], "utf8")
            line += part

    def restore():
        global _piton_input
        if builtins:
            builtins.input = own
        else:
            del globals()["input"]
        del _piton_input

    try:
        builtins.input = _piton_input
    except AttributeError:
        # Firmware whose builtins are fixed: what the program itself calls is enough.
        builtins = None
        globals()["input"] = _piton_input
    return restore

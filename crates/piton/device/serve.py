# Answers the calls of a session in the place of session.py, and takes them also as lines: `_piton_loop()` reads
# `number check text`, so that no program is compiled for each. On an RP2040 that halves the time of a call. The loop ends by an
# empty line, a damaged one, and a KeyboardInterrupt: then the host sees the prompt of the REPL.
#
# What begins with `!` is evaluated with the names `_k`
# (keeps an object), `_o` (the objects that are kept), `_a` (items of a generator) and `_h` (what events.py replaces).
#
# A text that begins with `?` says what else comes: `escape,bits,count,size,size,...`. The board asks for `count` bytes with the
# mark, `?` and how many it has, and gets a piece of them: its length in four hexadecimal digits, its CRC-32 seeded by the place
# where it belongs in eight, and its bytes. `escape`, three letters, stands for 0x03, which stays an interrupt. A damaged piece is
# asked for again. With `bits` the bytes are a deflate stream with a window of so many bits. They are the expression, the source,
# and the bytes objects in `_d`; `size` is the length of each.
#
# An answer `E` holds the repr() of a traceback. Long objects that are bytes on the board anyway are sent as they are: `B` bytes,
# `M` a bytearray, `S` a str, `A`, a typecode and the size of an item an array.
#
# It says the mark, `+`, and whether it inflates. The host leaves functions whose names begin with `_piton` out of tracebacks.
#
# Short: number check text source value names last head body put put_bytes line kinds hooks keep traceback objects found
# Short: count size begin code content kind data bits sizes escape piece stream parts send own goes_on error call end at
def _piton(names, mark):
    import sys
    from binascii import crc32
    from io import BytesIO, StringIO

    try:
        from array import array
    except ImportError:
        array = None
    try:
        from time import ticks_diff, ticks_ms
    except ImportError:
        ticks_ms = None

    try:
        from deflate import DeflateIO
    except ImportError:
        DeflateIO = None
    last = 0
    try:
        from select import poll

        ready = poll()
        ready.register(sys.stdin, 1)
    except (ImportError, OSError):
        ready = None
    objects = {}
    head = body = ""
    line = sys.stdin.readline
    read = sys.stdin.buffer.read
    put = sys.stdout.write
    put_bytes = sys.stdout.buffer.write
    kinds = {bytes: "B", bytearray: "M", str: "S", array: "A"}

    def write(text, body=""):
        put(text)
        if type(body) is str:
            put(body)
        else:
            put_bytes(body)

    hooks = {"w": write, "l": line}

    def keep(value):
        objects[last] = value
        return last

    def traceback(error):
        text = StringIO()
        sys.print_exception(error, text)
        return text.getvalue()

    def _piton_items(number, count, time):
        # The next items of an iterator, at most `count` of them and for about `time` milliseconds; `True` or a traceback if they
        # are the last ones.
        found = []
        end = None
        size = 0
        begin = ticks_ms and ticks_ms()
        try:
            while len(found) < count and size < 2048:
                value = next(objects[number])
                found.append(value)
                size += len(value) if type(value) in kinds else 16
                if not ticks_ms or ticks_diff(ticks_ms(), begin) >= time:
                    break
        except StopIteration:
            end = True
        except KeyboardInterrupt:
            raise
        except Exception as error:
            end = traceback(error)
        return found, end

    def _piton_encode(value):
        kind = type(value)
        if kind is memoryview:
            value = bytes(value)
            kind = bytes
        kind = kinds.get(kind)
        if not kind or len(value) < 64:
            return "R", repr(value)
        if kind == "A":
            code = repr(value[:0])[7]
            if code not in "bBhHiIlLqQfd":
                return "R", repr(value)
            content = bytes(value)
            return "A%s%d" % (code, len(content) // len(value)), content
        if kind == "S":
            value = bytes(value, "utf8")
        return kind, value

    def _piton_take(text):
        escape, bits, *sizes = text[1:].split(",")
        escape = bytes(escape, "utf8")
        bits, count, *sizes = [int(size) for size in [bits] + sizes]
        data = bytearray(count)
        at = 0
        while True:
            hooks["w"]("%s?%d " % (mark, at))
            if at == count:
                break
            piece = read(12)
            try:
                check = int(piece[4:], 16)
                piece = read(int(piece[:4], 16)).replace(escape, b"\3")
            except ValueError:
                # A damaged head.
                check = -1
            if crc32(piece, at) == check:
                data[at : at + len(piece)] = piece
                at += len(piece)
            else:
                # Its length may have been another: the rest of it is not the next piece. The host sends nothing until it is asked.
                if not ready:
                    raise KeyboardInterrupt
                while ready.poll(50):
                    read(1)
        if bits:
            stream = DeflateIO(BytesIO(data), 1, bits)
            data = bytearray(sum(sizes))
            stream.readinto(data)
        data = memoryview(data)
        at = 0
        parts = []
        for size in sizes:
            parts.append(bytes(data[at : at + size]))
            at += size
        return parts[0], parts[1], parts[2:]

    def send(number):
        check = crc32(body, crc32(head, number))
        hooks["w"]("%s%d %d %s" % (mark, len(head) + len(body), check, head), body)

    def _piton_run(number, check, text, source=""):
        nonlocal last, head, body
        goes_on = True
        if number != last:
            if crc32(text + source, number) != check:
                return
            head = "?"
            body = ""
            data = None
            try:
                if text[0] == "?":
                    text, source, data = _piton_take(text)
                last = number
                if data is None and text[0] != "!":
                    value = eval(text, names)
                else:
                    if data is None:
                        text = text[1:]
                    own = {"_k": keep, "_o": objects, "_a": _piton_items, "_h": hooks, "_d": data}
                    value = eval(text, names, own)
                if source:
                    exec(source, names)
                head, body = _piton_encode(value)
            except SystemExit:
                raise
            except BaseException as error:
                goes_on = type(error) is not KeyboardInterrupt
                head = "E"
                body = repr(traceback(error))
        send(number)
        return goes_on

    def _piton_loop():
        call = hooks["l"]().split(" ", 2)
        while call[1:] and _piton_run(int(call[0]), int(call[1]), call[2]):
            call = hooks["l"]().split(" ", 2)

    names["_piton_call"] = _piton_run
    names["_piton_loop"] = _piton_loop
    put("%s+%s" % (mark, DeflateIO is not None))

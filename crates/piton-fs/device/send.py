# Receives a stream of packets from the host and carries out its records: docs/transfer.md describes it.
#
# No packet contains 0x03, so Ctrl-C stays an interrupt: the program reports what it has, and waits for the next packet. It has
# no timeout: the host decides.
#
# `verify` reads each file back before it is renamed. `folders` are the folders of the files.
def _piton(verify, folders):
    import gc
    import os
    import sys
    from micropython import kbd_intr
    from ubinascii import crc32

    try:
        from deflate import DeflateIO as deflate
    except ImportError:
        deflate = None
    from io import BytesIO

    try:
        from select import poll

        ready = poll()
        ready.register(sys.stdin, 1)
    except (ImportError, OSError):
        ready = None
    if sys.platform in ("linux", "darwin", "win32"):
        # On the unix port kbd_intr(-1) restores the default of SIGINT: the next Ctrl-C would end the process.
        kbd_intr = abs
    stdin = sys.stdin.buffer.readinto
    put = sys.stdout.buffer.write
    gc.collect()
    free = gc.mem_free() >> 5
    bits = 9
    while bits < 13 and free >> bits + 1:
        bits += 1
    view = memoryview(bytearray((1 << bits) + 272))
    out = memoryview(bytearray(1 << bits))
    # Taken packets and bytes of the stream, and the missing bytes of the current file's content.
    number = taken = left = done = torn = 0
    file = part = path = failed = fat = None

    def say(kind, value):
        text = bytes((kind, value & 255, value >> 8 & 255, value >> 16 & 255))
        put(text + bytes((sum(text) & 255 ^ 90,)))

    def fill(at, end):
        while at < end:
            got = stdin(view[at:end])
            # Where a read returns fewer bytes than requested, Ctrl-C may arrive as a byte.
            if not got or view[at] == 3:
                raise KeyboardInterrupt
            at += got

    def beat():
        # A step may take long, and a packet may contain hundreds of them: messages show the host that the board is at work. The
        # host sends only interrupts meanwhile. Other bytes come from another program that wants the board.
        say(68, done)
        last = 0
        while ready and ready.poll(0):
            if not stdin(out[:1]) or last == 3 and out[0] in b"\1\2\4\r\n":
                raise KeyboardInterrupt
            last = out[0]

    def space(folder):
        try:
            found = os.statvfs(folder or os.getcwd())
            return found[0], found[4]
        except (OSError, AttributeError):
            pass

    def exists(path):
        try:
            os.stat(path)
            return True
        except OSError:
            return False

    def leave():
        nonlocal file, left
        left = 0
        if file:
            file.close()
            file = None
            os.remove(part)

    def act(kind, data):
        nonlocal file, part, path, left, done, torn, fat
        if kind < 72:
            left = int.from_bytes(data[:4], "little")
            path = part = str(data[4:], "utf8")
            if kind == 70:
                part += ".piton-new"
            file = open(part, "wb")
            return
        if kind == 72:
            file.close()
            if verify:
                from hashlib import sha256

                digest = sha256()
                since = 0
                with open(part, "rb") as written:
                    while True:
                        count = written.readinto(out)
                        if not count:
                            break
                        digest.update(out[:count])
                        since += count
                        if since >> 16:
                            since = 0
                            beat()
                if digest.digest() != data:
                    raise ValueError
            try:
                if part != path:
                    if fat is None:
                        # FAT is case-insensitive: `A.py` and `a.py` are one file.
                        fat = exists(part.upper())
                    if fat and not exists(path):
                        # FAT lists entries by position. This frees the position that the name would have got without the
                        # temporary file, so that listings have the same order as after mpremote.
                        os.rename(part, part[:-1] + "x")
                        part = part[:-1] + "x"
                    os.rename(part, path)
            except OSError as error:
                # A file system that does not rename onto a file: EPERM, EACCES or EEXIST.
                if error.args[0] not in (1, 13, 17):
                    raise
                os.remove(path)
                file = None
                torn = 1 << 23
                os.rename(part, path)
                torn = 0
            file = None
        else:
            path = str(data, "utf8")
            try:
                (os.mkdir, os.remove, os.rmdir)[kind - 77](path)
            except OSError as error:
                # An existing folder, or a missing name to remove, is the requested state.
                if kind == 77:
                    if not os.stat(path)[0] & 0x4000:
                        raise OSError(20)
                elif error.args[0] != 2:
                    raise
        done += 1
        beat()

    def carry(stream):
        # Handles content and records. Returns True at the end of the stream.
        nonlocal left, taken
        while True:
            count = stream.readinto(out[: min(left, len(out)) or 3])
            if not count:
                return
            taken += count
            if left:
                left -= count
                if file.write(out[:count]) != count:
                    raise OSError(28)
                continue
            kind = out[0]
            data = bytearray(out[1] | out[2] << 8)
            if kind == 81:
                return True
            taken += stream.readinto(data)
            act(kind, data)

    def follow():
        nonlocal number, failed
        # The next message: 71 after a packet, 78 after an interrupt, 88 after damage.
        reply = 71
        interrupted = 0
        between = True
        while True:
            try:
                kbd_intr(3)
                if ready and not between:
                    # The interrupt may have overtaken the rest of a packet. The host sends nothing more before the answer.
                    while ready.poll(0):
                        if not stdin(view[:1]):
                            raise KeyboardInterrupt
                    between = True
                if failed:
                    say(69, done | torn)
                elif done:
                    say(68, done)
                if reply == 78:
                    # The message may be lost.
                    say(83, bits | bool(deflate) << 8)
                say(reply, number & 31 | taken << 5)
                while reply == 88:
                    fill(0, 1)
                view[0] = 255
                while view[0] == 255:
                    # On a line that loses bytes, padding follows each packet.
                    fill(0, 1)
                if interrupted and view[0] in b"\1\2\4\r\n":
                    # Another program wants the board; or this is the rest of a packet.
                    if between:
                        interrupted = 9
                    raise KeyboardInterrupt
                reply = 88
                fill(1, 4)
                size = view[1] & 127 | (view[2] & 127) << 7
                end = size + 8
                last = end + (view[3] & 127) * 2
                if last > len(view):
                    continue
                fill(4, last)
                while last > end:
                    last -= 2
                    view[view[last] & 127 | (view[last + 1] & 127) << 7] = 3
                if crc32(view[: size + 4]) != int.from_bytes(view[size + 4 : end], "little"):
                    continue
                reply = 71
                interrupted = 0
                kbd_intr(-1)
            except IndexError:
                continue
            except KeyboardInterrupt:
                interrupted += 1
                if interrupted > 8:
                    raise
                between = reply != 88
                reply = 78
                continue
            if (view[0] ^ number) & 31:
                # A repeated packet.
                continue
            if failed:
                if size == 3:
                    raise failed
                continue
            number += 1
            try:
                if not size:
                    # The host can't go on with the file.
                    leave()
                    continue
                if size < 2:
                    # A pause, for boards that collect garbage only between programs.
                    return 1
                stream = BytesIO(view[4 : size + 4])
                if view[0] & 64:
                    stream = deflate(stream, 1, bits + 2)
                if carry(stream):
                    return
            except Exception as error:
                failed = error

    def go():
        paused = 0
        try:
            paused = follow()
        finally:
            kbd_intr(3)
            if paused:
                sys.modules["_piton"] = go
            else:
                leave()

    found = set(space(folder) for folder in folders) - {None}
    if len(found) == 1:
        for room in found:
            say(86, room[0])
            say(87, min(room[1], 0xFFFFFF))
    say(83, bits | bool(deflate) << 8)
    go()

# Takes a stream of frames from the host and carries them out: docs/transfer.md describes both directions.
# `verify` reads each file back before it is renamed. `wait` is how many milliseconds of silence in the middle of a
# frame mean that bytes were lost. `folders` are those into which files go.
def _piton(verify, wait, folders):
    import gc
    import os
    import select
    import sys
    import time
    from micropython import kbd_intr
    from ubinascii import crc32

    try:
        from hashlib import sha256
    except ImportError:
        sha256 = None
    try:
        from deflate import DeflateIO
        from io import BytesIO
    except ImportError:
        DeflateIO = None
    rename = os.rename
    stdin = sys.stdin.buffer
    put = sys.stdout.buffer.write
    poller = select.poll()
    poller.register(sys.stdin, 1)
    gc.collect()
    free = gc.mem_free() >> 5
    bits = 9
    while bits < 13 and free >> bits + 1:
        bits += 1
    view = memoryview(bytearray((1 << bits) + 9))
    out = memoryview(bytearray(1 << bits))
    # Bytes taken and granted since the last synchronization; a grant is for `step` bytes, when no more than
    # `keep` are outstanding. When the last two grants went out.
    taken = granted = nonce = done = expected = last = before = 0
    keep = step = 128
    lossy = False
    file = part = path = digest = failed = None
    left = 0

    def say(kind, value):
        text = bytes((kind, value & 255, value >> 8 & 255, value >> 16 & 255))
        put(text + bytes((sum(text) & 255 ^ 90,)))

    def stop(tail):
        # Silence after what Piton or mpremote send to get the prompt.
        if bytes(tail) in (b"\x03", b"\x03\x03", b"\x03\x01", b"\r\x03", b"\r\x01"):
            raise KeyboardInterrupt

    def skip(until):
        # Take what comes up to these bytes, or up to a silence.
        tail = b""
        while tail != until:
            if not poller.poll(wait):
                stop(tail[-2:])
                return False
            tail = tail[-3:] + stdin.read(1)
            if tail == b"\x03\x03\x03\x03":
                raise KeyboardInterrupt
        return True

    def fill(at, end):
        nonlocal taken, granted, keep, step, last, before
        while at < end:
            if not poller.poll(wait if at else 1000):
                stop(view[max(at - 2, 0) : at])
                return False
            # A read returns when all of it is there: if that took long, some was lost and the host sent filling.
            began = time.ticks_ms()
            got = stdin.readinto(view[at : min(end, at + 32, at + granted - taken)])
            if not got or time.ticks_diff(time.ticks_ms(), began) > wait >> 1:
                return False
            at += got
            taken += got
            if granted - taken <= keep:
                if keep and not lossy:
                    # What the grant before the last was for is here. It takes 11 ms at 115200 baud.
                    now = time.ticks_ms()
                    if time.ticks_diff(now, before) < 8:
                        keep = 0
                        continue
                    before = last
                    last = now
                pause = 0
                if not keep and step < 3072 and not lossy:
                    # The first large steps: what the line holds while nobody reads is what it can hold.
                    step = 3072 if step == 2048 else 2048
                    pause = 25
                granted += step
                say(71, granted)
                if pause:
                    time.sleep_ms(pause)
        return True

    def space(folder):
        try:
            found = os.statvfs(folder or os.getcwd())
            return found[0], found[4]
        except (OSError, AttributeError):
            return None

    def write(data):
        nonlocal left
        left -= len(data)
        if left < 0:
            raise ValueError
        if digest:
            digest.update(data)
        if file.write(data) != len(data):
            raise OSError(28)

    def leave():
        nonlocal file, part
        if file:
            file.close()
            file = None
            os.remove(part)

    def act(kind, data):
        nonlocal file, part, path, digest, left, done, failed
        if kind == 70:
            left = int.from_bytes(data[:4], "little")
            path = str(data[4:], "utf8")
            part = path + ".piton-new"
            try:
                is_folder = os.stat(path)[0] & 0x4000
            except OSError:
                is_folder = 0
            if is_folder:
                raise OSError(21)
            room = space(path.rsplit("/", 1)[0] or "/" if "/" in path else "")
            if room and room[0] * room[1] < left:
                raise OSError(28)
            digest = sha256 and sha256()
            file = open(part, "wb")
        elif kind == 66:
            write(data)
        elif kind == 67:
            stream = DeflateIO(BytesIO(data), 1, bits + 2)
            while True:
                count = stream.readinto(out)
                if not count:
                    break
                write(out[:count])
        elif kind == 72:
            file.close()
            if verify and digest:
                digest = sha256()
                with open(part, "rb") as written:
                    while True:
                        count = written.readinto(out)
                        if not count:
                            break
                        digest.update(out[:count])
            if left or digest and digest.digest() != data:
                raise ValueError
            try:
                rename(part, path)
            except OSError as error:
                # A file system that does not rename onto a file: EPERM, EACCES or EEXIST.
                if error.args[0] not in (1, 13, 17):
                    raise
                os.remove(path)
                file = None
                rename(part, path)
            file = None
        elif kind == 65:
            leave()
        else:
            path = str(data, "utf8")
            try:
                (os.mkdir, os.remove, os.rmdir)[kind - 77](path)
            except OSError as error:
                # A folder that exists, or a name that is gone, is as it should be.
                if kind == 77:
                    if not os.stat(path)[0] & 0x4000:
                        raise OSError(20)
                elif error.args[0] != 2:
                    raise
        if kind > 69:
            if kind != 70:
                done += 1
                say(68, done)

    # For mount.py, should the files be on the host.
    sys.modules["_piton"] = None
    kbd_intr(-1)
    lives = 10
    lost = True
    try:
        spaces = set(space(folder) for folder in folders) - {None}
        if len(spaces) == 1:
            block, blocks = spaces.pop()
            say(86, block)
            say(87, min(blocks, 0xFFFFFF))
        say(83, bits | bool(DeflateIO) << 8 | bool(sha256) << 9)
        while True:
            if lost:
                lives -= 1
                if not lives:
                    raise OSError(110)
                nonce = nonce + 1 & 255
                # The four bytes that the host begins with count.
                taken = 4
                granted = keep + step if keep else step
                say(78, expected | nonce << 16)
                say(71, granted)
                if not poller.poll(1000) or not skip(bytes((165, 90, 150, nonce))):
                    continue
                lost = False
                last = before = time.ticks_ms()
            lost = True
            if fill(0, 5):
                size = view[3] | view[4] << 8
                if (
                    size <= len(out)
                    and fill(5, size + 9)
                    and crc32(view[: size + 5]) == int.from_bytes(view[size + 5 : size + 9], "little")
                    and view[1] | view[2] << 8 == expected
                ):
                    lost = False
                    expected = expected + 1 & 65535
                    lives = 10
                    if view[0] == 81:
                        if failed:
                            raise failed
                        return
                    if not failed:
                        try:
                            act(view[0], view[5 : size + 5])
                        except Exception as error:
                            failed = error
                            # The old file is removed and the new one not renamed.
                            say(69, done | (view[0] == 72 and not file) << 23)
                    continue
                if step > 2048:
                    step = 2048
                else:
                    keep = step = 128 if step > 128 else max(step // 4, 16)
                lossy = True
                skip(None)
    finally:
        try:
            leave()
            if lost:
                skip(None)
        finally:
            del sys.modules["_piton"]
            kbd_intr(3)

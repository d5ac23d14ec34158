# Sends files to the host as a stream of frames: docs/transfer.md describes both directions. The host requests damaged
# parts by a line of numbers: index of the file, offset, number of the next frame, number of the mark before it, longest content of a
# frame, number of frames until the next request (0 if none follows), sum of these.
def _piton(paths):
    import gc
    import os
    import select
    import sys
    from ubinascii import crc32

    try:
        from hashlib import sha256
    except ImportError:
        sha256 = None
    stdin = sys.stdin.buffer
    put = sys.stdout.buffer.write
    poller = select.poll()
    poller.register(sys.stdin, 1)
    gc.collect()
    free = gc.mem_free() >> 5
    room = 512
    while room < 4096 and free >= room * 2:
        room *= 2
    most = room
    view = memoryview(bytearray(room + 9))
    index = offset = number = burst = 0

    def frame(kind, size):
        nonlocal number
        view[0] = kind
        view[1] = number & 255
        view[2] = number >> 8
        view[3] = size & 255
        view[4] = size >> 8
        view[size + 5 : size + 9] = crc32(view[: size + 5]).to_bytes(4, "little")
        put(view[: size + 9])
        number = number + 1 & 65535

    def asked(wait):
        # Whether the host has requested a part, which is sent next. None: the host has everything.
        nonlocal index, offset, number, room, burst
        if not poller.poll(wait):
            return False
        try:
            # On a line that lost bytes, padding precedes the line.
            numbers = [int(text) for text in stdin.readline().strip(b"\xff").split()]
            if not numbers:
                return None
            # A line that was damaged is asked for again.
            if sum(numbers[:-1]) != numbers[-1]:
                return False
            index, offset, number, mark, room, burst = numbers[:-1]
            room = min(room, most)
        except ValueError:
            return False
        put(bytes((165, 90, 150, mark)))
        return True

    while True:
        if index == len(paths):
            frame(81, 0)
            found = False
            while not found:
                # A damaged request is followed by another one.
                if not poller.poll(10000):
                    raise OSError(110)
                found = asked(0)
                if found is None:
                    return
            continue
        path = paths[index]
        try:
            file = open(path, "rb")
        except OSError as error:
            try:
                if os.stat(path)[0] & 0x4000:
                    error = OSError(21)
            except (OSError, AttributeError):
                pass
            raise error
        try:
            digest = sha256 and sha256()
            if offset:
                left = offset
                while left:
                    count = file.readinto(view[: min(most, left)])
                    if not count:
                        raise OSError(5)
                    if digest:
                        digest.update(view[:count])
                    left -= count
            else:
                size = file.seek(0, 2)
                file.seek(0)
                view[5:9] = size.to_bytes(4, "little")
                frame(70, 4)
            found = False
            while not found:
                count = file.readinto(view[5 : room + 5])
                if not count:
                    break
                if digest:
                    digest.update(view[5 : count + 5])
                frame(66, count)
                # On a line that damages bytes, the board does not send far ahead of the host.
                burst -= 1
                found = asked(0 if burst else 10000)
            if found:
                continue
            if digest:
                view[5:37] = digest.digest()
            frame(72, 32 if digest else 0)
            index += 1
            offset = 0
        finally:
            file.close()

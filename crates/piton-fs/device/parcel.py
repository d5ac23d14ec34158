# Writes one file that fits into memory, as put.py does, which is shorter and for shorter ones. `inside` is its path if `path` is a folder. The content comes
# with the letters of `pair` for each 0x03, in `sent` bytes, or deflated in `packed` bytes if that is not 0. `digest` is its SHA-256:
# a file that has it is left alone; none, to write in any case.
# It says 0x06 and what it waits for ("z": deflated, "p": plain, "u": nothing, the file is there already), 0x06 when it has that,
# and prints as put.py does.
# Short: path inside size sent packed pair check bits data part file error
def _piton(path, inside, size, sent, packed, bits, pair, check, digest):
    import os
    import sys
    from io import BytesIO
    from ubinascii import crc32

    try:
        if os.stat(path)[0] & 0x4000:
            path = inside
        if digest and os.stat(path)[6] == size:
            from hashlib import sha256

            data = sha256()
            with open(path, "rb") as file:
                while True:
                    part = file.read(512)
                    if not part:
                        break
                    data.update(part)
            if data.digest() == digest:
                print(end="\6u")
                return print((path is inside, True))
    except OSError:
        pass
    if packed:
        try:
            from deflate import DeflateIO

            sent = packed
        except ImportError:
            packed = 0
    # Not enough memory shows before anything is sent.
    bytearray(size + sent * 2 + 2048)
    print(end="\6z" if packed else "\6p")
    data = sys.stdin.buffer.read(sent).replace(pair, b"\3")
    print(end="\6")
    if packed:
        data = DeflateIO(BytesIO(data), 1, bits).read(size)
    if crc32(data) != check:
        raise ValueError
    part = path + ".piton-new"
    try:
        with open(part, "wb") as file:
            file.write(data)
        with open(part, "rb") as file:
            for bits in range(0, size + 1, 512):
                if file.read(512) != data[bits : bits + 512]:
                    raise OSError(28)
        try:
            # FAT takes no notice of case: see send.py.
            os.stat(part.upper())
            try:
                os.stat(path)
            except OSError:
                os.rename(part, part[:-1] + "x")
                part = part[:-1] + "x"
        except OSError:
            pass
        os.rename(part, path)
    except OSError as error:
        try:
            os.remove(part)
        except OSError:
            pass
        raise error
    print((path is inside, False))

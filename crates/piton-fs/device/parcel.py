# Writes one file that fits into memory and arrived with this program: `data`, deflated if `bits` is not 0. `inside` is its path if
# `path` is a folder. An unchanged file is not written, unless `force`. Prints whether the file is in the
# folder, and whether it was unchanged.
# Short: data path inside size bits force part file same start error view room
def _piton(data, path, inside, size, bits, force):
    import os

    if bits:
        from deflate import DeflateIO
        from io import BytesIO

        data = DeflateIO(BytesIO(data), 1, bits).read(size)

    view = memoryview(data)
    room = bytearray(512)

    def same(part):
        try:
            with open(part, "rb") as file:
                for start in range(0, size + 1, 512):
                    # Slices of views take half the time of slices of bytes.
                    if room[: file.readinto(room)] != view[start : start + 512]:
                        return
                return True
        except OSError:
            pass

    try:
        if os.stat(path)[0] & 0x4000:
            path = inside
    except OSError:
        pass
    if not force and same(path):
        return print((path is inside, True))
    part = path + ".piton-new"
    try:
        with open(part, "wb") as file:
            file.write(data)
        if not same(part):
            raise OSError(28)
        try:
            # FAT is case-insensitive: see send.py.
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

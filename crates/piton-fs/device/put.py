# Writes one small file: one program and one answer. `inside` is its path if `path` is a folder. The content is sent unchanged, with
# the letters of `pair` for each 0x03. Prints whether the file is in the folder, and whether it was unchanged.
# Short: path inside size pair check force data part file error
def _piton(path, inside, size, pair, check, force):
    import os
    import sys
    from ubinascii import crc32

    print(end="\6")
    data = sys.stdin.buffer.read(size).replace(pair, b"\3")
    print(end="\6")
    if crc32(data) != check:
        raise ValueError
    try:
        if os.stat(path)[0] & 0x4000:
            path = inside
    except OSError:
        pass
    part = path + ".piton-new"
    try:
        with open(path, "rb") as file:
            if not force and file.read(size + 1) == data:
                part = None
    except OSError:
        pass
    if part:
        try:
            with open(part, "wb") as file:
                file.write(data)
            with open(part, "rb") as file:
                if file.read(size + 1) != data:
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
    print((path is inside, not part))

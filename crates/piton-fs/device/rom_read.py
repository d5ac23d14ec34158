# Prints the bytes of partition `number` from `start` to `end`: their number; the content by chunks, as bytes literals or
# base64, whichever is shorter; at last the number of bytes and the SHA-256 of them, if the board has it.
def _piton(number, start, end):
    import vfs

    rom = vfs.rom_ioctl(2, number)
    if isinstance(rom, int):
        raise OSError(-rom)
    device = hasattr(rom, "ioctl")
    if device:
        block = rom.ioctl(5, 0)
        room = memoryview(bytearray(256))
    else:
        rom = memoryview(rom)
    encode = None
    for name in "binascii", "ubinascii":
        try:
            module = __import__(name)
            # A binascii in Python takes more time than base64 saves.
            if not hasattr(module, "__file__"):
                encode = module.b2a_base64
        except ImportError:
            pass
    try:
        import hashlib

        digest = hashlib.sha256()
    except (ImportError, AttributeError):
        digest = None
    print(end - start)
    at = start
    while at < end:
        size = min(256, end - at)
        if device:
            size = min(size, block - at % block)
            rom.readblocks(at // block, room[:size], at % block)
            chunk = bytes(room[:size])
        else:
            chunk = bytes(rom[at : at + size])
            size = len(chunk)
            if not size:
                break
        at += size
        if digest:
            digest.update(chunk)
        text = repr(chunk)
        if encode and len(text) * 3 > len(chunk) * 4:
            print(str(encode(chunk), "ascii"), end="")
        else:
            print(text)
    print((at - start, digest and digest.digest()))

# Prints the partitions for romfs images: None on boards without them; else their number, and for each
# (size, block size, first bytes), or None for a missing one. A partition without a block size counts as one block.
def _piton(limit):
    try:
        from vfs import rom_ioctl
    except (ImportError, AttributeError):
        print("None")
        return
    count = rom_ioctl(1)
    found = []
    for number in range(min(count, limit)):
        rom = rom_ioctl(2, number)
        if isinstance(rom, int):
            found.append(None)
        elif hasattr(rom, "ioctl"):
            block = rom.ioctl(5, 0)
            head = bytearray(min(block, 12))
            rom.readblocks(0, head, 0)
            found.append((rom.ioctl(4, 0) * block, block, bytes(head)))
        else:
            rom = memoryview(rom)
            try:
                block = rom_ioctl(6, number)
            except (OSError, TypeError, ValueError):
                block = -1
            found.append((len(rom), block if block > 0 else len(rom), bytes(rom[:12])))
    print(repr((count, found)))

# Prints (file system, size, free, path) for each mounted file system, in bytes.
def _piton():
    import os

    statvfs = os.statvfs
    try:
        import vfs

        mounts = vfs.mount()
    except (ImportError, AttributeError, TypeError):
        # MicroPython before 1.25 cannot list the mounted file systems: each folder of the root may be one.
        mounts = []
        for name in [""] + os.listdir("/"):
            if os.stat("/" + name)[0] & 0x4000:
                mounts.append(("<unknown>", "/" + name))
    for filesystem, path in mounts:
        try:
            space = statvfs(path)
        except OSError:
            # A mounted folder of the host has no size.
            continue
        if space[2]:
            print((str(filesystem), space[0] * space[2], space[0] * space[3], path))

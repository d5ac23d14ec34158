# Prints the current folder, and the list of paths where file systems are mounted.
def _piton():
    import os

    try:
        import vfs

        mounts = [mount[1] for mount in vfs.mount()]
    except (ImportError, AttributeError, TypeError):
        # Before MicroPython 1.25 they cannot be asked for.
        mounts = []
        if hasattr(os, "ilistdir"):
            # The root lists a mounted file system as a folder without inode and size (extmod/vfs.c).
            for entry in os.ilistdir("/"):
                if len(entry) < 4 and entry[1] == 0x4000 and not entry[2]:
                    mounts.append("/" + entry[0])
        elif hasattr(os, "stat"):
            # CircuitPython
            import storage

            for name in os.listdir("/"):
                try:
                    storage.getmount("/" + name)
                    mounts.append("/" + name)
                except OSError:
                    pass
    print((os.getcwd() if hasattr(os, "getcwd") else "/", mounts))

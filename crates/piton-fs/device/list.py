# Prints the entries of a folder: one tuple (name, type, inode[, size]) per line, as os.ilistdir returns it.
# With `measure`, files whose size the port's ilistdir leaves out are measured by os.stat.
def _piton(path, measure):
    import os

    if hasattr(os, "ilistdir"):
        for entry in os.ilistdir(path) if path else os.ilistdir():
            if measure and len(entry) < 4 and entry[1] == 0x8000:
                entry += (os.stat((path.rstrip("/") + "/" if path else "") + entry[0])[6],)
            print(entry)
    elif hasattr(os, "stat"):
        # CircuitPython has no os.ilistdir.
        for name in os.listdir(path) if path else os.listdir():
            stat = os.stat((path.rstrip("/") + "/" if path else "") + name)
            print((name, stat[0] & 0xF000, 0, stat[6]))
    elif path.strip("/."):
        # The micro:bit has one folder, without a name.
        raise OSError(20 if path in os.listdir() else 2)
    else:
        for name in os.listdir():
            print((name, 0x8000, 0, os.size(name)))

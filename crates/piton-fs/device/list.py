# Prints what is in a folder: one tuple (name, type, inode[, size]) a line, as os.ilistdir gives it.
# `measure` asks for the size of files where the port's ilistdir leaves it out.
def _piton(path, measure):
    import os

    if hasattr(os, "ilistdir"):
        for entry in os.ilistdir(path) if path else os.ilistdir():
            if measure and len(entry) < 4 and entry[1] == 0x8000:
                entry += (os.stat((path.rstrip("/") + "/" if path else "") + entry[0])[6],)
            print(entry)
    elif hasattr(os, "stat"):
        # CircuitPython
        for name in os.listdir(path) if path else os.listdir():
            stat = os.stat((path.rstrip("/") + "/" if path else "") + name)
            print((name, stat[0] & 0xF000, 0, stat[6]))
    elif path.strip("/."):
        # micro:bit: one folder, without a name
        raise OSError(20 if path in os.listdir() else 2)
    else:
        for name in os.listdir():
            print((name, 0x8000, 0, os.size(name)))

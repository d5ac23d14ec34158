# Prints everything below a folder: the folder's path, then its entries as list.py prints them, then the
# same for each folder found on the way.
def _piton(path, measure):
    import os

    pending = [path]
    while pending:
        path = pending.pop()
        print(repr(path))
        inside = path.rstrip("/") + "/" if path else ""
        if hasattr(os, "ilistdir"):
            entries = os.ilistdir(path) if path else os.ilistdir()
        elif hasattr(os, "stat"):
            entries = ((name,) for name in (os.listdir(path) if path else os.listdir()))
        elif path.strip("/."):
            raise OSError(20 if path in os.listdir() else 2)
        else:
            inside = ""
            entries = ((name, 0x8000, 0, os.size(name)) for name in os.listdir())
        for entry in entries:
            name = inside + entry[0]
            if len(entry) < 2:
                stat = os.stat(name)
                entry += (stat[0] & 0xF000, 0, stat[6])
            elif measure and len(entry) < 4 and entry[1] == 0x8000:
                entry += (os.stat(name)[6],)
            if entry[1] == 0x4000:
                pending.append(name)
            print(entry)

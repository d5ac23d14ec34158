# Prints the trees below the roots, and the SHA-256 of files with the expected size.
# `wanted` has pairs of path and size; each path is `base` and the rest, as a root, or as a root and the rest with "/" between them.
# For each root it prints (index, mode, size), and then for each folder below it the folder's path from the root on, and
# one line for each entry: the short digest in base64 for a file of the wanted size, else (name, mode, size), with the
# size None for another file system, which is not entered. Wanted entries are printed by their number.
# With `flat`, nothing below the roots is listed, and `wanted` has a size for each root, or None for any.
# At last (block size, free blocks) of the file system of the first root, or None. Only with `measure`: a littlefs has to read all of
# its folders for that.
def _piton(roots, base, wanted, flat, measure=False):
    import os

    digest = None
    try:
        from hashlib import sha256 as digest
    except ImportError:
        pass
    encode = None
    for name in "ubinascii", "binascii":
        try:
            encode = encode or __import__(name).b2a_base64
        except ImportError:
            pass
    mounts = []
    try:
        import vfs

        mounts = [mount[1] for mount in vfs.mount()]
    except (ImportError, AttributeError, TypeError):
        pass
    if flat:
        wanted = zip(roots, wanted)
    numbers = {(base + path, size): number for number, (path, size) in enumerate(wanted)}
    here = os.getcwd() if hasattr(os, "getcwd") else "/"

    def stat(path):
        if hasattr(os, "stat"):
            found = os.stat(path or here)
            return found[0], found[6]
        if path.strip("/."):
            return 0x8000, os.size(path)
        return 0x4000, 0

    def space(path):
        try:
            found = os.statvfs(path or here)
            return found[0], found[4], found[2]
        except (OSError, AttributeError):
            return None

    def entry(path, name, mode, size):
        number = numbers.get((path, size), numbers.get((path, None)))
        if mode & 0x8000 and number is not None and digest and encode:
            found = digest()
            with open(path, "rb") as file:
                while True:
                    chunk = file.read(512)
                    if not chunk:
                        break
                    found.update(chunk)
            print(number, str(encode(found.digest()[:12]), "ascii"), end="")
        else:
            print((name, mode & 0xF000, size))

    for index, root in enumerate(roots):
        try:
            mode, size = stat(root)
        except OSError as error:
            if error.args[0] not in (2, 20) and str(error) != "file not found":
                raise
            continue
        print((index, mode & 0xF000, size))
        if not mode & 0x4000:
            entry(root, "", mode, size)
            continue
        pending = [] if flat else [root]
        while pending:
            folder = pending.pop()
            inside = folder.rstrip("/") + "/" if folder else ""
            print(repr(folder))
            if hasattr(os, "ilistdir"):
                entries = os.ilistdir(folder or here)
            else:
                entries = ((name,) for name in (os.listdir(folder or here) if hasattr(os, "stat") else os.listdir()))
            if not hasattr(os, "stat"):
                inside = ""
            for found in entries:
                name = found[0]
                path = inside + name
                if len(found) > 3 and not found[1] & 0x4000:
                    mode, size = found[1], found[3]
                else:
                    try:
                        mode, size = stat(path)
                    except OSError:
                        # A broken link.
                        continue
                if mode & 0x4000:
                    whole = path if path[:1] == "/" else here.rstrip("/") + "/" + path
                    if whole in mounts or not mounts and folder in ("", "/") and space(path) != space(folder):
                        size = None
                    else:
                        size = 0
                        pending.append(path)
                entry(path, name, mode, size)
    print((measure and space(roots[0]) or (None,) * 3)[:2])

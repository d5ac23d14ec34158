# Prints whether `path` is a folder, and the SHA-256 of the file `path`, or of `inside` in that folder, if it has this size.
# Short: path inside size view
def _piton(path, inside, size):
    import os
    from hashlib import sha256

    digest = None
    try:
        if os.stat(path)[0] & 0x4000:
            path = inside
        if os.stat(path)[6] == size:
            digest = sha256()
            view = memoryview(bytearray(4096 if size > 4096 else size))
            with open(path, "rb") as file:
                while True:
                    count = file.readinto(view)
                    if not count:
                        break
                    digest.update(view[:count])
            digest = digest.digest()
    except OSError:
        digest = None
    print((path is inside, digest))

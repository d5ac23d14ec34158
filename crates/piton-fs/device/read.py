# Prints a file: its size if that is known beforehand; its content by chunks, as bytes literals or base64,
# whichever is shorter; at last the number of bytes and the SHA-256 of them, if the board has it.
def _piton(path):
    import os

    if hasattr(os, "stat"):
        stat = os.stat(path)
        if stat[0] & 0x4000:
            raise OSError(21)
        print(stat[6])
    else:
        print(os.size(path) if hasattr(os, "size") else None)
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
    total = 0
    with open(path, "rb") as file:
        while True:
            chunk = file.read(256)
            if not chunk:
                break
            total += len(chunk)
            if digest:
                digest.update(chunk)
            text = repr(chunk)
            if encode and len(text) * 3 > len(chunk) * 4:
                print(str(encode(chunk), "ascii"), end="")
            else:
                print(text)
    print((total, digest and digest.digest()))

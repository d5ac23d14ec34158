# Opens a file for writing and prints (in place, takes base64, free memory). In place means that the board
# cannot rename: then the file is written under its own name.
# Leaves a global function _piton behind that takes the content: bytes, or base64 as str. Given 0 it prints how
# many bytes the file has. Given a tuple (size, SHA-256, sum of the bytes) of all, it checks the content of the file,
# renames it and prints the outcome, as `Outcome` in write.rs reads it. Given None it gives up.
def _piton(path, part, folder, size):
    global _piton
    import os

    try:
        is_folder = os.stat(path)[0] & 0x4000
    except (OSError, AttributeError):
        is_folder = False
    if is_folder:
        raise OSError(21)
    try:
        space = os.statvfs(folder or os.getcwd())
        full = space[0] * space[4] < size
    except (OSError, AttributeError):
        full = False
    if full:
        raise OSError(28)
    in_place = not hasattr(os, "rename")
    if in_place:
        part = path
    decode = None
    for name in "binascii", "ubinascii":
        try:
            module = __import__(name)
            # A binascii in Python takes more time than base64 saves.
            if not hasattr(module, "__file__"):
                decode = module.a2b_base64
        except ImportError:
            pass
    file = open(part, "wb")
    total = 0

    def take(data):
        nonlocal total
        if data == 0:
            print(total)
        elif data is None:
            file.close()
            os.remove(part)
        elif isinstance(data, tuple):
            file.close()
            print(repr(finish(*data)))
        else:
            if isinstance(data, str):
                data = decode(data)
            if file.write(data) != len(data):
                raise OSError(28)
            total += len(data)

    def finish(expected_size, expected_digest, expected_sum):
        try:
            from hashlib import sha256

            digest = sha256()
        except ImportError:
            digest = None
        size = found_sum = 0
        with open(part, "rb") as written:
            while True:
                chunk = written.read(256)
                if not chunk:
                    break
                size += len(chunk)
                if digest:
                    digest.update(chunk)
                else:
                    found_sum += sum(chunk)
        outcome = None
        if size != expected_size:
            outcome = {"Size": size}
        elif digest:
            digest = digest.digest()
            if digest != expected_digest:
                outcome = {"Content": digest}
        elif found_sum != expected_sum:
            outcome = {"Sum": found_sum}
        if outcome:
            os.remove(part)
            return outcome
        if in_place:
            return "Done"
        try:
            os.rename(part, path)
        except OSError as error:
            # A file system that does not rename onto a file: EPERM, EACCES or EEXIST.
            if error.args[0] not in (1, 13, 17):
                raise
            os.remove(path)
            try:
                os.rename(part, path)
            except OSError as error:
                return {"Part": error.args[0]}
        return "Done"

    _piton = take
    gc_free = None
    try:
        import gc

        gc.collect()
        gc_free = gc.mem_free()
    except (ImportError, AttributeError):
        pass
    print((in_place, decode is not None, gc_free))

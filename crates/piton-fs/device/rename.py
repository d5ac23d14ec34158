# Moves a file or folder. Where the board cannot rename from one file system to another, a file is copied and then
# removed. A board without os.rename raises AttributeError before anything else.
def _piton(source, destination):
    import os

    os.rename

    def names(path):
        if not path.startswith("/") and hasattr(os, "getcwd"):
            path = os.getcwd() + "/" + path
        found = []
        for name in path.split("/"):
            if name == "..":
                found = found[:-1]
            elif name not in ("", "."):
                found.append(name)
        return found

    def is_folder(path):
        return os.stat(path)[0] & 0x4000

    def copy(part):
        with open(source, "rb") as file:
            target = open(part, "wb")
            try:
                try:
                    size = 0
                    while True:
                        chunk = file.read(256)
                        if not chunk:
                            break
                        if target.write(chunk) != len(chunk):
                            raise OSError(28)
                        size += len(chunk)
                finally:
                    target.close()
                with open(part, "rb") as written:
                    while True:
                        chunk = written.read(256)
                        if not chunk:
                            break
                        size -= len(chunk)
                if size:
                    raise OSError(5)
            except BaseException:
                os.remove(part)
                raise

    # Renames, onto a file too. FAT does not: EPERM, EACCES or EEXIST.
    def put(source):
        try:
            os.rename(source, destination)
            return
        except OSError as error:
            refusal = error
        try:
            if is_folder(destination):
                raise refusal
        except OSError:
            # The destination does not exist.
            raise refusal
        aside = destination + ".piton-old"
        os.rename(destination, aside)
        try:
            os.rename(source, destination)
        except BaseException:
            os.rename(aside, destination)
            raise
        os.remove(aside)

    old = names(source)
    if names(destination)[: len(old)] == old:
        # A file onto itself, or a folder into itself.
        raise OSError(22)
    # Raises the error of the path that is missing.
    os.stat(source)
    try:
        put(source)
    except OSError as error:
        # Renaming to another file system fails with EPERM.
        if error.args[0] != 1:
            raise
        if is_folder(source):
            raise OSError(18)
        part = destination + ".piton-new"
        copy(part)
        try:
            put(part)
        except BaseException:
            os.remove(part)
            raise
        os.remove(source)

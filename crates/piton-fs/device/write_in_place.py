# The counterpart of write.py for boards that cannot rename and have little memory (micro:bit): one folder, no base64, no SHA-256.
# The file is written under its own name, `path`; the other arguments are for write.py.
def _piton(path, part, folder, size):
    global _piton
    file = open(path, "wb")
    total = 0

    def take(data):
        nonlocal total
        if data == 0:
            print(total)
        elif data is None:
            import os

            file.close()
            os.remove(path)
        elif isinstance(data, tuple):
            file.close()
            print(finish(data[0], data[2]))
        else:
            if file.write(data) != len(data):
                raise OSError(28)
            total += len(data)

    def finish(expected_size, expected_sum):
        size = found_sum = 0
        with open(path, "rb") as written:
            while True:
                chunk = written.read(64)
                if not chunk:
                    break
                size += len(chunk)
                found_sum += sum(chunk)
        if size != expected_size:
            outcome = {"Size": size}
        elif found_sum != expected_sum:
            outcome = {"Sum": found_sum}
        else:
            return "'Done'"
        take(None)
        return outcome

    _piton = take
    print((True, False, None))



# Two FAT file systems, which do not rename into one another.
import os
import vfs


class Disk:
    def __init__(self):
        self.data = bytearray(128 * 512)

    def readblocks(self, number, buffer, offset=0):
        start = number * 512 + offset
        buffer[:] = self.data[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=0):
        start = number * 512 + offset
        self.data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        return {4: 128, 5: 512, 6: 0}.get(operation)


def put(path, content):
    with open(path, "wb") as file:
        file.write(content)


def check(path, content):
    with open(path, "rb") as file:
        assert file.read() == content, path


def refused(number, source, destination):
    try:
        _piton(source, destination)
    except OSError as error:
        assert error.args[0] == number, error
    else:
        assert False, source


for name in "/one", "/two":
    disk = Disk()
    vfs.VfsFat.mkfs(disk)
    vfs.mount(disk, name)
os.chdir("/one")

put("a", b"new")
put("b", b"old")
_piton("a", "b")
check("b", b"new")
_piton("b", "B")
check("B", b"new")
assert os.listdir() == ["B"], os.listdir()
os.mkdir("folder")
refused(22, "folder", "folder/deeper")
refused(22, "folder", "/one/folder")
put("c", b"c")
refused(21, "c", "folder")

put("/two/B", b"old")
_piton("B", "/two/B")
check("/two/B", b"new")
_piton("/two/B", "back")
check("back", b"new")
refused(18, "folder", "/two/folder")
refused(2, "nothing", "/two/nothing")

# A file that does not fit leaves all as it was.
put("/two/full", bytes(40000))
put("large", bytes(10000))
put("/two/large", b"old")
refused(28, "large", "/two/large")
check("/two/large", b"old")
check("large", bytes(10000))
assert sorted(os.listdir("/two")) == ["full", "large"], os.listdir("/two")
assert sorted(os.listdir()) == ["back", "c", "folder", "large"], os.listdir()
print("done")

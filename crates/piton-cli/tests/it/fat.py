# FAT drives as a board makes and reads them, for `fat.rs`: MicroPython's own file system over images in memory.
#
# Orders come on stdin, a letter each, numbers as 32 bits, little-endian; texts and bytes with their length before them.
import hashlib
import struct
import sys
import vfs

SECTOR = 512


class Drive:
    def __init__(self, data):
        self.data = data

    def readblocks(self, block, buf, offset=0):
        at = block * SECTOR + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * SECTOR + offset
        self.data[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // SECTOR
        if op == 5:
            return SECTOR
        return 0


def number():
    return struct.unpack("<I", sys.stdin.buffer.read(4))[0]


def content():
    size = number()
    return sys.stdin.buffer.read(size) if size else b""


def digest(fs, path, size):
    # The size of the folder's entry is what counts, whether or not that much can be read.
    try:
        with fs.open(path, "rb") as f:
            data = f.read()
    except OSError as e:
        return "error%d" % e.errno
    if len(data) != size:
        return "short%d" % len(data)
    return "".join("%02x" % b for b in hashlib.sha256(data).digest())


def survey(fs, folder, depth, lines):
    try:
        for entry in fs.ilistdir(folder):
            path = folder + "/" + entry[0]
            shown = "".join(c if "!" <= c <= "~" else "?" for c in path[1:])
            if entry[1] != 0x4000:
                lines.append("%s\t%s" % (shown, digest(fs, path, entry[3])))
            elif depth > 6:
                lines.append("%s/\tdeep" % shown)
            else:
                lines.append("%s/\t" % shown)
                survey(fs, path, depth + 1, lines)
    except OSError as e:
        lines.append("%s/?\terror%d" % (folder[1:], e.errno))


def states():
    known = {}
    drive = fs = None
    while True:
        order = sys.stdin.buffer.read(1)
        if order == b"N":
            # A new drive of so many bytes, with an empty file system.
            drive = Drive(bytearray(number()))
            vfs.VfsFat.mkfs(drive)
            fs = vfs.VfsFat(drive)
        elif order == b"I":
            # A drive with this image.
            drive = Drive(bytearray(content()))
            fs = vfs.VfsFat(drive)
        elif order == b"D":
            fs.mkdir(content().decode())
        elif order == b"F":
            path = content().decode()
            with fs.open(path, "wb") as f:
                f.write(content())
        elif order == b"L":
            # A file that leaves so many bytes free.
            block, _, _, free = fs.statvfs("")[:4]
            with fs.open("FULL.BIN", "wb") as f:
                for _ in range(free - number() // block):
                    f.write(bytes(block))
        elif order == b"T":
            # An empty file, if its folder has room for one.
            try:
                fs.open(content().decode(), "wb").close()
            except OSError:
                pass
        elif order == b"R":
            fs.remove(content().decode())
        elif order == b"W":
            # Sectors from a number on get these bytes.
            drive.writeblocks(number(), content())
        elif order == b"S":
            # What is there: its number, and what it is where it has none yet.
            lines = []
            survey(vfs.VfsFat(drive), "", 0, lines)
            lines.sort()
            text = "\n".join(lines)
            if text not in known:
                known[text] = len(known)
                print("+\n%s\n" % text)
            else:
                print("=%d\n" % known[text])
        elif order == b"O":
            sys.stdout.buffer.write(drive.data)
        else:
            return


states()

# Replaces vfs.rom_ioctl, so that there are partitions in memory: 0 that is seen as bytes, 1 a block device, 2 that is
# not there. Names begin with _ because mpremote makes global names of its own.
import sys
import vfs as _real


class _Device:
    def __init__(self):
        self.bytes = bytearray(b"\xff" * 131072)

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.bytes) // 4096
        if operation == 5:
            return 4096
        if operation == 6:
            self.bytes[argument * 4096 : (argument + 1) * 4096] = b"\xff" * 4096
            return 0

    def readblocks(self, block, into, offset=0):
        start = block * 4096 + offset
        into[:] = self.bytes[start : start + len(into)]

    def writeblocks(self, block, data, offset=0):
        start = block * 4096 + offset
        # Flash that was not erased.
        if any(byte != 255 for byte in self.bytes[start : start + len(data)]):
            raise OSError(5)
        self.bytes[start : start + len(data)] = data


class _Vfs:
    def __getattr__(self, name):
        if name == "rom_ioctl":
            raise AttributeError(name)
        return getattr(_real, name)


_bytes = bytearray(b"\xff" * 100000)
_device = _Device()
_partitions = [memoryview(_bytes), _device, -19]
# What a call answers, instead of doing what it should.
_answers = {}
_in_steps = False
# After so many writes the next one fails.
_writes_left = 1000


def _rom_ioctl(operation, number=0, *rest):
    global _writes_left
    if operation in _answers:
        return _answers[operation]
    if operation == 1:
        return len(_partitions)
    if operation == 2:
        return _partitions[number] if number < len(_partitions) else -22
    if operation == 3:
        start = rest[0] if len(rest) == 2 else 0
        end = min((start + rest[-1] + 4095) // 4096 * 4096, len(_bytes))
        _bytes[start:end] = b"\xff" * (end - start)
        return 16
    if operation == 4:
        start, data = rest
        if not _writes_left:
            return -5
        _writes_left -= 1
        if any(byte != 255 for byte in _bytes[start : start + len(data)]):
            return -5
        _bytes[start : start + len(data)] = data
        return 0
    if operation == 5:
        return 0
    if operation == 6 and _in_steps:
        return 8192
    return -22


def _off():
    del _vfs.rom_ioctl


_vfs = _Vfs()
_vfs.rom_ioctl = _rom_ioctl
sys.modules["vfs"] = _vfs

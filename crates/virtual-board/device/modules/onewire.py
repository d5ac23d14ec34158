# The onewire module of the virtual board: on every pin there is one thermometer, as the DS18B20.
about = "pretended: on every pin hangs one DS18B20, at 21.5 degrees"


class OneWireError(Exception):
    pass


def _crc8(data):
    crc = 0
    for byte in data:
        for _ in range(8):
            mixed = (crc ^ byte) & 1
            crc = crc >> 1 ^ (0x8C if mixed else 0)
            byte >>= 1
    return crc


_SERIAL = b"\x28\x56\x42\x00\x00\x00\x01"
_ROM = _SERIAL + bytes([_crc8(_SERIAL)])


class OneWire:
    SEARCH_ROM = const(0xF0)
    MATCH_ROM = const(0x55)
    SKIP_ROM = const(0xCC)

    def __init__(self, pin):
        self.pin = pin
        # 21.5 degrees in sixteenths; alarms and resolution as from the factory.
        self._scratch = bytearray(b"\x58\x01\x4b\x46\x7f\xff\x0c\x10")
        self._answer = b""
        self._skip = 0
        self._write_at = None
        self._listens = False

    def reset(self, required=False):
        self._listens = False
        self._skip = 0
        self._answer = b""
        self._write_at = None
        return True

    def readbit(self):
        return 1

    def writebit(self, value):
        pass

    def readbyte(self):
        # No device pulls the line down when there is nothing to say.
        byte = self._answer[0] if self._answer else 0xFF
        self._answer = self._answer[1:]
        return byte

    def readinto(self, buf):
        for at in range(len(buf)):
            buf[at] = self.readbyte()

    def writebyte(self, value, *power):
        if self._skip:
            self._skip -= 1
        elif self._write_at is not None:
            if self._write_at < 5:
                self._scratch[self._write_at] = value
                self._write_at += 1
        elif not self._listens:
            self._listens = True
            if value == OneWire.MATCH_ROM:
                self._skip = 8
            elif value == 0x33:
                self._answer = _ROM
        elif value == 0xBE:
            self._answer = bytes(self._scratch) + bytes([_crc8(self._scratch)])
        elif value == 0x4E:
            self._write_at = 2

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(OneWire.MATCH_ROM)
        self.write(rom)

    def scan(self):
        return [bytearray(_ROM)]

    def crc8(self, data):
        return _crc8(data)

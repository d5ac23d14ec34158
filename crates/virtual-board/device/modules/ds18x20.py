# The driver of DS18B20 thermometers, over the onewire module.
import onewire

about = "a driver for what hangs on the pins of the virtual board: see onewire"

_CONVERT = const(0x44)
_READ = const(0xBE)
_WRITE = const(0x4E)


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in (0x10, 0x22, 0x28)]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(_CONVERT)

    def read_scratch(self, rom):
        buf = bytearray(9)
        self.ow.select_rom(rom)
        self.ow.writebyte(_READ)
        self.ow.readinto(buf)
        if self.ow.crc8(buf):
            raise Exception("CRC error")
        return buf

    def write_scratch(self, rom, buf):
        self.ow.select_rom(rom)
        self.ow.writebyte(_WRITE)
        self.ow.write(buf)

    def read_temp(self, rom):
        scratch = self.read_scratch(rom)
        sixteenths = scratch[1] << 8 | scratch[0]
        if sixteenths & 0x8000:
            sixteenths -= 0x10000
        return sixteenths / 16

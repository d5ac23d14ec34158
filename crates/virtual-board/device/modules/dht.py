# The dht module of the virtual board: a room that never changes.
about = "pretended: 22 degrees and 48 % of a DHT11, 21.5 degrees and 47.8 % of a DHT22"


class DHTBase:
    def __init__(self, pin):
        self.pin = pin
        self.buf = bytearray(5)

    def measure(self):
        for at, byte in enumerate(self._measured):
            self.buf[at] = byte
        self.buf[4] = sum(self.buf[:4]) & 0xFF


class DHT11(DHTBase):
    _measured = (48, 0, 22, 0)

    def humidity(self):
        return self.buf[0]

    def temperature(self):
        return self.buf[2]


class DHT22(DHTBase):
    _measured = (1, 222, 0, 215)

    def humidity(self):
        return (self.buf[0] << 8 | self.buf[1]) / 10

    def temperature(self):
        tenths = (self.buf[2] & 0x7F) << 8 | self.buf[3]
        return (-tenths if self.buf[2] & 0x80 else tenths) / 10

# Buses of the virtual board, with something on them: a part of its machine module.
import io


def _bytes(buf):
    # Drivers take text for its bytes.
    return buf.encode() if isinstance(buf, str) else bytes(buf)


class _Memory24:
    # A memory chip with 256 bytes, as the 24C02: a write begins with the address.
    def __init__(self):
        self.at = 0
        self.cells = bytearray(256)

    def write(self, data):
        if data:
            self.at = data[0]
            for byte in data[1:]:
                self.cells[self.at] = byte
                self.at = (self.at + 1) & 255

    def read_into(self, buf):
        for i in range(len(buf)):
            buf[i] = self.cells[self.at]
            self.at = (self.at + 1) & 255


class I2C:
    # On every bus there is the same memory chip.
    _devices = {0x50: _Memory24()}

    def __init__(self, id=-1, *, scl=None, sda=None, freq=400000, timeout=50000):
        self._name = "I2C({}, freq={})".format(id, freq)

    def init(self, *, scl=None, sda=None, freq=400000):
        pass

    def deinit(self):
        pass

    def __repr__(self):
        return self._name

    def _device(self, addr):
        device = I2C._devices.get(addr)
        if device is None:
            raise OSError(5)  # EIO, as when no device acknowledges
        return device

    def scan(self):
        return sorted(I2C._devices)

    def readfrom_into(self, addr, buf, stop=True):
        self._device(addr).read_into(buf)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto(self, addr, buf, stop=True):
        data = _bytes(buf)
        self._device(addr).write(data)
        return len(data)

    def writevto(self, addr, vector, stop=True):
        return self.writeto(addr, b"".join([_bytes(part) for part in vector]))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes([memaddr & 255]))
        self.readfrom_into(addr, buf)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes([memaddr & 255]) + _bytes(buf))


class SoftI2C(I2C):
    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        super().__init__(-1, freq=freq)


class SPI:
    MSB = const(0)
    LSB = const(1)
    CONTROLLER = const(0)

    def __init__(self, id=-1, baudrate=1000000, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck=None, mosi=None, miso=None):
        self._name = "SPI({}, baudrate={}, polarity={}, phase={}, bits={})".format(
            id, baudrate, polarity, phase, bits
        )

    def init(self, baudrate=1000000, **kwargs):
        pass

    def deinit(self):
        pass

    def __repr__(self):
        return self._name

    # MISO is wired to MOSI.

    def read(self, nbytes, write=0):
        return bytes([write]) * nbytes

    def readinto(self, buf, write=0):
        for i in range(len(buf)):
            buf[i] = write

    def write(self, buf):
        pass

    def write_readinto(self, write_buf, read_buf):
        data = _bytes(write_buf)
        if len(data) != len(read_buf):
            raise ValueError("buffers must be the same length")
        read_buf[:] = data


class SoftSPI(SPI):
    def __init__(self, baudrate=500000, **kwargs):
        super().__init__(-1, baudrate)


class UART(io.IOBase):
    INV_TX = const(1)
    INV_RX = const(2)
    RTS = const(1)
    CTS = const(2)
    IRQ_RX = const(1)
    IRQ_RXIDLE = const(2)
    IRQ_TXIDLE = const(4)

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **kwargs):
        self._name = "UART({}, baudrate={}, bits={}, parity={}, stop={})".format(
            id, baudrate, bits, parity, stop
        )
        self._received = bytearray()
        self._handler = None

    def init(self, baudrate=115200, **kwargs):
        pass

    def deinit(self):
        pass

    def __repr__(self):
        return self._name

    # RX is wired to TX.

    def any(self):
        return len(self._received)

    def write(self, buf):
        data = _bytes(buf)
        self._received.extend(data)
        if self._handler is not None:
            self._handler(self)
        return len(data)

    def read(self, nbytes=-1):
        if nbytes < 0:
            nbytes = len(self._received)
        data = bytes(self._received[:nbytes])
        self._received = self._received[len(data) :]
        return data or None

    def readinto(self, buf, nbytes=-1):
        data = self.read(len(buf) if nbytes < 0 else min(nbytes, len(buf)))
        if data:
            buf[: len(data)] = data
            return len(data)

    def readline(self):
        end = self._received.find(b"\n")
        return self.read(end + 1 if end >= 0 else -1)

    def flush(self):
        pass

    def txdone(self):
        return True

    def sendbreak(self):
        pass

    def irq(self, handler=None, trigger=0, hard=False):
        self._handler = handler

    def ioctl(self, request, argument):
        # Polled: there is always room to send.
        if request != 3:
            return 0
        return argument & (5 if self._received else 4)

# The machine module of the virtual board: pins that remember, buses with something on them, timers that
# fire. See "What the hardware does" in the documentation of the crate.
import struct
import sys
import time

_control = open("/.virtual-board/control", "r+b")

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

_MAX_TIME = const(0x7FFFFFFF)
_frequency = 125000000


def _command(letter, number):
    _control.write(letter + int(number).to_bytes(4, "little"))


# The board


def unique_id():
    _control.write(b"u")
    return _control.read(255)


def reset_cause():
    _control.write(b"c")
    return _control.read(1)[0]


def wake_reason():
    return 0


def reset():
    _control.write(b"r")


def soft_reset():
    raise SystemExit


def bootloader(timeout_ms=0):
    _control.write(b"l")


def freq(hz=None):
    global _frequency
    if hz is None:
        return _frequency
    _frequency = int(hz)


def idle():
    time.sleep_ms(1)


def lightsleep(time_ms=None):
    while time_ms is None:
        time.sleep_ms(_MAX_TIME)
    time.sleep_ms(time_ms)


def deepsleep(time_ms=None):
    lightsleep(time_ms)
    _control.write(b"d")


def disable_irq():
    return True


def enable_irq(state=True):
    pass


def time_pulse_us(pin, pulse_level, timeout_us=1000000):
    # Nothing outside moves a pin: wait for the pulse in vain.
    time.sleep_us(min(timeout_us, 1000))
    return -2 if pin.value() != pulse_level else -1


class _Memory:
    def __init__(self, bits):
        self._mask = (1 << bits) - 1
        self._cells = {}

    def __getitem__(self, address):
        return self._cells.get(address, 0)

    def __setitem__(self, address, value):
        self._cells[address] = value & self._mask


mem8 = _Memory(8)
mem16 = _Memory(16)
mem32 = _Memory(32)


# Pins


class _Wire:
    # What all Pin objects of one pin share.
    def __init__(self, name):
        self.name = name
        self.level = 0
        self.mode = 0
        self.pull = None
        self.handler = None
        self.trigger = 0
        self.flags = 0
        self.analog = 32768


class _PinIrq:
    def __init__(self, wire):
        self._wire = wire

    def flags(self):
        return self._wire.flags

    def trigger(self, trigger=None):
        before = self._wire.trigger
        if trigger is not None:
            self._wire.trigger = trigger
        return before


class Pin:
    IN = const(0)
    OUT = const(1)
    OPEN_DRAIN = const(2)
    ALT = const(3)
    ANALOG = const(4)
    PULL_UP = const(1)
    PULL_DOWN = const(2)
    PULL_HOLD = const(4)
    IRQ_LOW_LEVEL = const(1)
    IRQ_HIGH_LEVEL = const(2)
    IRQ_FALLING = const(4)
    IRQ_RISING = const(8)
    DRIVE_0 = const(0)
    DRIVE_1 = const(1)
    DRIVE_2 = const(2)
    DRIVE_3 = const(3)

    _wires = {}

    def __init__(self, id, *args, **kwargs):
        if isinstance(id, Pin):
            id = id._wire.name
        if not isinstance(id, (int, str)) or isinstance(id, int) and id < 0:
            raise ValueError("invalid pin")
        if id not in Pin._wires:
            Pin._wires[id] = _Wire(id)
        self._wire = Pin._wires[id]
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, alt=-1):
        wire = self._wire
        if value is not None:
            self.value(value)
        if mode != -1:
            if mode not in (0, 1, 2, 3, 4):
                raise ValueError("invalid pin mode")
            wire.mode = mode
        if pull != -1:
            wire.pull = pull
            # Nothing but the pull resistor holds an input.
            if wire.mode == Pin.IN and pull in (Pin.PULL_UP, Pin.PULL_DOWN):
                wire.level = int(pull == Pin.PULL_UP)

    def value(self, x=None):
        wire = self._wire
        if x is None:
            return wire.level
        before = wire.level
        wire.level = int(bool(x))
        if wire.level != before:
            self._edge(Pin.IRQ_RISING if wire.level else Pin.IRQ_FALLING)

    def _edge(self, flags):
        wire = self._wire
        if wire.handler is not None and wire.trigger & flags:
            wire.flags = flags
            wire.handler(self)

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def high(self):
        self.value(1)

    def low(self):
        self.value(0)

    def toggle(self):
        self.value(not self._wire.level)

    def mode(self, mode=None):
        if mode is None:
            return self._wire.mode
        self.init(mode)

    def pull(self, pull=-1):
        if pull == -1:
            return self._wire.pull
        self.init(pull=pull)

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, *, priority=1, wake=None, hard=False):
        self._wire.handler = handler
        self._wire.trigger = trigger
        return _PinIrq(self._wire)

    def __repr__(self):
        modes = ("IN", "OUT", "OPEN_DRAIN", "ALT", "ANALOG")
        return "Pin({}, mode={})".format(self._wire.name, modes[self._wire.mode])


class Signal:
    def __init__(self, pin, *args, invert=False, **kwargs):
        self._pin = pin if hasattr(pin, "value") else Pin(pin, *args, **kwargs)
        self._invert = bool(invert)

    def value(self, x=None):
        if x is None:
            return self._pin.value() ^ self._invert
        self._pin.value(bool(x) ^ self._invert)

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class ADC:
    CORE_TEMP = const(4)
    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)

    def __init__(self, id, *, sample_ns=0, atten=ATTN_11DB):
        # A channel number and a pin are different things to a board, and the same here.
        self._wire = Pin(id)._wire

    def init(self, *, sample_ns=0, atten=ATTN_11DB):
        pass

    def atten(self, atten):
        pass

    def read_u16(self):
        wire = self._wire
        if wire.mode == Pin.OUT:
            return 65535 if wire.level else 0
        return wire.analog

    def read(self):
        return self.read_u16() >> 4

    def read_uv(self):
        return self.read_u16() * 3300000 // 65535


class PWM:
    def __init__(self, dest, *, freq=None, duty_u16=None, duty_ns=None, invert=False):
        self._pin = Pin(dest)
        self._freq = 0
        self._duty = 0
        self.init(freq=freq, duty_u16=duty_u16, duty_ns=duty_ns, invert=invert)

    def init(self, *, freq=None, duty_u16=None, duty_ns=None, invert=False):
        if freq is not None:
            self.freq(freq)
        if duty_u16 is not None:
            self.duty_u16(duty_u16)
        if duty_ns is not None:
            self.duty_ns(duty_ns)

    def deinit(self):
        self._duty = 0

    def freq(self, value=None):
        if value is None:
            return self._freq
        if value <= 0:
            raise ValueError("freq too small")
        self._freq = int(value)

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self._duty = max(0, min(int(value), 65535))

    def duty_ns(self, value=None):
        period = 1000000000 // self._freq if self._freq else 0
        if value is None:
            return period * self._duty // 65535
        if not period:
            raise ValueError("freq not set")
        self.duty_u16(min(value, period) * 65535 // period)

    def __repr__(self):
        return "PWM({}, freq={}, duty_u16={})".format(self._pin, self._freq, self._duty)


# Time


class Timer:
    ONE_SHOT = const(0)
    PERIODIC = const(1)

    _active = []

    def __init__(self, id=-1, *args, **kwargs):
        self._callback = None
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(self, mode=PERIODIC, freq=-1, period=-1, callback=None, tick_hz=1000, hard=False):
        self.deinit()
        if freq != -1:
            period = 1000 / freq
        else:
            period = period * 1000 / tick_hz
        if not 0 < period < _MAX_TIME // 2:
            raise ValueError("invalid period")
        self._period = max(1, int(period))
        self._repeats = mode == Timer.PERIODIC
        self._callback = callback
        self._due = time.ticks_add(time.ticks_ms(), self._period)
        Timer._active.append(self)
        _set_alarm()

    def deinit(self):
        if self in Timer._active:
            Timer._active.remove(self)
            _set_alarm()

    def _fire(self):
        if self._repeats:
            # Without drift; what was missed is missed.
            now = time.ticks_ms()
            while time.ticks_diff(self._due, now) <= 0:
                self._due = time.ticks_add(self._due, self._period)
        else:
            Timer._active.remove(self)
        if self._callback is not None:
            self._callback(self)


def _set_alarm():
    now = time.ticks_ms()
    waits = [time.ticks_diff(timer._due, now) for timer in Timer._active]
    _command(b"t", max(0, min(waits)) if waits else 0xFFFFFFFF)


def _run_timers():
    # Called by the host when the first timer is due.
    try:
        for timer in list(Timer._active):
            if timer in Timer._active and time.ticks_diff(timer._due, time.ticks_ms()) <= 0:
                try:
                    timer._fire()
                except Exception as error:
                    sys.print_exception(error)
    finally:
        _set_alarm()


class RTC:
    def __init__(self, id=0):
        pass

    def init(self, when=None):
        if when is not None:
            self.datetime(when)

    def datetime(self, when=None):
        if when is None:
            now = time.time_ns()
            t = time.gmtime(now // 1000000000)
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], now // 1000 % 1000000)
        year, month, day, _, hour, minute, second, micros = when
        wanted = time.mktime((year, month, day, hour, minute, second, 0, 0))
        offset = wanted * 1000 + micros // 1000 - time.time_ns() // 1000000
        _control.write(b"z" + struct.pack("<q", offset))


class WDT:
    def __init__(self, id=0, timeout=5000):
        if timeout < 1:
            raise ValueError("timeout too small")
        _command(b"w", timeout)

    def feed(self):
        _control.write(b"f")


# Buses


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
            raise OSError(5)  # EIO, as when nobody acknowledges
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
        data = bytes(buf)
        self._device(addr).write(data)
        return len(data)

    def writevto(self, addr, vector, stop=True):
        return self.writeto(addr, b"".join([bytes(part) for part in vector]))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes([memaddr & 255]))
        self.readfrom_into(addr, buf)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes([memaddr & 255]) + bytes(buf))


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
        data = bytes(write_buf)
        if len(data) != len(read_buf):
            raise ValueError("buffers must be the same length")
        read_buf[:] = data


class SoftSPI(SPI):
    def __init__(self, baudrate=500000, **kwargs):
        super().__init__(-1, baudrate)


class UART:
    INV_TX = const(1)
    INV_RX = const(2)
    RTS = const(1)
    CTS = const(2)

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, *, timeout=0, **kwargs):
        self._name = "UART({}, baudrate={}, bits={}, parity={}, stop={})".format(
            id, baudrate, bits, parity, stop
        )
        self._received = bytearray()

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
        data = bytes(buf)
        self._received.extend(data)
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

# The machine module of the virtual board: pins that remember, buses with something on them, timers that
# fire. See "What the hardware does" in the documentation of the crate.
import struct
import sys
import time

about = "pretended: pins, buses and timers remember; see the documentation of the virtual board"

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


_BUSES = ("I2C", "SoftI2C", "SPI", "SoftSPI", "UART")


def __getattr__(name):
    # What not every program uses is read when it is asked for.
    if name[:1] == "_":
        raise AttributeError(name)
    if name in _BUSES:
        import _machine_buses as part
    else:
        import _machine_rest as part
    try:
        value = getattr(part, name)
    except AttributeError:
        # It would name the part.
        raise AttributeError("module 'machine' has no attribute '%s'" % name)
    globals()[name] = value
    return value


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
        self.bits = b""


class _PinNames:
    # Every name is a pin.
    def __getattr__(self, name):
        return Pin(name)


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

    board = _PinNames()
    cpu = board
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
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    def __init__(self, id, *, sample_ns=0, atten=ATTN_11DB):
        # A channel number and a pin are different things to a board, and the same here.
        if id == ADC.CORE_TEMP:
            # The thermometer in an RP2040: 0.706 V are 27 degrees.
            self._wire = _Wire("CORE_TEMP")
            self._wire.analog = 14021
        else:
            self._wire = Pin(id)._wire
        self._bits = 12

    def init(self, *, sample_ns=0, atten=ATTN_11DB):
        pass

    def atten(self, atten):
        pass

    def width(self, bits):
        self._bits = bits

    def deinit(self):
        pass

    def read_u16(self):
        wire = self._wire
        if wire.mode == Pin.OUT:
            return 65535 if wire.level else 0
        return wire.analog

    def read(self):
        return self.read_u16() >> 16 - self._bits

    def read_uv(self):
        return self.read_u16() * 3300000 // 65535


class PWM:
    def __init__(self, dest, freq=None, duty=None, *, duty_u16=None, duty_ns=None, invert=False):
        self._pin = Pin(dest)
        self._freq = 0
        self._duty = 0
        self.init(freq, duty, duty_u16=duty_u16, duty_ns=duty_ns, invert=invert)

    def init(self, freq=None, duty=None, *, duty_u16=None, duty_ns=None, invert=False):
        if freq is not None:
            self.freq(freq)
        if duty_u16 is not None:
            self.duty_u16(duty_u16)
        if duty_ns is not None:
            self.duty_ns(duty_ns)
        if duty is not None:
            self.duty(duty)

    def deinit(self):
        self._duty = 0

    def duty(self, value=None):
        # Of 1023, as on the ESP32 and ESP8266.
        if value is None:
            return self._duty >> 6
        self.duty_u16(value * 65535 // 1023)

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
    ALARM0 = const(0)
    _kept = b""

    def __init__(self, id=0, **settings):
        pass

    def memory(self, data=None):
        if data is None:
            return RTC._kept
        RTC._kept = bytes(data)

    def irq(self, *args, **settings):
        pass

    def alarm(self, id, time=None, **settings):
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


# `from machine import *` asks for these names.
__all__ = [name for name in globals() if name[0] != "_" and name not in ("struct", "sys", "time", "about")]
__all__.extend(_BUSES)

if sys.implementation.version < (1, 26):
    # It does not ask, but takes what is there.
    from _machine_buses import *

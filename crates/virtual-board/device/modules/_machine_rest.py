# What the machine module of the virtual board has beside what most programs use.
import machine
import time

Pin = machine.Pin

SLEEP = const(2)
DEEPSLEEP = const(4)
PIN_WAKE = const(2)
EXT0_WAKE = const(2)
EXT1_WAKE = const(3)
TIMER_WAKE = const(4)
TOUCHPAD_WAKE = const(5)
ULP_WAKE = const(6)


def rng():
    import os

    return int.from_bytes(os.urandom(3), "little")


def bitstream(pin, encoding, timing, data):
    # Remembered at the pin.
    pin._wire.bits = bytes(data)


def dht_readinto(pin, buf):
    import dht

    sensor = dht.DHT22(pin)
    sensor.measure()
    buf[:] = sensor.buf


def info(*args):
    print("virtual board")


class DAC:
    def __init__(self, pin, bits=8, **settings):
        self._pin = Pin(pin)
        self._top = (1 << bits) - 1

    def write(self, value):
        if not 0 <= value <= self._top:
            raise ValueError("value out of range")
        # An ADC of the same pin reads it.
        self._pin._wire.analog = value * 65535 // self._top

    def init(self, bits=8, **settings):
        self._top = (1 << bits) - 1

    def deinit(self):
        pass

    def __repr__(self):
        return "DAC({})".format(self._pin)


class TouchPad:
    def __init__(self, pin):
        self._pin = Pin(pin)

    def read(self):
        # As of a pad that is not touched.
        return 1000

    def config(self, value=None):
        pass


class I2S:
    RX = const(0)
    TX = const(1)
    MONO = const(0)
    STEREO = const(1)

    def __init__(self, id, *, sck=None, ws=None, sd=None, mck=None, mode=TX, bits=16, format=STEREO, rate=44100, ibuf=20000):
        self._handler = None

    def init(self, **settings):
        pass

    def deinit(self):
        pass

    def irq(self, handler):
        self._handler = handler

    def _call(self, _):
        self._handler(self)

    def _done(self):
        if self._handler is not None:
            import micropython

            micropython.schedule(self._call, None)

    def write(self, buf):
        self._done()
        return len(buf)

    def readinto(self, buf):
        # Silence.
        for at in range(len(buf)):
            buf[at] = 0
        self._done()
        return len(buf)

    @staticmethod
    def shift(*, buf, bits, shift):
        raise NotImplementedError("the virtual board does not shift samples")


class SDCard:
    def __init__(self, *args, **settings):
        # ENODEV
        raise OSError(19, "no card in the virtual board")


class I2CTarget:
    def __init__(self, *args, **settings):
        raise OSError(19, "nobody is on the other end of the virtual board's bus")


class Counter:
    RISING = const(1)
    FALLING = const(2)
    UP = const(1)
    DOWN = const(-1)

    def __init__(self, id, src=None, **settings):
        self._value = 0

    def init(self, src=None, **settings):
        pass

    def deinit(self):
        pass

    def value(self, value=None):
        # Nothing outside moves a pin.
        before = self._value
        if value is not None:
            self._value = value
        return before


class Encoder(Counter):
    def __init__(self, id, phase_a=None, phase_b=None, **settings):
        self._value = 0


class ADCBlock:
    def __init__(self, id, *, bits=12):
        pass

    def connect(self, channel, source=None, **settings):
        return machine.ADC(channel if source is None else source)

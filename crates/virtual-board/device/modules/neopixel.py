# The neopixel module of the virtual board: a strip that remembers what it shows.
import machine

about = "pretended: `shown` and the repr of a strip are what write() sent last"


class NeoPixel:
    # Red, green, blue and white, in the order of the strip.
    ORDER = (1, 0, 2, 3)

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        self.timing = timing
        self.shown = None
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def _pixel(self, buf, at):
        return tuple([buf[at * self.bpp + self.ORDER[colour]] for colour in range(self.bpp)])

    def __setitem__(self, at, colours):
        if not -self.n <= at < self.n:
            raise IndexError("no such pixel")
        for colour in range(self.bpp):
            self.buf[at % self.n * self.bpp + self.ORDER[colour]] = colours[colour]

    def __getitem__(self, at):
        if not -self.n <= at < self.n:
            raise IndexError("no such pixel")
        return self._pixel(self.buf, at % self.n)

    def fill(self, colours):
        for at in range(self.n):
            self[at] = colours

    def write(self):
        machine.bitstream(self.pin, 0, (400, 850, 800, 450), self.buf)
        self.shown = [self[at] for at in range(self.n)]

    def __repr__(self):
        return "NeoPixel({}, {}, shown={})".format(self.pin, self.n, self.shown)

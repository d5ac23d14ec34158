# The rp2 module of the virtual board: an assembler of PIO programs, and state machines that remember.
import array
import machine

about = "PIO programs are assembled as for the RP2040, and do not run: a state machine remembers what it was sent"

_SILENT = "the virtual board assembles PIO programs but does not run them: nothing arrives"


class PIOASMError(Exception):
    pass


class PIO:
    IN_LOW = const(0)
    IN_HIGH = const(1)
    OUT_LOW = const(2)
    OUT_HIGH = const(3)
    SHIFT_LEFT = const(0)
    SHIFT_RIGHT = const(1)
    JOIN_NONE = const(0)
    JOIN_TX = const(1)
    JOIN_RX = const(2)
    IRQ_SM0 = const(256)
    IRQ_SM1 = const(512)
    IRQ_SM2 = const(1024)
    IRQ_SM3 = const(2048)

    _all = {}

    def __new__(cls, id):
        if not 0 <= id < 2:
            raise ValueError("PIO(" + str(id) + ") doesn't exist")
        if id not in PIO._all:
            pio = object.__new__(cls)
            pio._id = id
            pio._handler = None
            pio._programs = []
            PIO._all[id] = pio
        return PIO._all[id]

    def __init__(self, id):
        pass

    def add_program(self, program):
        if program not in self._programs:
            if sum([len(known[0]) for known in self._programs]) + len(program[0]) > 32:
                raise OSError(12)
            self._programs.append(program)

    def remove_program(self, program=None):
        if program is None:
            self._programs.clear()
        elif program in self._programs:
            self._programs.remove(program)

    def state_machine(self, id, program=None, **settings):
        machine = StateMachine(4 * self._id + id)
        if program is not None:
            machine.init(program, **settings)
        return machine

    def irq(self, handler=None, trigger=3840, hard=False):
        self._handler = handler
        return self

    def gpio_base(self, base=0):
        return 0

    def flags(self):
        return 0

    def __repr__(self):
        return "PIO({})".format(self._id)


class _Program:
    # Words, and where they wrap; indexed as the firmware's own, which is a list.
    def __init__(self, words, wrap_target, wrap, settings, sideset):
        self.words = array.array("H", words)
        self.wrap_target = wrap_target
        self.wrap = wrap
        self.settings = settings
        self.sideset = sideset

    def __getitem__(self, at):
        return (self.words, -1, -1, -1, self.wrap_target, self.wrap, self.settings)[at]

    def __len__(self):
        return len(self.words)

    def __repr__(self):
        words = ", ".join(["{:#06x}".format(word) for word in self.words])
        return "<PIO program [{}], wrap {}..{}>".format(words, self.wrap_target, self.wrap)


# Names of what instructions work on, with the number that each has as a condition, a source or a target.
_JMP = {"not_x": 1, "x_dec": 2, "not_y": 3, "y_dec": 4, "x_not_y": 5, "pin": 6, "not_osre": 7}
_WAIT = {"gpio": 0, "pin": 1}
_IN = {"pins": 0, "x": 1, "y": 2, "null": 3, "isr": 6, "osr": 7}
_OUT = {"pins": 0, "x": 1, "y": 2, "null": 3, "pindirs": 4, "pc": 5, "isr": 6, "exec": 7}
_MOV_TO = {"pins": 0, "x": 1, "y": 2, "pindirs": 3, "exec": 4, "pc": 5, "isr": 6, "osr": 7}
_MOV_FROM = {"pins": 0, "x": 1, "y": 2, "null": 3, "status": 5, "isr": 6, "osr": 7}
_SET = {"pins": 0, "x": 1, "y": 2, "pindirs": 4}


class _Name:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


def _number(table, name):
    if not isinstance(name, _Name) or name.name not in table:
        raise PIOASMError("{} can't be used here".format(name))
    return table[name.name]


def _field(value, low, high):
    if not isinstance(value, int) or not low <= value <= high:
        raise PIOASMError("{} is not from {} to {}".format(value, low, high))
    return value


class _Instruction:
    # What an instruction gives back, so that side(), delay() and [n] can follow it.
    def __init__(self, assembler):
        self._assembler = assembler

    def side(self, value):
        self._assembler.set_side(value)
        return self

    def delay(self, cycles):
        self._assembler.set_delay(cycles)
        return self

    def __getitem__(self, cycles):
        return self.delay(cycles)


class _Assembler:
    def __init__(self, sideset_count, optional):
        self.words = []
        self.sides = []
        self.delays = []
        self.jumps = []
        self.labels = {}
        self.wrap_target = 0
        self.wrap = None
        self.sideset_count = sideset_count
        self.optional = optional
        self.result = _Instruction(self)

    def add(self, word):
        if len(self.words) == 32:
            raise PIOASMError("more than 32 instructions")
        self.words.append(word)
        self.sides.append(None)
        self.delays.append(0)
        return self.result

    def set_side(self, value):
        _field(value, 0, (1 << self.sideset_count) - 1)
        self.sides[-1] = value

    def set_delay(self, cycles):
        self.delays[-1] = cycles

    def finish(self):
        bits = self.sideset_count + (1 if self.optional else 0)
        for at, label in self.jumps:
            if isinstance(label, str):
                if label not in self.labels:
                    raise PIOASMError("unknown label " + label)
                label = self.labels[label]
            self.words[at] |= _field(label, 0, 31)
        for at, side in enumerate(self.sides):
            delay = _field(self.delays[at], 0, (1 << 5 - bits) - 1)
            if side is not None:
                if self.optional:
                    side |= 1 << self.sideset_count
                delay |= side << 5 - bits
            elif self.sideset_count and not self.optional:
                raise PIOASMError("instruction {} has no side()".format(at))
            self.words[at] |= delay << 8
        return self.words

    # Directives

    def wrap_target_(self):
        self.wrap_target = len(self.words)

    def wrap_(self):
        self.wrap = len(self.words) - 1

    def label(self, name):
        if name in self.labels:
            raise PIOASMError("label {} is there already".format(name))
        self.labels[name] = len(self.words)

    # Instructions

    def word(self, value, label=None):
        if label is not None:
            self.jumps.append((len(self.words), label))
        return self.add(value)

    def nop(self):
        return self.add(0xA042)

    def jmp(self, condition, label=None):
        number = 0
        if label is None:
            label = condition
        else:
            number = _number(_JMP, condition)
        self.jumps.append((len(self.words), label))
        return self.add(number << 5)

    def wait(self, polarity, source, index):
        index, relative = _index(index)
        # The instruction and the source have one name.
        number = 2 if source is self.irq_word else _number(_WAIT, source)
        return self.add(0x2000 | _field(polarity, 0, 1) << 7 | number << 5 | relative | index)

    def in_(self, source, count):
        return self.add(0x4000 | _number(_IN, source) << 5 | _field(count, 1, 32) & 31)

    def out(self, target, count):
        return self.add(0x6000 | _number(_OUT, target) << 5 | _field(count, 1, 32) & 31)

    def push(self, *options):
        return self.add(0x8000 | _fifo_options(options, "iffull"))

    def pull(self, *options):
        return self.add(0x8080 | _fifo_options(options, "ifempty"))

    def mov(self, target, source):
        operation = 0
        if isinstance(source, tuple):
            operation, source = source
        return self.add(0xA000 | _number(_MOV_TO, target) << 5 | operation << 3 | _number(_MOV_FROM, source))

    def irq(self, mode, index=None):
        bits = 0
        if index is None:
            index = mode
        else:
            bits = _number({"block": 0x20, "clear": 0x40}, mode)
        index, relative = _index(index)
        return self.add(0xC000 | bits | relative | index)

    def set(self, target, value):
        return self.add(0xE000 | _number(_SET, target) << 5 | _field(value, 0, 31))


class _Relative:
    def __init__(self, index):
        self.index = index


def _index(index):
    # Number of an interrupt or a pin, and the bit that makes it relative to the state machine.
    if isinstance(index, _Relative):
        return _field(index.index, 0, 7), 0x10
    return _field(index, 0, 31), 0


def _fifo_options(options, condition):
    bits = 0x20
    for option in options:
        if option.name == "noblock":
            bits &= ~0x20
        elif option.name == condition:
            bits |= 0x40
        elif option.name != "block":
            raise PIOASMError("{} can't be used here".format(option))
    return bits


_NAMES = (
    "gpio pin pins x y null isr osr pindirs pc exec status block noblock iffull ifempty clear "
    "not_x x_dec not_y y_dec x_not_y not_osre"
).split()


def _words(assembler):
    names = {name: _Name(name) for name in _NAMES}
    for name in ("label", "word", "nop", "jmp", "wait", "in_", "out", "push", "pull", "mov", "irq", "set"):
        names[name] = getattr(assembler, name)
    assembler.irq_word = names["irq"]
    names["wrap_target"] = assembler.wrap_target_
    names["wrap"] = assembler.wrap_
    names["invert"] = lambda source: (1, source)
    names["reverse"] = lambda source: (2, source)
    names["rel"] = _Relative
    return names


def asm_pio(*, out_init=None, set_init=None, sideset_init=None, side_pindir=False, **settings):
    sides = 0
    if sideset_init is not None:
        sides = len(sideset_init) if isinstance(sideset_init, tuple) else 1
    settings["out_init"] = out_init
    settings["set_init"] = set_init
    settings["sideset_init"] = sideset_init

    def decorate(function):
        space = function.__globals__
        # Is side() left out anywhere? Only then its first bit says whether it is there.
        assembler = _run(function, space, _Assembler(sides, False))
        optional = sides > 0 and None in assembler.sides
        assembler.optional = optional
        words = assembler.finish()
        last = len(words) - 1 if assembler.wrap is None else assembler.wrap
        return _Program(words, assembler.wrap_target, last, settings, (sides, optional))

    return decorate


def _run(function, space, assembler):
    before = dict(space)
    names = _words(assembler)
    # What the program's own names hide, in the order of MicroPython: the instructions come first.
    space.update(names)
    try:
        function()
    finally:
        space.clear()
        space.update(before)
    return assembler


def asm_pio_encode(instruction, sideset_count, sideset_opt=False):
    assembler = _Assembler(sideset_count, sideset_opt)
    exec(instruction, _words(assembler))
    if len(assembler.words) != 1:
        raise PIOASMError("expecting exactly 1 instruction")
    return assembler.finish()[0]


class StateMachine:
    _all = {}

    def __new__(cls, id, *args, **settings):
        if not 0 <= id < 8:
            raise ValueError("StateMachine(" + str(id) + ") doesn't exist")
        if id not in StateMachine._all:
            one = object.__new__(cls)
            one._id = id
            one._program = None
            one._active = 0
            one._handler = None
            one._freq = 0
            one.sent = []
            StateMachine._all[id] = one
        return StateMachine._all[id]

    def __init__(self, id, program=None, freq=-1, **settings):
        if program is not None:
            self.init(program, freq, **settings)

    def init(self, program, freq=-1, **settings):
        PIO(self._id // 4).add_program(program)
        self._program = program
        self._freq = machine.freq() if freq < 0 else freq
        if not 1907 <= self._freq <= machine.freq():
            raise ValueError("freq out of range")
        self._settings = settings
        self._active = 0
        self.sent = []

    def active(self, value=None):
        if value is not None:
            self._active = int(bool(value))
        return self._active

    def restart(self):
        pass

    def exec(self, instruction):
        if isinstance(instruction, str):
            sides = self._program.sideset if self._program else (0, False)
            asm_pio_encode(instruction, *sides)

    def get(self, buf=None, shift=0):
        # Hardware would wait for ever.
        raise OSError(110, _SILENT)

    def put(self, value, shift=0):
        values = [value] if isinstance(value, int) else value
        self.sent.extend([word << shift & 0xFFFFFFFF for word in values])
        # The last ones count; a strip of lights is refreshed for ever.
        self.sent = self.sent[-1024:]

    def rx_fifo(self):
        return 0

    def tx_fifo(self):
        # What is put is taken at once.
        return 0

    def irq(self, handler=None, trigger=1, hard=False):
        self._handler = handler
        return self

    def flags(self):
        return 0

    def __repr__(self):
        return "StateMachine({}, {}, freq={}, active={})".format(self._id, self._program, self._freq, self._active)


class Flash:
    # Blocks in memory: not the files of the board.
    _blocks = {}

    def __init__(self, start=0, len=1441792):
        self._count = len // 4096

    def readblocks(self, block, buf, offset=0):
        for at in range(len(buf)):
            place = offset + at
            content = Flash._blocks.get(block + place // 4096)
            buf[at] = content[place % 4096] if content else 0xFF

    def writeblocks(self, block, buf, offset=0):
        for at in range(len(buf)):
            place = offset + at
            number = block + place // 4096
            if number not in Flash._blocks:
                Flash._blocks[number] = bytearray(b"\xff" * 4096)
            Flash._blocks[number][place % 4096] = buf[at]

    def ioctl(self, command, argument):
        if command == 4:
            return self._count
        if command == 5:
            return 4096
        if command == 6:
            Flash._blocks.pop(argument, None)
        return 0


def bootsel_button():
    # It is never pressed.
    return 0


def country(code=None):
    import network

    return network.country(code)

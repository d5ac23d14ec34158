# The micropython module of the virtual board: the firmware's own, with what this port lacks.
from machine import _control
from micropython import *
from micropython import kbd_intr as _kbd_intr


def kbd_intr(character):
    # The host distinguishes a program without Ctrl-C from one that is still being compiled.
    _control.write(b"k" + bytes([character >= 0]))
    _kbd_intr(character)


def alloc_emergency_exception_buf(size):
    # Exceptions of this port always find memory: no handler of an interrupt runs where there is none.
    pass


def mem_current():
    import gc

    return gc.mem_alloc()


def mem_peak():
    return mem_current()

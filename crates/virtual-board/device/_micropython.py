# The micropython module of the virtual board: the firmware's own, with what this port lacks.
from micropython import *


def alloc_emergency_exception_buf(size):
    # Exceptions of this port always find memory: no handler of an interrupt runs where there is none.
    pass


def mem_current():
    import gc

    return gc.mem_alloc()


def mem_peak():
    return mem_current()

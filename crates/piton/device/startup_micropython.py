# Runs on the board at the start of a session: imports that scripts take for granted.
import os, time, machine
from time import sleep
from micropython import const

# A name that a board does not have is left out.
for _ in ("ADC", "I2C", "Pin", "PWM", "SPI", "Timer"):
    try:
        globals()[_] = getattr(machine, _)
    except AttributeError:
        pass
del _

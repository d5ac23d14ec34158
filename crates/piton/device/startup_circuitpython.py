# Runs on the board at the start of a session: imports that scripts take for granted.
import os, time, board, digitalio
from time import sleep

# Modules and names that a board does not have are left out.
try:
    import analogio
except ImportError:
    pass
try:
    from busio import I2C
except ImportError:
    pass
try:
    from busio import SPI
except ImportError:
    pass

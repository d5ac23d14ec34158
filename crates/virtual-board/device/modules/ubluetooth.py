# The bluetooth module by another name.
from bluetooth import *

# The ssl module by another name.
from ssl import *

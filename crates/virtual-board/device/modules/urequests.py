# The requests module by another name.
from requests import *

# The asyncio module by another name.
import asyncio
from asyncio import *


def __getattr__(name):
    return getattr(asyncio, name)

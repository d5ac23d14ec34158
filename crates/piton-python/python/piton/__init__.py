"""Program MicroPython and CircuitPython boards from Python.

``import piton as belay`` runs scripts that were written for the package `belay`.
"""

from piton._code import minify
from piton._piton import __version__
from piton._results import NO_RESULT, UNPARSABLE_RESULT
from piton.device import Device
from piton.device_meta import DeviceMeta
from piton.events import EventStream
from piton.exceptions import (
    AuthenticationError,
    BelayException,
    ConnectionFailedError,
    ConnectionLost,
    DeviceNotFoundError,
    FeatureUnavailableError,
    InsufficientSpecifierError,
    MaxHistoryLengthError,
    NoMatchingExecuterError,
    NotBelayResponseError,
    PyboardError,
    PyboardException,
    SpecialFunctionNameError,
)
from piton.group import Devices, GroupError, Results
from piton.implementation import Implementation
from piton.proxy_object import ProxyObject
from piton.usb_specifier import UsbSpecifier, list_devices

__all__ = [
    "AuthenticationError",
    "BelayException",
    "ConnectionFailedError",
    "ConnectionLost",
    "Device",
    "DeviceMeta",
    "DeviceNotFoundError",
    "Devices",
    "EventStream",
    "FeatureUnavailableError",
    "GroupError",
    "Implementation",
    "InsufficientSpecifierError",
    "MaxHistoryLengthError",
    "NO_RESULT",
    "NoMatchingExecuterError",
    "NotBelayResponseError",
    "ProxyObject",
    "PyboardError",
    "PyboardException",
    "Results",
    "SpecialFunctionNameError",
    "UNPARSABLE_RESULT",
    "UsbSpecifier",
    "__version__",
    "list_devices",
    "minify",
]


def load_ipython_extension(ipython: object) -> None:
    """Is called by ``%load_ext piton``: adds the magic ``%%board``."""
    from piton._ipython import load

    load(ipython)

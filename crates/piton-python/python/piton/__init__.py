"""Program MicroPython and CircuitPython boards from Python.

``import piton as belay`` runs scripts that were written for the package `belay`.
"""

from piton._piton import __version__, minify
from piton._results import NO_RESULT, UNPARSABLE_RESULT
from piton.device import Device
from piton.device_meta import DeviceMeta
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
    "FeatureUnavailableError",
    "Implementation",
    "InsufficientSpecifierError",
    "MaxHistoryLengthError",
    "NO_RESULT",
    "NoMatchingExecuterError",
    "NotBelayResponseError",
    "ProxyObject",
    "PyboardError",
    "PyboardException",
    "SpecialFunctionNameError",
    "UNPARSABLE_RESULT",
    "UsbSpecifier",
    "__version__",
    "list_devices",
    "minify",
]

"""Program MicroPython and CircuitPython boards from Python.

``import piton as belay`` runs scripts that were written for the package `belay`.
"""

from __future__ import annotations

from piton._lazy import lazy
from piton._piton import __version__
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from piton._code import minify
    from piton.events import EventStream, Stream
    from piton.group import Devices, GroupError, Results
    from piton.implementation import Implementation
    from piton.proxy_object import ProxyObject
    from piton.usb_specifier import UsbSpecifier, list_devices
else:
    __getattr__ = lazy(
        __name__,
        {
            "Devices": "piton.group",
            "EventStream": "piton.events",
            "Stream": "piton.events",
            "GroupError": "piton.group",
            "Implementation": "piton.implementation",
            "ProxyObject": "piton.proxy_object",
            "Results": "piton.group",
            "UsbSpecifier": "piton.usb_specifier",
            "list_devices": "piton.usb_specifier",
            "minify": "piton._code",
            # Modules whose names `belay` has as well.
            "executers": "piton.executers",
            "proxy_object": "piton.proxy_object",
            "pyboard": "piton.pyboard",
            "usb_specifier": "piton.usb_specifier",
        },
    )

    def __dir__():
        return sorted({*globals(), *__all__})

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
    "Stream",
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

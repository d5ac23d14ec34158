"""What `Device(...)` takes, as a selector of `piton connect`."""

from __future__ import annotations

import itertools
import os
import re
import time
from typing import Optional, Union

from piton import _piton
from piton.exceptions import ConnectionFailedError, DeviceNotFoundError
from piton.usb_specifier import UsbSpecifier

__all__ = ["selector_of"]

# Numbers of an address of the network, and a port.
_ADDRESS = re.compile(r"(\d{1,3}\.){3}\d{1,3}(:\d+)?")


def selector_of(device: "Union[str, os.PathLike[str], UsbSpecifier, None]", attempts: int, user: str) -> str:
    """Returns the selector of `piton connect` for what a script gives."""
    if device is None:
        specifier = os.environ.get("BELAY_DEVICE")
        # The board of `config.toml` is a person's choice as well; the environment goes first.
        default = _piton.default_board() if specifier is None else None
        if default is not None:
            return default
        device = UsbSpecifier.from_json(specifier or "{}")
    elif isinstance(device, str) and device.lstrip().startswith("{"):
        device = UsbSpecifier.from_json(device)
    if isinstance(device, UsbSpecifier):
        return _port_of(device, attempts)
    selector = os.fspath(device)
    # `192.168.4.1` and `192.168.4.1:23`: a board with a telnet server.
    return f"telnet://{user}@{selector}" if _ADDRESS.fullmatch(selector) else selector


def _port_of(specifier: UsbSpecifier, attempts: int) -> str:
    tries = itertools.count() if attempts < 0 else range(attempts + 1)
    last: "Optional[Exception]" = None
    for number in tries:
        if number:
            time.sleep(1)
        try:
            return specifier.to_port()
        except DeviceNotFoundError as error:
            last = error
    raise ConnectionFailedError(f"Unable to connect to specified device: {last}") from last



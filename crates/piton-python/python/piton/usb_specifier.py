"""Boards at USB ports, by what their descriptors say."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Optional, cast

from piton import _piton
from piton.exceptions import DeviceNotFoundError, InsufficientSpecifierError

__all__ = ["UsbSpecifier", "list_devices"]


@dataclass(repr=False)
class UsbSpecifier:
    """Facts that pick one USB port out of all. A field that is None matches every port."""

    vid: Optional[int] = None
    """Vendor number."""
    pid: Optional[int] = None
    """Product number."""
    serial_number: Optional[str] = None
    """Serial number of the board."""
    manufacturer: Optional[str] = None
    """Name of the manufacturer."""
    product: Optional[str] = None
    """Name of the product."""
    location: Optional[str] = None
    """Where the board is plugged in."""
    device: Optional[str] = None
    """Path of the port. With a path, nothing is searched."""

    def __post_init__(self) -> None:
        # As pydantic has it: the numbers of a specifier may be text.
        self.vid = None if self.vid is None else int(self.vid)
        self.pid = None if self.pid is None else int(self.pid)

    @classmethod
    def from_json(cls, text: str) -> UsbSpecifier:
        """Reads a specifier from a JSON object, as ``BELAY_DEVICE`` holds it. Unknown fields are ignored.

        Raises ValueError for anything but a JSON object.
        """
        parsed: Any = json.loads(text)
        if not isinstance(parsed, dict):
            raise ValueError(f"expected a JSON object, not {text!r}")
        values = cast("dict[str, Any]", parsed)
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    # The names of pydantic, which scripts use.
    @classmethod
    def model_validate_json(cls, json_data: str) -> UsbSpecifier:
        """Reads a specifier from a JSON object."""
        return cls.from_json(json_data)

    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Returns the fields by name, without `device`."""
        values = {name: value for name, value in asdict(self).items() if name != "device"}
        return {name: value for name, value in values.items() if not exclude_none or value is not None}

    def model_dump_json(self, *, exclude_none: bool = False) -> str:
        """Returns the fields as a JSON object, without `device`."""
        return json.dumps(self.model_dump(exclude_none=exclude_none), separators=(",", ":"))

    def populated(self) -> bool:
        """Returns whether any field but `device` is known."""
        return any(value is not None for value in self.model_dump().values())

    def to_port(self) -> str:
        """Returns the path of the only port that matches.

        Raises DeviceNotFoundError when none does, InsufficientSpecifierError when several do.
        """
        if self.device:
            return self.device
        found = [other for other in list_devices() if self._matches(other)]
        if not found:
            raise DeviceNotFoundError(f"no board matches {self!r}")
        if len(found) > 1:
            listed = "\n".join(f"    {vars(other)}" for other in found)
            raise InsufficientSpecifierError(f"Multiple potential devices found:\n{listed}")
        port = found[0].device
        assert port is not None
        return port

    def _matches(self, other: UsbSpecifier) -> bool:
        def folded(value: object) -> object:
            return value.casefold() if isinstance(value, str) else value

        wanted = self.model_dump(exclude_none=True)
        return all(folded(getattr(other, name)) == folded(value) for name, value in wanted.items())

    def __repr__(self) -> str:
        values = self.model_dump(exclude_none=True)
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
        return f"{type(self).__name__}({shown})"


def list_devices() -> list[UsbSpecifier]:
    """Returns the serial ports of USB devices."""
    ports = (UsbSpecifier(**port) for port in _piton.list_ports())
    return [port for port in ports if port.populated()]

"""Objects that stay on the board, used from the host as if they were here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generator, Iterator, Optional

from piton.exceptions import PyboardException

if TYPE_CHECKING:
    from piton._piton import Handle, Session
    from piton.device import Device

__all__ = ["ProxyObject", "expression_of", "get_proxy_object_target_name"]

_PROMOTED: "dict[str, type[Exception]]" = {
    error.__name__: error for error in (AttributeError, KeyError, IndexError, ValueError, TypeError)
}


@contextmanager
def _promoted() -> "Generator[None]":
    """Raises what the board raised as the same type of the host, where operators of Python need that type."""
    try:
        yield
    except PyboardException as error:
        promoted = _PROMOTED.get(error.type_name)
        if promoted is None:
            raise
        raise promoted(error.message) from error


class ProxyObject:
    """An object on the board.

    Attributes, calls, items, operators and iteration go to the board. Values of the types int, float, str, bool, bytes and
    None arrive as values; everything else arrives as another proxy. ``device(proxy)`` returns the value of the object.

    Proxies of objects that have no name on the board keep them there until the proxy is deleted.
    """

    # Everything else belongs to the object on the board.
    _belay_device: "Device"
    _belay_target_name: str
    _belay_handle: "Optional[Handle]"

    def __init__(
        self, device: "Device", name: str, delete: bool = True, *, handle: "Optional[Handle]" = None
    ) -> None:
        """Makes a proxy of an expression, which is evaluated at each use.

        `delete` removes the variable `name` from the board when the proxy is deleted.
        """
        object.__setattr__(self, "_belay_device", device)
        object.__setattr__(self, "_belay_target_name", name)
        object.__setattr__(self, "_belay_delete", delete)
        object.__setattr__(self, "_belay_handle", handle)

    def __piton_expression__(self) -> str:
        """Returns the expression that stands for the object on the board."""
        handle: "Optional[Handle]" = object.__getattribute__(self, "_belay_handle")
        if handle is not None:
            return handle.expression()
        name: str = object.__getattribute__(self, "_belay_target_name")
        return name

    def __getattribute__(self, name: str) -> Any:
        # Names of Python itself and of this class are looked up here, all others on the board.
        if name in ("__class__", "__dict__", "__doc__", "__piton_expression__"):
            return object.__getattribute__(self, name)
        if not (name.startswith("__") and name.endswith("__")):
            try:
                return object.__getattribute__(self, name)
            except AttributeError:
                pass
        return _exposed(self, "getattr(", self, ",", name, ")")

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            # An attribute that a subclass has given to the proxy itself.
            object.__getattribute__(self, name)
        except AttributeError:
            pass
        else:
            object.__setattr__(self, name, value)
            return
        _operate(self, "setattr(", self, ",", name, ",", value, ")")

    def __delattr__(self, name: str) -> None:
        if not name.isidentifier():
            raise AttributeError(name)
        with _promoted():
            _session(self).delete_attribute(self, name)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice):
            return _exposed(self, "", self, "[", key, "]")
        bounds: "list[Any]" = [key.start, key.stop]  # pyright: ignore[reportUnknownMemberType]
        if key.step is not None:  # pyright: ignore[reportUnknownMemberType]
            # Not every board has steps.
            bounds.append(key.step)  # pyright: ignore[reportUnknownMemberType]
        parts: "list[Any]" = ["", self]
        code = "["
        for bound in bounds:
            if bound is not None:
                parts += [code, bound]
                code = ""
            code += ":"
        return _exposed(self, *parts, code[:-1] + "]")

    def __setitem__(self, key: Any, value: Any) -> None:
        # Lists of a board have no `__setitem__`.
        with _promoted():
            _session(self).set_item((self, key, value))

    def __delitem__(self, key: Any) -> None:
        with _promoted():
            _session(self).delete_item((self, key))

    def __len__(self) -> int:
        return int(_operate(self, "len(", self, ")"))

    def __bool__(self) -> bool:
        return bool(_operate(self, "bool(", self, ")"))

    def __contains__(self, item: Any) -> bool:
        return bool(_operate(self, "", item, " in ", self))

    def __iter__(self) -> Iterator[Any]:
        return iter(_operate(self, "list(", self, ")"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _promoted():
            return _device(self)._proxy_of(_session(self).call_object(self, args, kwargs))

    def __eq__(self, other: object) -> bool:
        return bool(_operate(self, "", self, "==", other))

    def __ne__(self, other: object) -> bool:
        return bool(_operate(self, "", self, "!=", other))

    def __lt__(self, other: Any) -> bool:
        return bool(_operate(self, "", self, "<", other))

    def __le__(self, other: Any) -> bool:
        return bool(_operate(self, "", self, "<=", other))

    def __gt__(self, other: Any) -> bool:
        return bool(_operate(self, "", self, ">", other))

    def __ge__(self, other: Any) -> bool:
        return bool(_operate(self, "", self, ">=", other))

    def __hash__(self) -> int:
        return int(_operate(self, "hash(", self, ")"))

    def __str__(self) -> str:
        return str(_operate(self, "str(", self, ")"))

    def __repr__(self) -> str:
        return f"<ProxyObject {_operate(self, 'repr(', self, ')')}>"

    def __del__(self) -> None:
        try:
            # What has no name goes with its handle.
            if object.__getattribute__(self, "_belay_delete") and object.__getattribute__(self, "_belay_handle") is None:
                device: "Device" = object.__getattribute__(self, "_belay_device")
                device(f"del {_name(self)}", record=False)
        except Exception:
            # The board or the interpreter is on its way out, and takes the variable along.
            pass


def expression_of(value: object) -> str:
    """Returns the expression of a proxy. Raises TypeError for anything else."""
    if isinstance(value, ProxyObject):
        return _name(value)
    raise TypeError(f"a device takes code or a proxy, not {type(value).__name__}")


def get_proxy_object_target_name(proxy_object: ProxyObject) -> str:
    """Returns the expression that stands for the object on the board."""
    return _name(proxy_object)


def _name(proxy: ProxyObject) -> str:
    return ProxyObject.__piton_expression__(proxy)


def _device(proxy: ProxyObject) -> "Device":
    device: "Device" = object.__getattribute__(proxy, "_belay_device")
    return device


def _session(proxy: ProxyObject) -> "Session":
    return _device(proxy)._session


def _operate(proxy: ProxyObject, *parts: Any) -> Any:
    """Returns the value of an expression: code and values of the host in turn, code first."""
    with _promoted():
        return _device(proxy)._read(_session(proxy).operate, *parts)


def _exposed(proxy: ProxyObject, *parts: Any) -> Any:
    """Returns the value of an expression, or a proxy of it."""
    with _promoted():
        return _device(proxy)._proxy_of(_session(proxy).operate_exposed(*parts))

"""Objects that stay on the board, used from the host as if they were here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generator, Iterator, Optional

from piton.exceptions import PyboardException

if TYPE_CHECKING:
    from piton._piton import Handle
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
        return _expose(self, f"getattr({_name(self)},{name!r})")

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            # An attribute that a subclass has given to the proxy itself.
            object.__getattribute__(self, name)
        except AttributeError:
            pass
        else:
            object.__setattr__(self, name, value)
            return
        _evaluate(self, f"setattr({_name(self)},{name!r},{_text(self, value)})")

    def __delattr__(self, name: str) -> None:
        if not name.isidentifier():
            raise AttributeError(name)
        _execute(self, f"del {{o}}.{name}")

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            bounds: "list[Any]" = [key.start, key.stop, key.step]  # pyright: ignore[reportUnknownMemberType]
            parts = ["" if bound is None else _text(self, bound) for bound in bounds]
            index = ":".join(parts if parts[2] else parts[:2])
        else:
            index = _text(self, key)
        return _expose(self, f"{_name(self)}[{index}]")

    def __setitem__(self, key: Any, value: Any) -> None:
        # Lists of a board have no `__setitem__`.
        _execute(self, "{o}[{k}]={v}", k=_text(self, key), v=_text(self, value))

    def __delitem__(self, key: Any) -> None:
        _execute(self, "del {o}[{k}]", k=_text(self, key))

    def __len__(self) -> int:
        return int(_evaluate(self, f"len({_name(self)})"))

    def __bool__(self) -> bool:
        return bool(_evaluate(self, f"bool({_name(self)})"))

    def __contains__(self, item: Any) -> bool:
        return bool(_evaluate(self, f"{_text(self, item)} in {_name(self)}"))

    def __iter__(self) -> Iterator[Any]:
        return iter(_evaluate(self, f"list({_name(self)})"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        device: "Device" = object.__getattribute__(self, "_belay_device")
        arguments = device._encode_arguments(args, kwargs)
        return _expose(self, f"{_name(self)}{arguments}")

    def __eq__(self, other: object) -> bool:
        return bool(_evaluate(self, f"{_name(self)}=={_text(self, other)}"))

    def __ne__(self, other: object) -> bool:
        return bool(_evaluate(self, f"{_name(self)}!={_text(self, other)}"))

    def __lt__(self, other: Any) -> bool:
        return bool(_evaluate(self, f"{_name(self)}<{_text(self, other)}"))

    def __le__(self, other: Any) -> bool:
        return bool(_evaluate(self, f"{_name(self)}<={_text(self, other)}"))

    def __gt__(self, other: Any) -> bool:
        return bool(_evaluate(self, f"{_name(self)}>{_text(self, other)}"))

    def __ge__(self, other: Any) -> bool:
        return bool(_evaluate(self, f"{_name(self)}>={_text(self, other)}"))

    def __hash__(self) -> int:
        return int(_evaluate(self, f"hash({_name(self)})"))

    def __str__(self) -> str:
        return str(_evaluate(self, f"str({_name(self)})"))

    def __repr__(self) -> str:
        return f"<ProxyObject {_evaluate(self, f'repr({_name(self)})')}>"

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


def _text(proxy: ProxyObject, value: Any) -> str:
    device: "Device" = object.__getattribute__(proxy, "_belay_device")
    return device._encode(value)


def _evaluate(proxy: ProxyObject, expression: str) -> Any:
    device: "Device" = object.__getattribute__(proxy, "_belay_device")
    with _promoted():
        return device._evaluate(expression)


def _execute(proxy: ProxyObject, statement: str, **operands: str) -> None:
    """Executes a statement with ``{o}`` for the object, and names in braces for the expressions in `operands`."""
    operands["o"] = _name(proxy)
    if not any("_o[" in expression for expression in operands.values()):
        # Nothing is an object without a name. A micro:bit has no stack for an `exec` inside of a call.
        text = statement.format(**{name: f"({expression})" for name, expression in operands.items()})
        device: "Device" = object.__getattribute__(proxy, "_belay_device")
        with _promoted():
            device._session.execute(text, record=False)
        return
    names = ",".join(f"{name!r}:{expression}" for name, expression in operands.items())
    text = statement.format(**{name: name for name in operands})
    _evaluate(proxy, f"exec({text!r},{{{names}}})")


def _expose(proxy: ProxyObject, expression: str) -> Any:
    device: "Device" = object.__getattribute__(proxy, "_belay_device")
    with _promoted():
        return device._expose(expression)

"""The class of device classes: methods that are overloaded by implementation, a registry, and mixins before `Device`."""

from __future__ import annotations

from piton.exceptions import NoMatchingExecuterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Optional

    _Functions = list[Callable[..., Any]]
    _Body = dict[str, Any]
else:
    _Functions = list
    _Body = dict

__all__ = ["DeviceMeta", "ExecuterMethod"]


class _Overloads(_Functions):
    """The marked functions of one name, in the order of their definition."""


class _Namespace(_Body):
    """The body of a device class: a name may be defined several times by marked functions."""

    def __setitem__(self, name: str, value: Any) -> None:
        is_marked = hasattr(value, "__belay__")
        known = self.get(name)
        if isinstance(known, _Overloads):
            if not is_marked:
                raise ValueError(f"Cannot mix non-executer and executer methods: {name}")
            if any(not function.__belay__.implementation for function in known):  # type: ignore[attr-defined]
                raise ValueError(f"Cannot define another executor after catchall: {name}.")
            known.append(value)
        elif is_marked:
            if name in self:
                raise ValueError(f"Cannot mix non-executer and executer methods: {name}")
            super().__setitem__(name, _Overloads([value]))
        else:
            super().__setitem__(name, value)


class ExecuterMethod:
    """A method of a device class that is carried out on the board: the overload that the board's implementation picks."""

    def __init__(self, overloads: "list[Callable[..., Any]]") -> None:
        self.overloads: "list[Callable[..., Any]]" = overloads
        self.owner: "Optional[type]" = None
        self.name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.name = name

    def __get__(self, instance: Any, owner: "Optional[type]" = None) -> Any:
        if instance is None:
            return self
        for function in self.overloads:
            implementation: str = function.__belay__.implementation  # type: ignore[attr-defined]
            if implementation in ("", instance.implementation.name):
                return function
        assert self.owner is not None
        missing = object()
        parent: object = super(self.owner, instance)  # pyright: ignore[reportUnknownVariableType]
        inherited: Any = getattr(parent, self.name, missing)  # pyright: ignore[reportUnknownArgumentType]
        if inherited is missing:
            raise NoMatchingExecuterError(
                f"no overload of `{self.name}` is for {instance.implementation.name or 'this board'}"
            )
        return inherited


class DeviceMeta(type):
    """The class of `Device` and its subclasses.

    Subclasses are registered by name: ``Device["sensor"]`` is the class ``Sensor``. ``class X(Device, skip=True)`` is not registered;
    ``class X(Device, name="y")`` is registered as ``y``.
    """

    __registry: "dict[str, DeviceMeta]"

    @classmethod
    def __prepare__(mcs, name: str, bases: "tuple[type, ...]", /, **kwargs: Any) -> "_Namespace":
        return _Namespace()

    def __new__(
        mcs,
        name: str,
        bases: "tuple[type, ...]",
        namespace: "dict[str, Any]",
        *,
        skip: bool = False,
        **kwargs: Any,
    ) -> "DeviceMeta":
        registered_name = kwargs.pop("name", None)
        body = {
            key: ExecuterMethod(value) if isinstance(value, _Overloads) else value
            for key, value in namespace.items()
        }
        created = super().__new__(mcs, name, bases, body, **kwargs)
        created.__registry = {}
        if not skip:
            for base in created.__mro__[1:]:
                if isinstance(base, DeviceMeta):
                    base.__registry[registered_name or name.lower()] = created
        return created

    def __init__(cls, name: str, bases: "tuple[type, ...]", namespace: "dict[str, Any]", **kwargs: Any) -> None:
        super().__init__(name, bases, namespace)

    def mro(cls) -> "list[type]":
        """Returns the order of classes, with `Device` after all mixins: their `setup`, `task` and the like win."""
        order = super().mro()
        devices = [base for base in order if base.__dict__.get("_is_device_root")]
        for device in devices:
            order.remove(device)
            order.insert(order.index(object), device)
        return order

    def __getitem__(cls, name: str) -> "DeviceMeta":
        return cls.__registry[name.lower()]

    def __contains__(cls, name: object) -> bool:
        return isinstance(name, str) and name.lower() in cls.__registry

    def __iter__(cls) -> "Iterator[str]":
        return iter(cls.__registry)

    def __len__(cls) -> int:
        return len(cls.__registry)

    def __bool__(cls) -> bool:
        return True

    def get(cls, name: str, default: Any = None) -> Any:
        """Returns the registered subclass of this name; else `default`."""
        return cls.__registry.get(name.lower(), default)

    def keys(cls) -> "list[str]":
        """Returns the names of the registered subclasses."""
        return list(cls.__registry)

    def values(cls) -> "list[DeviceMeta]":
        """Returns the registered subclasses."""
        return list(cls.__registry.values())

    def items(cls) -> "list[tuple[str, DeviceMeta]]":
        """Returns the registered subclasses with their names."""
        return list(cls.__registry.items())

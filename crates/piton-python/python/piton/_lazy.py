"""Names of a module that are imported when they are first used: `import piton` is quick, and a script pays for what it needs."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ["lazy"]


def lazy(module: str, names: dict[str, str]) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module. `names` has the module that each name comes from; a module's own name brings the module."""

    def get(name: str) -> Any:
        source = names.get(name)
        if source is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        # The package has importlib at the start already, as `import` has.
        __import__(source)
        found = sys.modules[source]
        value = found if source == f"{module}.{name}" else getattr(found, name)
        # The next use finds it at once.
        setattr(sys.modules[module], name, value)
        return value

    return get

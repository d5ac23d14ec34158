"""The exceptions of the package.

Names and bases are those of the package `belay`, so that scripts written for it catch the same errors.
"""

from __future__ import annotations

from piton._lazy import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from piton._frames import BoardFrame
else:
    __getattr__ = lazy(__name__, {"BoardFrame": "piton._frames"})

__all__ = [
    "AuthenticationError",
    "BelayException",
    "BoardFrame",
    "ConnectionFailedError",
    "ConnectionLost",
    "DeviceNotFoundError",
    "FeatureUnavailableError",
    "InsufficientSpecifierError",
    "IntegrityError",
    "InternalError",
    "MaxHistoryLengthError",
    "NoMatchingExecuterError",
    "NotBelayResponseError",
    "PackageNotFoundError",
    "PyboardError",
    "PyboardException",
    "SourceUnavailableError",
    "SpecialFunctionNameError",
]


class BelayException(Exception):
    """Root of all exceptions of this package."""


class AuthenticationError(BelayException):
    """The board refuses the password."""


class FeatureUnavailableError(BelayException):
    """The board's firmware does not have what was asked for."""


class SpecialFunctionNameError(BelayException):
    """The name of a function is reserved.

    Reserved are names that start and end with two underscores, and names that start with ``_belay``, ``__belay`` or
    ``_piton``.
    """


class MaxHistoryLengthError(BelayException):
    """Too many commands were recorded. This package never raises it: it keeps declarations, and no history."""


class DeviceNotFoundError(BelayException):
    """No board matches."""


class InsufficientSpecifierError(BelayException):
    """Several boards match."""


class ConnectionFailedError(BelayException):
    """There is no connection to the board."""


class ConnectionLost(ConnectionFailedError):
    """The connection to the board broke. The call may have been carried out."""


class InternalError(BelayException):
    """An error of this package."""


class NotBelayResponseError(BelayException):
    """An answer of the board is not one of this package. Its framing makes sure that this never happens."""


class NoMatchingExecuterError(BelayException):
    """No overload of a method is for the board's implementation."""


class PackageNotFoundError(BelayException):
    """No index and no address has the package."""


class IntegrityError(BelayException):
    """A file does not have the hash that it must have."""


class SourceUnavailableError(BelayException, OSError):
    """The source of a function cannot be found, so it cannot be sent to the board."""


class PyboardError(BelayException):
    """The board does not answer as it must."""


class PyboardException(BelayException):
    """Code on the board raised an exception.

    ``args[0]`` is the traceback as text.
    """

    type_name: str = ""
    """Name of the exception's type on the board: ``ValueError``."""
    message: str = ""
    """Its message."""
    frames: "tuple[BoardFrame, ...]" = ()
    """Where it happened, outermost call first."""

    def __str__(self) -> str:
        return "\n\n" + str(self.args[0] if self.args else "")

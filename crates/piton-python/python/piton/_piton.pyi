"""The extension module."""

__version__: str

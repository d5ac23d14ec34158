"""The package as it is installed."""

import piton


def test_version() -> None:
    major, minor, patch = piton.__version__.split(".")
    assert major.isdigit() and minor.isdigit() and patch.isdigit()

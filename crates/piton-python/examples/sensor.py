"""A class of devices: its marked methods run on the board, all others here."""

# Functions of the board use its globals, which type checkers do not know.
# pyright: reportUndefinedVariable=false, reportUnusedVariable=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

import sys

from piton import Device


class Sensor(Device):
    """A board with a sensor, which has to be calibrated."""

    @Device.setup(autoinit=True)
    def prepare() -> None:
        offset = 0.0
        readings: "list[float]" = []

    @Device.task
    @staticmethod
    def calibrate(to: float) -> float:
        global offset
        offset = to - 20.0
        return offset

    @Device.task
    def read() -> float:
        value = 20.0 + offset  # noqa: F821
        readings.append(value)  # noqa: F821
        return value

    @Device.teardown
    def finish() -> None:
        print("readings:", len(readings))  # noqa: F821

    def read_fahrenheit(self) -> float:
        """Returns a reading in degrees Fahrenheit."""
        return self.read() * 1.8 + 32


def main(board: str) -> None:
    """Calibrates a sensor, and reads it."""
    with Sensor(board) as sensor:
        sensor.calibrate(to=25.0)
        print(sensor.read(), sensor.read_fahrenheit())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "virtual")

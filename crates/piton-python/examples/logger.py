"""Writes readings of a board with the times at which they were taken, as CSV."""

import sys
from typing import Generator

from piton import Device


def main(board: str) -> None:
    """Takes five readings."""
    with Device(board) as device:

        @device.task(return_time=True)
        def readings(count: int) -> Generator[float, None, None]:
            import time

            for number in range(count):
                # Stands for `ADC(26).read_u16()`, which a virtual board does not have.
                yield number * 1.5
                time.sleep(0.01)

        print("time,value")
        for value, when in readings(5):
            print(f"{when.isoformat(timespec='milliseconds')},{value}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "virtual")

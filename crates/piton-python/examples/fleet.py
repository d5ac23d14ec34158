"""Calls a function on several boards at the same time."""

import sys

from piton import Devices


def main(*selectors: str) -> None:
    """Asks each board for its free memory, in bytes."""
    with Devices(*selectors) as boards:

        @boards.task
        def free_memory() -> int:
            import gc

            gc.collect()
            return gc.mem_free()  # type: ignore

        results = free_memory()
        for name, free in results.items():
            print(f"board {name}: {free > 0}")
        for name, error in results.failures.items():
            print(f"board {name}: {error}")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["virtual", "virtual"]))

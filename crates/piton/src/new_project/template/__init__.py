"""What the program does, without hardware: it runs on boards and on CPython."""


def levels(count):
    """Returns `count` levels of an LED that blinks: 1 is on, 0 is off."""
    return [(number + 1) % 2 for number in range(count)]

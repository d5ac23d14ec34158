"""A sensor that does not exist."""


def read(channel, count, scale=1):
    return [channel * scale] * count


def stream(count):
    for number in range(count):
        yield number, number / 2 if number else None


def fail(message):
    # The traceback names the line below.
    raise ValueError(message)

# Says what it runs on, and computes something. Runs on every MicroPython board.
import gc
import sys


def primes(limit):
    found = []
    for number in range(2, limit):
        if all(number % prime for prime in found):
            found.append(number)
    return found


version = ".".join(str(part) for part in sys.implementation.version[:3])
print("Hello from", sys.implementation.name, version, "on", sys.platform)
print("Primes below 50:", primes(50))
gc.collect()
print("Free memory:", gc.mem_free(), "bytes")

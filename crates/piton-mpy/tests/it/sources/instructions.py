# Every instruction of the virtual machine at least once.
import sys
import sys as system
from sys import path, modules as loaded
from math import *


def closures(a, b=2, *args, c, d=4, **kwargs):
    global made
    local = a
    made = local

    def inner():
        nonlocal a
        a = a + b
        return a

    def with_default(e=a):
        return e + c + d

    del b
    del local
    return inner, with_default, args, kwargs


def remove_global():
    global made
    del made


def numbered(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16):
    a17 = a16 + 1
    return a17


def sequences(s):
    a, b, c = s
    d, *e, f = s
    g = [a, b, c]
    h = {a, b}
    i = {"key": a}
    j = a, b
    g[0] += 1
    k = g[0:1], g[0:1:1], g[c]
    del g[0]
    l = [m for m in s if m], {m for m in s}, {m: m for m in s}
    a, b = b, a
    a, b, c = c, b, a
    return d, e, f, h, i, j, k, l, ..., None, True, False, 100000, -5, 47, "a string that is no qstr"


def operators(a, b):
    +a, -a, ~a, not a
    a < b, a > b, a == b, a <= b, a >= b, a != b, a in b, a is b, a not in b, a is not b
    a |= b
    a ^= b
    a &= b
    a <<= b
    a >>= b
    a += b
    a -= b
    a *= b
    a @= b
    a //= b
    a /= b
    a %= b
    a **= b
    return a | b, a ^ b, a & b, a << b, a >> b, a + b, a - b, a * b, a @ b, a // b, a / b, a % b, a**b


def flow(a, b, f):
    while a:
        if b:
            continue
        for c in b:
            try:
                if c:
                    break
                return a and b or c
            except ValueError as error:
                raise RuntimeError from error
            finally:
                f(a, *b, c=1, **c)
        else:
            a = 1 < b < 3
    try:
        f.method(a, *b)
        f.method(a, b=1)
    except:
        raise
    with f as g:
        g()
    for i in range(10):
        del f.attribute
        f.attribute = f.other
    assert a, "message"
    raise ValueError


class Base:
    def method(self):
        return self


class Derived(Base):
    name = 1
    del name

    def method(self):
        return super().method()


def generator(other):
    yield 1
    yield from other
    return (yield)

import micropython


@micropython.native
def add(a, b):
    return a + b


@micropython.native
def factorial(n):
    result = 1
    while n > 1:
        result *= n
        n -= 1
    return result


@micropython.native
def sums(items, start=0, *rest, key=None, **others):
    total = start
    for item in items:
        if item is None:
            continue
        elif item < 0:
            break
        total += key(item) if key else item
    else:
        total = -total
    return total, rest, others


@micropython.native
def count(n):
    for i in range(n):
        got = yield i
        if got:
            yield from got


@micropython.native
def guarded(f):
    try:
        with f() as x, f():
            for y in x:
                if y:
                    return y
                try:
                    continue
                finally:
                    f(y)
    except (ValueError, TypeError) as error:
        return error
    except OSError:
        pass
    else:
        return 1
    finally:
        f(None)


@micropython.native
def closure(a, b):
    c = a + b

    def inner(d=1, *, e=2):
        nonlocal c
        c += d
        return a, b, c, e

    del b
    return inner


@micropython.native
async def task(a):
    async with a as b, a:
        await b
        return 1
    async for c in a:
        if c:
            break
    else:
        await a


@micropython.native
class Point:
    def __init__(self, x, y):
        super().__init__(x)
        self.x, self.y = x, y
        self.data[x] += y
        del self.z, self.data[x]

    @property
    def both(self):
        return self.x, "a string that is long", b"bytes", 1.5, 1 << 70, ...


@micropython.native
def expressions(a, b, *c, **d):
    global e
    e = [x for x in a if x for y in b]
    f = {x: y for x, y in a}, {x for x in a}, (x for x in b)
    assert a < b < 3 != e, "message"
    print(a, *c, b=1, **d)
    a.method(*c, **d)
    x, *y, z = a[1:2], a[::b], a[:], lambda: a
    return not a or b and f, a if b else c, -a, ~b, a is not b, a not in b, {1, 2}, {}, [], ()


@micropython.native
def imports():
    import os.path, sys as system
    from . import a
    from .b import c as d, e
    return os, system, a, d, e


@micropython.native
def kept(a, b):
    x = a or b
    try:
        y = a and x
    except Exception as error:
        z = error
    return x, y, z

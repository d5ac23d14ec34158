import micropython


@micropython.native
def arithmetic(a, b):
    c = a + b * 2 - a // b % 7
    c <<= 1
    c |= 1
    return c, -c, ~c, not c, a < b <= c, a is b, a is not b, a in (b, c), a not in (b, c), 2.5 * a


print(arithmetic(7, 3), arithmetic(-5, 2))


@micropython.native
def loops(n):
    out = []
    for i in range(n):
        if i == 3:
            continue
        for j in range(i, 0, -2):
            if j == 2:
                break
            out.append((i, j))
        else:
            out.append(i)
    while n:
        n -= 1
        if n == 2:
            break
    for key, value in {"a": 1}.items():
        out.append(key + str(value))
    return out, n


print(loops(7))


@micropython.native
def arguments(a, b=2, *rest, c, d=4, **more):
    return a, b, rest, c, d, sorted(more.items())


print(arguments(1, c=3))
print(arguments(1, 5, 6, 7, c=8, d=9, e=10, f=11))
print(arguments(*[1, 2, 3], **{"c": 4, "g": 5}))


@micropython.native
def exceptions(f):
    trace = []
    try:
        try:
            f()
            trace.append("no exception")
        except ValueError as error:
            trace.append(("value", error.args))
            return trace
        except (KeyError, IndexError):
            trace.append("lookup")
            raise TypeError("from a handler")
        else:
            trace.append("else")
        finally:
            trace.append("inner finally")
    except TypeError as error:
        trace.append(repr(error))
    finally:
        trace.append("outer finally")
    return trace


def raises(error):
    def f():
        raise error
    return f


for f in (lambda: 1, raises(ValueError(3)), raises(KeyError(1)), raises(TypeError("t"))):
    print(exceptions(f))
try:
    exceptions(raises(OSError(5)))
except OSError as error:
    print("passed on", error.args)


@micropython.native
def leaves(items):
    seen = []
    for item in items:
        try:
            if item == 1:
                continue
            if item == 2:
                break
            if item == 3:
                return seen, "returned"
        finally:
            seen.append(item)
    else:
        seen.append("else")
    return seen


print(leaves([0, 1, 4]), leaves([1, 2, 5]), leaves([0, 3, 5]))


class Manager:
    def __init__(self, name, swallow):
        self.name, self.swallow = name, swallow

    def __enter__(self):
        print("enter", self.name)
        return self

    def __exit__(self, kind, value, traceback):
        print("exit", self.name, kind, value)
        return self.swallow


@micropython.native
def managed(swallow, error):
    with Manager("a", swallow) as a, Manager("b", False) as b:
        if error:
            raise error
        return a.name + b.name
    return "swallowed"


print(managed(False, None), managed(True, ValueError("v")))
try:
    managed(False, KeyError("k"))
except KeyError as error:
    print("passed on", error.args)


@micropython.native
def generator(n):
    total = 0
    try:
        for i in range(n):
            got = yield i
            if got:
                total += got
                yield "got", total
    except ValueError as error:
        yield "thrown", error.args
    finally:
        print("closed")
    return total


@micropython.native
def delegates(n):
    result = yield from generator(n)
    yield "result", result


print(list(delegates(3)))
g = generator(5)
print(next(g), g.send(10), next(g), g.throw(ValueError(1)))
g.close()
print(list(x * y for x in range(3) for y in range(3) if x != y))


@micropython.native
def closures(a):
    b = [a]

    def add(c, *, d=1):
        nonlocal a
        a += c
        b.append(lambda: a + d)
        return a

    return add, b


add, b = closures(1)
print(add(2), add(3, d=10), b[1](), b[2]())


@micropython.native
class Base:
    count = 0

    def __init__(self, x):
        self.x = x
        Base.count += 1

    def method(self, *args):
        return self.x, args

    @property
    def double(self):
        return self.x * 2


@micropython.native
class Derived(Base):
    def __init__(self, x, y):
        super().__init__(x)
        self.y = y

    def method(self, *args):
        return super().method(self.y, *args)


d = Derived(3, 4)
d.y += 1
print(d.method(5), d.double, Base.count)
del d.y


@micropython.native
def collections(a, b):
    c = [x + 1 for x in a if x], {x: y for x, y in zip(a, b)}, {x for x in b}
    first, *middle, last = a
    (p, q), r = (1, 2), 3
    d = {"k": a[1:], "s": b[::-1], "t": a[:2]}
    d["k"][0] = 9
    del d["s"]
    e = a and b or c
    return c, first, middle, last, p, q, r, d, e, f"{first}-{last:>3}", "a long string constant", b"b", 1 << 70


print(collections([0, 1, 2, 3], [4, 5, 6, 7]))


@micropython.native
async def waits(a):
    total = 0
    async with a:
        total += await a
    async for x in a:
        if x == 2:
            break
        total += x
    else:
        total = -1
    return total


class Awaitable:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        yield "waiting"
        return 5

    async def __aenter__(self):
        print("aenter")

    async def __aexit__(self, kind, value, traceback):
        print("aexit", kind)

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.n += 1
        if self.n > 5:
            raise StopAsyncIteration
        return self.n


task = waits(Awaitable())
try:
    while True:
        print("step", task.send(None))
except StopIteration as done:
    print("done", done.value)

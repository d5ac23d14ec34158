import micropython


@micropython.viper
def add(a: int, b: int) -> int:
    return a + b


@micropython.viper
def operators(a: int, b: int, c: uint, d: uint) -> int:
    x = (a | b) ^ a & b
    x <<= a
    x = (x >> b) + a * b - -a
    y = (c >> d) << d
    x += ~a + +b
    x = x // a % b
    if a < b or a > b or a == b or a <= b or a >= b or a != b:
        x += 1
    if c < d or c > d or c == d or c <= d or c >= d or c != d:
        x -= 1
    return x + int(y)


@micropython.viper
def memory(a: ptr8, b: ptr16, c: ptr32, i: int, j: uint) -> uint:
    a[0] = a[1] + a[i] + a[j]
    b[0] = b[1] + b[i] + b[j]
    c[0] = c[1] + c[i] + c[j]
    a[i] = b[-1]
    b[i] = c[1000]
    c[i] = a[-5]
    a[j] = i
    b[j] = i
    c[j] = i
    a[300] = int(a[0] == 0)
    return uint(c[0])


@micropython.viper
def objects(a, b: int, c: bool) -> object:
    d = object(b)
    a[b] = d
    a[1] = b
    a.x = b
    a.y = c
    e = a[b], a[True], [b, c, None], d
    global g
    g = b
    return e


@micropython.viper
def casts(a) -> bool:
    p = ptr(a)
    q = ptr8(p)
    r = ptr32(int(q) + 4)
    s = uint(r[0])
    t = bool(s)
    u = int(a)
    v = object(1)
    w = int(1 if t else u)
    return bool(w)


@micropython.viper
def loops(n: int) -> int:
    total = 0
    for i in range(n):
        for j in range(10, 0, -2):
            if i == j:
                break
            total += i
        else:
            total -= 1
    while total > 100:
        total >>= 1
    return total


@micropython.viper
def guarded(a: int, f) -> int:
    try:
        f(a)
    except ValueError:
        a = 1
    finally:
        a += 1
    return a


@micropython.viper
def many(a: int, b: ptr8, c: uint, d, e: bool):
    x = a
    y = b
    z = c
    if e:
        x = int(z)
    print(x, y[0], z, d, e)


@micropython.viper
def closure(a):
    def inner(b: int) -> int:
        print(a)
        return b
    return inner


@micropython.viper
def nothing():
    pass


@micropython.viper
def pointer(a: ptr) -> ptr8:
    return None


@micropython.viper
def constants():
    print(1, None, True, "text", "a text that is longer", b"", 1.5, 100000000000000000000)
    import time
    from os import stat as s, sep
    time.sleep(s)

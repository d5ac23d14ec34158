import micropython


@micropython.viper
def integers(a: int, b: int) -> int:
    c = (a + b) * 3 - (a ^ b) | (a & 5)
    c = c << 2 >> 1
    c += -a + ~b
    if a < b:
        c += 1
    elif a == b or a >= 100:
        c += 2
    while c > 1000:
        c = c // 3 + c % 7
    return c


print([integers(a, b) for a in (-9, 0, 5, 1000, 123456) for b in (-3, 1, 5, 999)])


@micropython.viper
def unsigned(a: uint, b: uint) -> uint:
    c = a >> b
    if a > b:
        c = c + uint(1)
    return c


print(unsigned(0x80000000, 4), unsigned(3, 5))


@micropython.viper
def reverse(buffer, n: int):
    data = ptr8(buffer)
    for i in range(n // 2):
        x = data[i]
        data[i] = data[n - 1 - i]
        data[n - 1 - i] = x
    data[0] = 0x41


buffer = bytearray(b"hello world")
reverse(buffer, len(buffer))
print(buffer)


@micropython.viper
def words(buffer) -> int:
    p = ptr16(buffer)
    q = ptr32(buffer)
    p[1] = 0x1234
    q[1] = int(p[0]) + 1
    p[4] = q[1] & 0xff
    i = 2
    q[i + 1] = int(q[0]) >> 3
    p[i] = p[1]
    total = 0
    for j in range(8):
        total += p[j]
    return total


buffer = bytearray(range(16))
print(words(buffer), buffer)


@micropython.viper
def objects(a, b: int, c: bool):
    d = [a, b, c, None]
    d[1] = b + 1
    e = d[1]
    return d, e, a[0], bool(b)


print(objects([7], 3, True))


@micropython.viper
def guarded(a: int, f) -> int:
    b = a
    try:
        f(a)
        b = 10
    except ValueError:
        b = 20
    finally:
        print("finally", b)
    return b


def fails(x):
    raise ValueError(x)


print(guarded(1, print), guarded(2, fails))


@micropython.viper
def many(a: int, b: int, c: int, d: int) -> int:
    e = a * 1000 + b * 100
    return e + c * 10 + d


print(many(1, 2, 3, 4))
try:
    many(1)
except TypeError as error:
    print(error)


@micropython.viper
def truths(a: int, b: int) -> bool:
    c = 0
    if a < b and a or b:
        c = 1
    return c == 1


print(truths(1, 2), truths(0, 0), truths(3, 0))

x = a or b and not c
x = a if b else c
x = 1 if 0 else y
x = a < b <= c != d
x = a is b, a is not b, a in b, a not in b
x = a | b ^ c & d << e >> f + g - h * i / j // k % l @ m ** n
x = -a, +b, ~c, not d
x = f(), f(1), f(a, *c, b=1), f(*a, b, **c), f(a for a in b), f((y := 5), z := 6)
x = a.b.c(d)[e].f(g).h
x = a[1], a[1:2], a[1:2:3], a[:], a[::], a[:2], a[1:], a[::3], a[1:2:], a[1, 2], a[b:c, ...]
x = [], [1], [1, a], (), (1,), (1, a), {}, {1}, {1, a}, {1: 2}, {1: 2, a: b}
x = None, True, False, ..., __debug__
x = "short", "a longer text", b"bytes", b"", "", 1.5, 1j, 10**20
x = "joined " "text", b"joined " b"bytes"
x = (y := 1)
if (n := len(x)) > 10: print(n)
x = lambda: 0
x = lambda a, b=1, *c, d, e=2, **f: (a, b, c, d, e, f)
x = lambda: (yield)
print(x for x in y)
print(f(1, 2, *a, 3, *b))

"""A documentation string is dropped."""
import a.b.c, d as e, f.g as h
from . import i
from ...j.k import l as m, n
from o import *
x = y = z = 1
a, b = b, a
a, b, c = c, b, a
a, *b, c = d
[a, (b, c)] = d
[] = x
x: int = 3
y: str
del a, b.c, d[0], (e, f)
if x:
    pass
elif y and (z or not a):
    del x
elif 0:
    print("never")
else:
    x = 1
if 1:
    y = 2
while x < 10 and y != 3:
    x += 1
    if x == 5:
        continue
    if x == 7:
        break
else:
    y = 4
while True:
    break
while 0:
    x()
for a in range(10):
    for b in range(a, 20, 2):
        if b:
            break
    else:
        continue
    break
for i in range(x, y.z):
    pass
else:
    print("end of the loop")
for i in range(10, 0, -1): print(i)
for i, (j, k) in enumerate(x): print(i, j, k)
for i in range(*x): pass
assert x
assert x, "a message that is longer than ten bytes"
x += 1; x -= 1; x *= 2; x /= 2; x //= 2; x %= 2; x **= 2
x @= y; x &= 1; x |= 1; x ^= 1; x <<= 1; x >>= 1
a.b += 1
a[0][1] -= 1
a().b.c[d] = e
"text that stands alone"
1
...

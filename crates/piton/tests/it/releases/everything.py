import sys
def gen(n):
    for i in range(n):
        got = yield i * 2
        if got: yield got
class A:
    x: int = 3
    def __init__(self, v=5, *args, k="d", **kw):
        self.v = v; self.k = k; self.kw = sorted(kw.items()); self.args = args
    @property
    def twice(self): return self.v * 2
    def __repr__(self): return "A(%r, %r, %r, %r)" % (self.v, self.k, self.kw, self.args)
def clo(a):
    b = a + 1
    def inner(c):
        nonlocal b
        b += c
        return b
    return inner
def t(x):
    try:
        try:
            if x == 1: raise ValueError("one")
            if x == 2: return "two"
            if x == 3: raise KeyError(3)
        except ValueError as e:
            return "caught " + str(e)
        finally:
            out.append(x)
    except KeyError:
        return "key"
    return "end"
out = []
print([t(i) for i in range(4)], out)
print(list(gen(3)), A(1, 2, k="z", q=4), A().twice)
f = clo(10); print(f(1), f(5))
print({k: v for k, v in zip("abc", range(3))}, {1, 2} | {3}, list(range(3)), (lambda *a, **k: (a, k))(1, b=2))
print(1.5e10, -0.25, 2**70, "é€", b"\x00\xff", 10 // 3, -7 % 3, 1 if out else 2, not out, 3 < 4 < 5)
print("%s %d" % ("a", 5), "{:>5}|{}".format("x", None), f"{A.x}:{1+1}")
for i in range(5):
    if i == 3: break
else: print("no")
while True:
    i += 1
    if i > 6: break
    continue
x, *y = [1, 2, 3]; print(x, y, i)
with_ok = []
class C:
    def __enter__(self): with_ok.append("in"); return self
    def __exit__(self, *a): with_ok.append(a[0]); return True
with C() as c: raise OSError(5)
print([str(w) for w in with_ok])
import struct
from struct import pack as p
print(p("<H", 258), struct.calcsize("<I"), __name__)
async def co(): return 4
try: co().send(None)
except StopIteration as e: print("co", e.value)
assert A.x == 3, "no"
del x
print("end")

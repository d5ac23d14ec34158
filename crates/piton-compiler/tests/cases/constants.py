from micropython import const
A = const(1)
_B = const(2)
C: int = const("text")
_D = const("a text longer than ten bytes")
E = const((1, 2))
F = const(1 << 40)
_G = const(1.5)
x = A + _B, C, _D, E, F, _G, A if _B else x
if _B == 2: y = 1
def f(a=A): return _B * a, (_B, A)
print(_D, A)
class K:
    _H = const(8)
    z = _H
longlonglong1 = "longlonglong2", "longlonglong1"
longlonglong2 = "longlonglong2", "longlonglong1"
z = "<stdin>", "memory allocation failed"

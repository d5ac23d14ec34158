def plain(): pass
def arguments(a, b, c=1, d=2, *e, f, g=3, **h): return a, b, c, d, e, f, g, h
def keyword_only(*, a, b=1): return a
def star(*args, **kwargs): return args[0]
def annotated(a: int, b: str = "x", *c: list, d: dict = None, **e: tuple) -> bool: return a
def generator():
    x = yield
    yield x
    yield from x
    return 5
def conditional(a): return 1 if a else 2
def early(a):
    if a:
        return
    return a
    print("this is dead code", 1.25, lambda: 0)
@decorator
@decorator.attribute(1, x=2)
def decorated(): pass
@micropython.bytecode
def bytecode(): pass
def outer(a, b):
    c = 1
    def inner(d):
        nonlocal c
        c = a + d
        def innermost(): return b, c, d
        return innermost
    return inner
def many(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17):
    b = a16 + a17
    del a17, b
    return lambda: a15
def uses_global():
    global g, h
    g = 1
    del h
    x: int
    return x

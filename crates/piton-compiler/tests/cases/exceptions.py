try:
    a()
except:
    b()
try:
    a()
except (A, B) as e:
    b(e)
except C:
    raise
else:
    c()
finally:
    d()
def f():
    for i in x:
        try:
            if i: continue
            break
        finally:
            print("finally")
    while 1:
        try:
            return 1
        except E as e:
            break
        try:
            pass
        finally:
            return 2
    with a as b, c, d as (e, f):
        with g: break_out()
        return b
    for i in range(3):
        with i: break
    raise A from B
    raise C("x")

x = [a for a in b]
x = {a for a in b if c if d}
x = {a: b for a, b in c for d in a if e}
x = (a for a in b for c in d for e in f)
x = [[c for c in d] for d in e]
def f(x):
    y = [x + z for z in range(3)]
    return [last := a for a in y], last
z = [found for item in items if (found := item)]
def g():
    return {k: (lambda: k + v) for k, v in x}
print(*[a for a in b], **{a: b for a in c})

# Distances between lines that need each form of entry.
x = 0


y = 1










z = x + y + x + y + x + y + x + y + x + y + x + y; w = z
def f(a):
    # One function, several lines in one statement.
    return (
        a,
        a,

        [a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a],
    )

# Every kind of constant object.
a = "a string that is longer than ten characters"
b = b"bytes \x00\xff\""
c = 12345678901234567890, -12345678901234567890
d = 1.0, -0.0, 1e100, 1.5e-07, 0.1
e = 1j, 2.5j
f = (None, False, True, ..., 1, -1, "short", (1, (2, ())), b"")
g = "unicode \u00e4\u20ac\U0001f600 text", "two\nlines\tand \\ \" quotes"

a = t"plain"
b = t"{x}"
c = t"{x!r} {y!s:>{width}} {z:0.2f} {{braces}} {w=}"
d = rt"\{y}\n" 
e = t"""{x} on several
lines {y}"""

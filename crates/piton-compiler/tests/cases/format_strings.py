a = f"plain"
b = f"{x}"
c = f"{x!r} {y!s:>{width}} {z:0.2f} {{braces}} {w=}"
d = "joined " f"{x} " "with {not} " rf"\{y}"
e = f"{a["b"]} {f'{nested}'}"
f = f"""{
x
} on several
lines {y}"""
raise f"{x if y else (z, w)}"
g = f"{x:{y}{z}}"
h = f'{f"{f'{deep}'}"}'

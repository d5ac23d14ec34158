@micropython.asm_rv32
def add(a0, a1) -> object:
    add(a0, a0, a1)

@micropython.asm_xtensa
def add(a2, a3) -> bool:
    add(a2, a2, a3)

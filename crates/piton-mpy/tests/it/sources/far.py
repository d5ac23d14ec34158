# Jumps over more than 127 bytes, both ways.
def far(a):
    while a:
        a.one(); a.two(); a.three(); a.four(); a.five(); a.six(); a.seven(); a.eight(); a.nine()
        a.one(); a.two(); a.three(); a.four(); a.five(); a.six(); a.seven(); a.eight(); a.nine()
        if a:
            break
        a.one(); a.two(); a.three(); a.four(); a.five(); a.six(); a.seven(); a.eight(); a.nine()
    for b in a:
        try:
            if b:
                continue
            a.one(); a.two(); a.three(); a.four(); a.five(); a.six(); a.seven(); a.eight(); a.nine()
        finally:
            a.one(); a.two(); a.three(); a.four(); a.five(); a.six(); a.seven(); a.eight(); a.nine()
            a.one(); a.two(); a.three(); a.four(); a.five(); a.six(); a.seven(); a.eight(); a.nine()

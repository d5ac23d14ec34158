# What this board is and can do, printed as one dict literal.
#
# Every entry is one expression that may fail: a board that lacks the thing leaves the entry out. Kept
# small: it must compile in the 9 KB heap of a micro:bit with MicroPython 1.9.2.
def _piton():
    r = {}
    i = __import__
    for k, e in (
        ("implementation", "i('sys').implementation.name"),
        ("release", "tuple(i('sys').implementation.version)"),
        ("version", "i('sys').version"),
        ("platform", "i('sys').platform"),
        ("machine", "i('os').uname().machine"),
        ("machine", "i('sys').implementation._machine"),
        ("build", "i('sys').implementation._build"),
        ("mpy", "i('sys').implementation._mpy"),
        ("unique_id", "h(i('microcontroller').cpu.uid)"),
        ("unique_id", "h(i('machine').unique_id())"),
        ("free", "i('gc').mem_free()"),
        ("allocated", "i('gc').mem_alloc()"),
        ("inflate", "hasattr(i('deflate').DeflateIO,'read')"),
        ("deflate", "hasattr(i('deflate').DeflateIO,'write')"),
        ("hashlib", "[n for n in('md5','sha1','sha256','sha512')if a(i('hashlib'),n)]"),
        ("binascii", "hasattr(i('binascii'),'a2b_base64')"),
        ("stdin_buffer", "hasattr(i('sys').stdin,'buffer')"),
        ("poll", "hasattr(i('select'),'poll')"),
        ("kbd_intr", "hasattr(i('micropython'),'kbd_intr')"),
        ("os", "[n for n in dir(i('os'))if n[0]!='_']"),
        ("native", "c('native')"),
        ("viper", "c('viper')"),
    ):
        try:
            r[k] = eval(e, {"i": i, "h": h, "a": a, "c": c})
        except Exception:
            pass
    print(r)

import micropython


@micropython.native
def native(a, b=1, *args, c=2, **kwargs):
    def inner():
        return a

    for i in range(b):
        a += "a string that is longer than ten characters"
    return inner


@micropython.native
def native_generator(a):
    yield a


@micropython.viper
def viper(a: int, b: ptr8) -> int:
    return a + b[0]


@micropython.viper
def viper_with_child(a):
    def child():
        return None

    return child


def bytecode(a):
    return native(a)

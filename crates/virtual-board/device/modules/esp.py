# The esp module of the virtual board.
about = "pretended: nothing of it reaches the flash"

LOG_NONE = const(0)
LOG_ERROR = const(1)
LOG_WARNING = const(2)
LOG_INFO = const(3)
LOG_DEBUG = const(4)
LOG_VERBOSE = const(5)


def osdebug(uart_no, level=LOG_ERROR):
    pass


def flash_size():
    return 2097152


def flash_user_start():
    return 0x200000


def check_fw():
    return True


def sleep_type(kind=None):
    return 0


def gpio_matrix_in(*args):
    pass


def gpio_matrix_out(*args):
    pass

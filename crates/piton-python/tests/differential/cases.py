"""Behaviours of the package belay, each as a function of the module and a device.

`run.py` carries them out with belay and with piton; `test_differential.py` compares what comes back.
"""

from __future__ import annotations

import io
import math
import sys
import threading
from typing import Any, Callable

CASES: "dict[str, Callable[[Any, Any], Any]]" = {}


def case(function: "Callable[[Any, Any], Any]") -> "Callable[[Any, Any], Any]":
    """Adds a case under the name of its function."""
    CASES[function.__name__] = function
    return function


# -- expressions and statements ---------------------------------------------------------------------------------------

EXPRESSIONS = [
    "1",
    "-1",
    "1 + 2 * 3",
    "2 ** 70",
    "-(2 ** 64)",
    "0x7f",
    "1.5",
    "-0.0",
    "1e100",
    "1 / 4",
    "7 // 2",
    "7 % 3",
    "True",
    "False",
    "None",
    "not 1",
    "1 < 2 < 3",
    "b'abc'",
    "b'\\x00\\xff'",
    "bytes(3)",
    "(1, 2)",
    "(1,)",
    "()",
    "1, 2, 3",
    "[1, 2, 3]",
    "[]",
    "[[1], [2, [3]]]",
    "{'a': 1, 'b': [2]}",
    "{}",
    "{1}",
    "{'k': (1, None, True)}",
    "[x * 2 for x in range(4)]",
    "{x: x * x for x in range(3)}",
    "list(range(5))",
    "tuple(range(3))",
    "sorted([3, 1, 2])",
    "len('hello')",
    "str(12)",
    "repr('a')",
    "'%d-%s' % (1, 'x')",
    "'{}'.format(3)",
    "f'{1 + 1}'",
    "(lambda x: x + 1)(2)",
    "3 if True else 4",
    "[1, 2, 3][1:]",
    "max(1, 5, 3)",
    "sum([1, 2, 3])",
    "abs(-3)",
    "int('12')",
    "float('1.5')",
    "bool([])",
    "'abc' in 'xabcx'",
    "str('text with \"quotes\" and \\'others\\'')",
    "str('tab\\tnewline\\n')",
    "chr(8364)",
    "ord('a')",
    "hash(1)",
    "isinstance(1, int)",
    "(1,\n 2)",
    "  5  ",
    "object()",
    "int",
    "print",
    "1j",
    "{1: 2}.keys()",
    "os.sep if hasattr(os, 'sep') else '/'",
    "__name__",
]

for number, expression in enumerate(EXPRESSIONS):

    def evaluate(belay: Any, device: Any, expression: str = expression) -> Any:
        return device(expression)

    CASES[f"expression_{number:02}_{expression.encode('ascii', 'backslashreplace').decode()}"] = evaluate

STATEMENTS = [
    ("x = 1", "x"),
    ("x = 1; y = 2", "(x, y)"),
    ("import math", "math.floor(2.5)"),
    ("from math import sqrt", "sqrt(4)"),
    ("def f(a):\n    return a * 2\n", "f(3)"),
    ("class A:\n    n = 4\n", "A.n"),
    ("for i in range(3):\n    z = i\n", "z"),
    ("if True:\n    w = 'yes'\nelse:\n    w = 'no'", "w"),
    ("try:\n    1/0\nexcept ZeroDivisionError:\n    e = 'caught'", "e"),
    ("    q = 5\n    r = 6\n", "q + r"),
    ("d = {}\nd['a'] = 1", "d"),
    ("del x", "'x' in globals()"),
    ("# a comment\ns = 1  # behind", "s"),
    ("t = '''two\nlines'''", "t"),
    ("x = 1\n\n\ny = 3", "y"),
    ("global_list = [1]\nglobal_list.append(2)", "global_list"),
    ("a = b = 7", "(a, b)"),
    ("a += 1", "a"),
    ("u, v = 1, 2", "(u, v)"),
    ("while True:\n    break", "1"),
]

for number, (statement, expression) in enumerate(STATEMENTS):

    def execute(belay: Any, device: Any, statement: str = statement, expression: str = expression) -> Any:
        return device(statement), device(expression)

    CASES[f"statement_{number:02}"] = execute

# -- arguments --------------------------------------------------------------------------------------------------------

ARGUMENTS: "list[Any]" = [
    0,
    -5,
    2**40,
    2**80,
    1.25,
    -1e-5,
    True,
    None,
    "text",
    "",
    "it's \"quoted\"",
    "line\nend\ttab",
    "\u20ac \U0001f600",
    "\0\x01\x7f",
    b"",
    b"bytes\x00\xff",
    (),
    (1,),
    (1, "a", (2, 3)),
    [],
    [1, [2, [3, [4]]]],
    {},
    {"a": 1, 2: "b", (3, 4): None},
    {1},
    "_BELAYR no result",
    "\\",
    "{}",
    "%s",
    "x" * 1000,
    list(range(200)),
]

for number, value in enumerate(ARGUMENTS):

    def there_and_back(belay: Any, device: Any, value: Any = value) -> Any:
        @device.task
        def same(value):
            return value

        return same(value), same(value=value)

    CASES[f"argument_{number:02}"] = there_and_back


# -- tasks ------------------------------------------------------------------------------------------------------------


@case
def task_is_an_attribute(belay: Any, device: Any) -> Any:
    @device.task
    def foo(a):
        return a * 2

    return foo(5), device.task.foo(6), device.task.foo is foo, foo.__name__


@case
def task_without_register(belay: Any, device: Any) -> Any:
    @device.task(register=False)
    def unregistered():
        return 1

    return unregistered(), hasattr(device.task, "unregistered")


@case
def task_without_minify(belay: Any, device: Any) -> Any:
    @device.task(minify=False)
    def commented(a):
        """A docstring."""
        # a comment
        return a  # behind

    return commented(3)


@case
def task_defaults_and_keywords(belay: Any, device: Any) -> Any:
    @device.task
    def many(a, b=2, *args, c=3, **kwargs):
        return a, b, args, c, sorted(kwargs.items())

    return many(1), many(1, 5, 6, 7), many(1, c=9, d=10), many(a=0)


@case
def task_returns_nothing(belay: Any, device: Any) -> Any:
    @device.task
    def nothing():
        pass

    return nothing()


@case
def task_returns_several(belay: Any, device: Any) -> Any:
    @device.task
    def several():
        return 1, "two", [3]

    return several()


@case
def task_calls_a_task(belay: Any, device: Any) -> Any:
    @device.task
    def inner(x):
        return x + 1

    @device.task
    def outer(x):
        return inner(x) * 2

    return outer(3)


@case
def task_uses_globals(belay: Any, device: Any) -> Any:
    device("counter = 0")

    @device.task
    def count():
        global counter
        counter += 1
        return counter

    return count(), count(), device("counter")


@case
def task_with_nested_function(belay: Any, device: Any) -> Any:
    @device.task
    def outer(n):
        def inner(k):
            return k * n

        return [inner(k) for k in range(3)]

    return outer(2)


@case
def task_with_a_string_of_several_lines(belay: Any, device: Any) -> Any:
    @device.task
    def text():
        value = """first
  second
third"""
        return value

    return text()


@case
def task_redefined(belay: Any, device: Any) -> Any:
    @device.task
    def twice():
        return 1

    first = twice()

    @device.task
    def twice():  # noqa: F811
        return 2

    return first, twice()


@case
def task_prints(belay: Any, device: Any) -> Any:
    @device.task
    def talk(n):
        for i in range(n):
            print("line", i)
        return n

    return talk(3)


@case
def statement_prints(belay: Any, device: Any) -> Any:
    return device("print('hello')\nprint(1, 2, sep='-')")


@case
def output_to_a_stream(belay: Any, device: Any) -> Any:
    stream = io.StringIO()
    device("print('to the stream')", stream_out=stream)
    return stream.getvalue()


@case
def output_to_nowhere(belay: Any, device: Any) -> Any:
    return device("print('dropped')", stream_out=None)


@case
def trusted_results(belay: Any, device: Any) -> Any:
    @device.task(trusted=True)
    def value():
        return bytearray(b"ab")

    return value()


@case
def untrusted_result(belay: Any, device: Any) -> Any:
    @device.task
    def value():
        return object()

    result = value()
    return result is belay.UNPARSABLE_RESULT, bool(result)


@case
def record_of_a_task(belay: Any, device: Any) -> Any:
    @device.task(record=True)
    def once(x):
        return x

    return once(4)


@case
def stacked_decorators(belay: Any, device: Any) -> Any:
    @device.task
    @device.task
    def stacked():
        return 8

    return stacked()


# -- generators -------------------------------------------------------------------------------------------------------


@case
def generator_items(belay: Any, device: Any) -> Any:
    @device.task
    def count(n):
        for i in range(n):
            yield i

    return list(count(4)), list(count(0))


@case
def generator_send(belay: Any, device: Any) -> Any:
    @device.task
    def echo():
        value = None
        while value != "stop":
            value = yield value

    generator = echo()
    return next(generator), generator.send(1), generator.send("x"), next(generator)


@case
def generator_of_objects(belay: Any, device: Any) -> Any:
    @device.task
    def objects():
        yield 1
        yield object()
        yield 2

    return [item is belay.UNPARSABLE_RESULT or item for item in objects()]


@case
def generator_raises(belay: Any, device: Any) -> Any:
    @device.task
    def fails():
        yield 1
        raise ValueError("late")

    generator = fails()
    return next(generator), next(generator)


@case
def generator_with_output(belay: Any, device: Any) -> Any:
    @device.task
    def talks():
        print("before")
        yield 1
        print("after")

    return list(talks())


@case
def two_generators(belay: Any, device: Any) -> Any:
    @device.task
    def letters(text):
        for letter in text:
            yield letter

    return list(zip(letters("abc"), letters("xyz")))


@case
def generator_with_record(belay: Any, device: Any) -> Any:
    @device.task(record=True)
    def recorded():
        yield 1

    return list(recorded())


# -- setups and teardowns ---------------------------------------------------------------------------------------------


@case
def setup_body_is_global(belay: Any, device: Any) -> Any:
    @device.setup
    def prepare(number, label="x"):
        import math

        doubled = number * 2
        name = label * 2

    return prepare(4), prepare.__name__, device("(number, doubled, name, math.pi > 3)")


@case
def setup_with_keywords(belay: Any, device: Any) -> Any:
    @device.setup(record=False)
    def prepare(first, second=2):
        total = first + second

    prepare(second=5, first=1)
    return device("total"), hasattr(device.setup, "prepare")


@case
def setup_with_a_missing_argument(belay: Any, device: Any) -> Any:
    @device.setup
    def prepare(needed):
        pass

    return prepare()


@case
def setup_raises(belay: Any, device: Any) -> Any:
    @device.setup
    def broken():
        1 / 0

    return broken()


@case
def setup_generator(belay: Any, device: Any) -> Any:
    @device.setup
    def wrong():
        yield 1


@case
def teardown_with_parameters(belay: Any, device: Any) -> Any:
    class Wrong(belay.Device):
        """A teardown that wants an argument."""

        @belay.Device.teardown
        def finish(x):
            pass


@case
def autoinit_with_parameters(belay: Any, device: Any) -> Any:
    class Wrong(belay.Device):
        """A setup that wants an argument."""

        @belay.Device.setup(autoinit=True)
        def begin(x):
            pass


# -- errors -----------------------------------------------------------------------------------------------------------

ERRORS = [
    "1 / 0",
    "undefined_name",
    "[][1]",
    "{}['k']",
    "int('x')",
    "None.attribute",
    "raise ValueError('message')",
    "raise KeyError('k')",
    "raise OSError(2)",
    "assert False, 'why'",
    "import no_such_module",
    "x = = 1",
    "def f(:\n pass",
    "1 +",
    "for",
    "raise Exception",
    "'a' + 1",
    "open('/no/such/file')",
    "'unclosed",
    "return 1",
]

for number, text in enumerate(ERRORS):

    def raises(belay: Any, device: Any, text: str = text) -> Any:
        return device(text)

    CASES[f"error_{number:02}"] = raises


@case
def error_in_a_task(belay: Any, device: Any) -> Any:
    @device.task
    def fails(x):
        y = x + 1
        raise ValueError("from the board %d" % y)

    try:
        fails(1)
    except belay.PyboardException as error:
        text = error.args[0].replace("\r\n", "\n")
        line = next(line for line in text.split("\n") if "in fails" in line)
        return line, 'raise ValueError("from the board %d" % y)' in text, str(error).startswith("\n\n")


@case
def error_does_not_end_the_session(belay: Any, device: Any) -> Any:
    try:
        device("1 / 0")
    except belay.PyboardException:
        pass
    return device("1 + 1")


@case
def wrong_arity(belay: Any, device: Any) -> Any:
    @device.task
    def one(a):
        return a

    return one(1, 2)


@case
def exception_tree(belay: Any, device: Any) -> Any:
    names = [
        "AuthenticationError",
        "BelayException",
        "ConnectionFailedError",
        "ConnectionLost",
        "DeviceNotFoundError",
        "FeatureUnavailableError",
        "InsufficientSpecifierError",
        "MaxHistoryLengthError",
        "NoMatchingExecuterError",
        "NotBelayResponseError",
        "PyboardError",
        "PyboardException",
        "SpecialFunctionNameError",
    ]
    return [(name, [base.__name__ for base in getattr(belay, name).__mro__]) for name in names]


@case
def more_exceptions(belay: Any, device: Any) -> Any:
    exceptions = __import__(f"{belay.__name__}.exceptions").exceptions
    names = ["InternalError", "PackageNotFoundError", "IntegrityError"]
    return [[base.__name__ for base in getattr(exceptions, name).__mro__] for name in names]


@case
def reserved_name_dunder(belay: Any, device: Any) -> Any:
    def __reserved__():
        pass

    device.task(__reserved__)


@case
def reserved_name_of_belay(belay: Any, device: Any) -> Any:
    def _belay_name():
        pass

    device.setup(_belay_name)


# -- proxies ----------------------------------------------------------------------------------------------------------


@case
def proxy_of_a_list(belay: Any, device: Any) -> Any:
    device("data = [1, 2, 3, 4]")
    data = device.proxy("data")
    data[0] = 10
    return (
        data[0],
        data[-1],
        len(data),
        3 in data,
        9 in data,
        list(data),
        device(data[1:3]),
        device("data"),
        data == [10, 2, 3, 4],
        data != [1],
        str(data),
        repr(data),
        type(data).__name__,
    )


@case
def proxy_of_an_object(belay: Any, device: Any) -> Any:
    device(
        "class Box:\n    def __init__(self, n):\n        self.n = n\n    def add(self, k, twice=False):\n"
        "        self.n += k * (2 if twice else 1)\n        return self\nbox = Box(1)"
    )
    box = device.proxy("box")
    box.add(2)
    box.add(1, twice=True)
    first = box.n
    box.n = 40
    return first, device("box.n"), type(box.add).__name__, box.add(1).n


@case
def proxy_of_modules(belay: Any, device: Any) -> Any:
    math_module = device.proxy("import math")
    floor, ceil = device.proxy("from math import floor, ceil")
    return math_module.sqrt(9), floor(1.5), ceil(1.5)


@case
def proxy_of_an_expression(belay: Any, device: Any) -> Any:
    temporary = device.proxy("[5, 6]")
    return temporary[1], device("1 + 1", proxy=True), device(temporary)


@case
def proxy_as_an_argument(belay: Any, device: Any) -> Any:
    device("def size(x): return len(x)\nitems = [1, 2, 3]")
    size = device.proxy("size")
    items = device.proxy("items")
    return size(items)


@case
def proxy_errors(belay: Any, device: Any) -> Any:
    device("empty = []\nnothing = {}")
    names = []
    for action in (
        lambda: device.proxy("empty")[3],
        lambda: device.proxy("nothing")["k"],
        lambda: device.proxy("empty").missing,
    ):
        try:
            action()
        except Exception as error:
            names.append(type(error).__name__)
    return names


@case
def proxy_comparisons(belay: Any, device: Any) -> Any:
    device("five = 5")
    five = device.proxy("five")
    return five < 6, five <= 5, five > 5, five >= 6, five == 5


# -- the device -------------------------------------------------------------------------------------------------------


@case
def implementation(belay: Any, device: Any) -> Any:
    found = device.implementation
    return found.name, tuple(found.version), found.platform, sorted(found.emitters), found.arch


@case
def attributes(belay: Any, device: Any) -> Any:
    return device.attempts, device.auto_sync_time, device.MAX_CMD_HISTORY_LEN, type(device.time_offset).__name__


@case
def startup_imports(belay: Any, device: Any) -> Any:
    return [device(f"{name!r} in globals()") for name in ("os", "sleep", "const", "machine")]


@case
def time_is_returned(belay: Any, device: Any) -> Any:
    from datetime import datetime, timedelta

    value, when = device("1 + 1", return_time=True)
    return value, abs(when - datetime.now()) < timedelta(seconds=5)


@case
def sync_time(belay: Any, device: Any) -> Any:
    return type(device.sync_time()).__name__, math.isfinite(device.time_offset)


@case
def sync_wrong_destination(belay: Any, device: Any) -> Any:
    device.sync(__file__, dst="relative")


@case
def sync_missing_folder(belay: Any, device: Any) -> Any:
    device.sync("/no/such/folder")


@case
def no_such_port(belay: Any, device: Any) -> Any:
    try:
        belay.Device("/dev/no-such-port")
    except Exception:
        return True


@case
def usb_specifier(belay: Any, device: Any) -> Any:
    specifier = belay.UsbSpecifier(vid=1, product="x")
    return repr(specifier), specifier.populated(), belay.UsbSpecifier().populated(), specifier.model_dump()


@case
def usb_specifier_of_nothing(belay: Any, device: Any) -> Any:
    belay.UsbSpecifier(serial_number="no such board").to_port()


@case
def no_board(belay: Any, device: Any) -> Any:
    belay.Device(belay.UsbSpecifier(serial_number="no such board"))


@case
def devices_are_listed(belay: Any, device: Any) -> Any:
    return isinstance(belay.list_devices(), list)


@case
def sentinels(belay: Any, device: Any) -> Any:
    return bool(belay.NO_RESULT), bool(belay.UNPARSABLE_RESULT)


@case
def registry(belay: Any, device: Any) -> Any:
    class Registered(belay.Device):
        """A class that is found by its name."""

    class Hidden(belay.Device, skip=True):
        """A class that is not."""

    return belay.Device["registered"] is Registered, "hidden" in belay.Device


@case
def threads_of_the_host(belay: Any, device: Any) -> Any:
    # Belay is not made for this; one thread at a time works.
    results: "list[Any]" = []

    def work() -> None:
        results.append(device("2 + 2"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return results


@case
def names_of_the_module(belay: Any, device: Any) -> Any:
    names = [
        "AuthenticationError",
        "BelayException",
        "Device",
        "DeviceMeta",
        "Implementation",
        "NO_RESULT",
        "ProxyObject",
        "UNPARSABLE_RESULT",
        "UsbSpecifier",
        "list_devices",
        "minify",
    ]
    return [hasattr(belay, name) for name in names]


@case
def the_interpreter(belay: Any, device: Any) -> Any:
    # Nothing before has broken the session. What follows breaks that of belay.
    return device("1 + 1"), sys.version_info >= (3, 9)


@case
def system_exit(belay: Any, device: Any) -> Any:
    try:
        device("raise SystemExit")
    except Exception as error:
        return isinstance(error, belay.BelayException)

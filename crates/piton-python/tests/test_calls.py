"""Calls of a device: code, tasks, setups, generators, proxies, values and errors."""

from __future__ import annotations

import io
import math
from array import array
from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest

import piton
from piton import Device


def test_statements_and_expressions(device: Device) -> None:
    assert device("foo = 1 + 2") is None
    assert device("foo") == 3
    assert device("'abc'") == "abc"
    assert device("    foo = 4\n    bar = foo * 2\n") is None
    assert device("(foo,\n bar)") == (4, 8)


class Colour(IntEnum):
    """An int with a name."""

    RED = 3


VALUES: "list[Any]" = [
    None,
    True,
    0,
    -1,
    2**31,
    2**70,
    -(2**70),
    1.5,
    -0.0,
    1e100,
    math.inf,
    -math.inf,
    "",
    "text",
    "\0\x04\r\n'\"\\ \u20ac \U0001f600",
    b"",
    bytes(range(256)),
    bytearray(b"ab\0"),
    (),
    (1,),
    (1, "a", None),
    [],
    [1, [2, [3]]],
    {},
    {"a": 1, 2: [3]},
    {1, 2},
    set(),
    frozenset([1]),
    1j,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_there_and_back(device: Device, value: Any) -> None:
    @device.task
    def same(value):
        return value

    returned = same(value)
    assert returned == value
    assert type(returned) is type(value)


def test_values_that_become_others(device: Device) -> None:
    @device.task
    def same(value):
        return value

    assert math.isnan(same(math.nan))
    assert same(Colour.RED) == 3
    assert same(OrderedDict(a=1)) == {"a": 1}
    deep: "list[Any]" = []
    for _ in range(20):
        deep = [deep]
    assert same(deep) == deep


@pytest.mark.parametrize("typecode", "bBhHiIlLqQfd")
def test_arrays_of_numbers(device: Device, typecode: str) -> None:
    @device.task
    def same(value):
        return value

    numbers = array(typecode, [1, 0, 100] if typecode.isupper() else [1, -2, 100])
    returned = same(numbers)
    assert returned == numbers
    assert (type(returned), returned.typecode) == (array, typecode)
    assert same(array(typecode)) == array(typecode)
    # Packages for numbers take its memory as it is.
    assert memoryview(returned).format == typecode


def test_blocks_of_memory(device: Device) -> None:
    @device.task
    def same(value):
        return value

    assert same(memoryview(b"abc")) == b"abc"
    assert same(memoryview(array("h", [1, -1]))) == array("h", [1, -1])
    assert same(memoryview(array("l", [2**40]))) == array("q", [2**40])
    assert same(memoryview(bytes(range(6))).cast("B", (2, 3))) == [[0, 1, 2], [3, 4, 5]]


class Scalar:
    """A number as numpy has them."""

    dtype, ndim = "float64", 0

    def item(self) -> float:
        return 2.5

    def __index__(self) -> int:
        raise TypeError("not an integer")


def test_numbers_of_other_packages(device: Device) -> None:
    assert device.task(lambda value: value)(Scalar()) == 2.5


LARGE: "list[Any]" = [
    bytes(range(256)) * 128,
    bytearray(range(256)) * 3,
    "t\u00e4xt\r\n\x03\x04'" * 500,
    array("h", range(-500, 500)),
    array("d", [0.5, -1e300]) * 50,
    array("l", [-5, 2**30]) * 20,
    memoryview(array("i", range(300))),
    {"a": [b"x" * 70, ("y" * 600,)], b"k" * 65: bytearray(99)},
]


@pytest.mark.parametrize("value", LARGE, ids=lambda value: type(value).__name__)
def test_large_values(device: Device, value: Any) -> None:
    @device.task
    def same(value, *, option=None):
        return value if option is None else option

    @device.task
    def echo(value):
        while True:
            value = yield value

    @device.setup
    def keep(kept):
        pass

    expected = value.obj if isinstance(value, memoryview) else value
    returned = same(value)
    assert returned == expected
    assert type(returned) is type(expected)
    assert same(0, option=value) == expected
    items = echo(value)
    assert next(items) == expected
    assert items.send(value) == expected
    keep(value)
    assert device("kept") == expected
    if isinstance(value, (bytes, str)):
        # A proxy is called with the same bytes beside the text.
        assert device.proxy("(lambda x: [x])")(value)[0] == expected


def test_arguments(device: Device) -> None:
    @device.task
    def takes(a, b=2, *args, c=3, **kwargs):
        return a, b, args, c, sorted(kwargs.items())

    assert takes(1) == (1, 2, (), 3, [])
    assert takes(1, 4, 5, c=6, d=7) == (1, 4, (5,), 6, [("d", 7)])
    assert device.task.takes is takes


def test_a_value_that_cannot_be_sent(device: Device) -> None:
    @device.task
    def same(value):
        return value

    with pytest.raises(TypeError, match="`object` can't be sent to a board"):
        same(object())
    circle: "list[Any]" = []
    circle.append(circle)
    with pytest.raises(ValueError, match="nested"):
        same(circle)


def test_a_result_without_a_literal_form(device: Device) -> None:
    result = device("object()")
    assert result is piton.UNPARSABLE_RESULT
    assert not result


def test_setup_has_globals(device: Device) -> None:
    @device.setup
    def prepare(number, text="b"):
        import math

        total = number * 2
        label = text + "!"

    assert prepare(4, text="c") is None
    assert device("(number, total, label, math.pi > 3)") == (4, 8, "c!", True)


def test_output_goes_to_the_stream(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    @device.task
    def talk():
        print("one")
        print("no line end", end="")
        return 5

    assert talk() == 5
    assert capsys.readouterr().out.replace("\r\n", "\n") == "one\nno line end"
    stream = io.StringIO()
    assert device("print('_BELAYR|1')", stream_out=stream) is None
    assert stream.getvalue().strip() == "_BELAYR|1"
    device("print('dropped')", stream_out=None)
    assert capsys.readouterr().out == ""


def test_generators(device: Device) -> None:
    @device.task
    def count(limit):
        for number in range(limit):
            got = yield number
            if got is not None:
                yield ("got", got)

    assert list(count(3)) == [0, 1, 2]
    numbers = count(5)
    assert next(numbers) == 0
    assert numbers.send("x") == ("got", "x")
    assert next(numbers) == 1


def test_exceptions_are_thrown_into_generators(device: Device) -> None:
    @device.task
    def patient():
        log = []
        while True:
            try:
                yield log
            except ValueError as error:
                log.append(error.args)
            except OSError as error:
                yield "os", error.args[0]
                return

    items = patient()
    assert next(items) == []
    assert items.throw(ValueError("x", [1])) == [("x", [1])]
    assert items.throw(ValueError(object()))[1][0].startswith("<object")
    # A type that boards lack is the nearest one that they have.
    assert items.throw(FileNotFoundError(2)) == ("os", 2)
    with pytest.raises(StopIteration):
        next(items)
    items = patient()
    next(items)
    error = KeyError("k")
    with pytest.raises(KeyError) as caught:
        items.throw(error)
    assert caught.value is error
    assert isinstance(error.__cause__, piton.PyboardException)
    assert next(items, None) is None


def test_a_generator_that_is_left_is_closed(device: Device) -> None:
    @device.task
    def count(fails=False):
        global closed
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed += 1
            if fails:
                raise ValueError("at the end")

    device("closed = 0")
    for number in count():
        if number == 2:
            break
    # Without a reference it is gone at once.
    assert device("closed") == 1
    items = count(True)
    next(items)
    with pytest.raises(piton.PyboardException, match="at the end"):
        items.close()
    assert device("closed") == 2
    items.close()

    class Closing(io.StringIO):
        """Closes a generator in the middle of a call."""

        items = count()

        def write(self, text: str) -> int:
            self.items.close()
            return len(text)

    stream = Closing()
    next(stream.items)
    device("print('x')", stream_out=stream)
    # The next call of a function closes that one, and the end of the statement this one.
    assert next(count()) == 0
    assert device("closed") == 4


def test_an_exception_names_the_line_of_the_host(device: Device) -> None:
    @device.task
    def fails(value):
        if value:
            raise ValueError("bad value")

    with pytest.raises(piton.PyboardException) as caught:
        fails(1)
    error = caught.value
    assert (error.type_name, error.message) == ("ValueError", "bad value")
    assert error.frames[-1].file == __file__
    assert 'raise ValueError("bad value")' in error.args[0]
    assert str(error) == "\n\n" + error.args[0]
    assert fails(0) is None


def test_a_timeout_stops_the_board(device: Device) -> None:
    @device.task(timeout=0.3)
    def forever():
        while True:
            pass

    with pytest.raises(TimeoutError):
        forever()
    assert device("1 + 1") == 2


def test_lambdas_and_methods(device: Device) -> None:
    double = device.task(lambda x: x * 2)
    assert double(4) == 8

    class Holder:
        """A class with a function."""

        @staticmethod
        def triple(x):
            text = """
  not moved"""
            return x * 3, text

    triple = device.task(Holder.triple)
    assert triple(2) == (6, "\n  not moved")


def test_generated_code_has_no_source(device: Device) -> None:
    names: "dict[str, Any]" = {}
    exec("def generated():\n    return 1\n", names)
    with pytest.raises(OSError, match="cannot be found"):
        device.task(names["generated"])


def test_reserved_names(device: Device) -> None:
    def __belay_x():
        pass

    with pytest.raises(piton.SpecialFunctionNameError):
        device.task(__belay_x)


def test_items_ahead(device: Device) -> None:
    @device.task
    def count(n, last=None):
        yield from range(n)
        if last:
            yield last()

    assert list(count.ahead(16)(50)) == list(range(50))
    items = count.ahead(4)(9)
    assert next(items) == 0
    with pytest.raises(RuntimeError, match="run ahead"):
        items.send(1)
    with pytest.raises(ValueError, match="not 0"):
        count.ahead(0)
    # An object has no literal form: alone it is one item among others.
    kind = device.proxy("object")
    assert list(count(2, kind)) == [0, 1, piton.UNPARSABLE_RESULT]
    with pytest.raises(ValueError, match="iterate without `ahead`"):
        list(count.ahead(9)(2, kind))
    assert list(count(2)) == [0, 1]


def test_proxies(device: Device) -> None:
    device("data = [1, 2, 3]\nclass Box:\n def __init__(self): self.n = 1\n def add(self, k): self.n += k; return self\nbox = Box()")
    data = device.proxy("data")
    assert len(data) == 3 and data[0] == 1 and 2 in data and list(data) == [1, 2, 3]
    data[0] = 10
    assert device("data") == [10, 2, 3]
    assert device(data[1:]) == [2, 3]
    box = device.proxy("box")
    box.add(4).add(5)
    assert box.n == 10
    box.n = 1
    assert device("box.n") == 1
    with pytest.raises(AttributeError):
        box.missing
    with pytest.raises(IndexError):
        data[9]
    del box.n
    with pytest.raises(AttributeError):
        del box.n
    table = device.proxy("{'a': [1]}")
    table["v"] = data
    table["a"].append(2)
    assert device(table) == {"a": [1, 2], "v": [10, 2, 3]}
    del table["a"], data[0]
    with pytest.raises(KeyError):
        del table["a"]
    data.insert(0, 10)
    math_module = device.proxy("import math")
    assert math_module.sqrt(4) == 2
    sin, cos = device.proxy("from math import sin, cos")
    assert cos(0) == 1 and sin(0) == 0
    assert repr(data) == "<ProxyObject [10, 2, 3]>"
    passed = device.task(lambda x: len(x))
    assert passed(data) == 3
    data[0] = [b"\x03\xff" * 500, "\u00e4" * 600]
    assert device(data[0]) == [b"\x03\xff" * 500, "\u00e4" * 600]
    assert data[0][0] == b"\x03\xff" * 500
    assert device(data[1::1]) == [2, 3] and device(data[:-1][1:]) == [2]

"""Behaviours of the package belay for which a script makes its own device: each is a function of the module and a port."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator

CONNECTIONS: "dict[str, Callable[[Any, str], Any]]" = {}

LIST = """
def listed(folder):
    import os
    found = []
    for name in os.listdir(folder):
        path = folder.rstrip('/') + '/' + name
        if os.stat(path)[0] & 0x4000:
            found.append(path + '/')
            found.extend(listed(path))
        else:
            found.append(path)
    return sorted(found)
"""


def connection(function: "Callable[[Any, str], Any]") -> "Callable[[Any, str], Any]":
    """Adds a case under the name of its function."""
    CONNECTIONS[function.__name__] = function
    return function


@contextlib.contextmanager
def folder(**files: "str | bytes") -> "Iterator[Path]":
    """Makes a folder of files: `pkg__a_py` is `pkg/a.py`."""
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            path = Path(root, *name.split("__"))
            head, _, suffix = path.name.rpartition("_")
            path = path.with_name(f"{head}.{suffix}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield Path(root)


# -- classes ----------------------------------------------------------------------------------------------------------


@connection
def class_with_all_kinds(belay: Any, port: str) -> Any:
    order = []

    class Board(belay.Device, skip=True):
        """All kinds of marked methods."""

        def __pre_autoinit__(self):
            order.append("pre")
            self("level = 1")

        @belay.Device.setup(autoinit=True)
        def first():
            level += 1

        @belay.Device.setup(autoinit=True)
        def second():
            level *= 10

        @belay.Device.setup
        def later(value):
            level = value

        @belay.Device.task
        def read(factor=1):
            return level * factor

        @belay.Device.task
        def count(n):
            for i in range(n):
                yield i

        @belay.Device.teardown
        def finish():
            print("finished at", level)

        def __post_init__(self):
            order.append(self.read())

        def plain(self):
            return self.read(2)

    with Board(port) as board:
        board.later(7)
        values = board.read(), board.read(factor=3), board.plain(), list(board.count(3))
        return order, values, board.read.__name__


@connection
def class_with_attributes_of_the_executers(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """A device with one task."""

        @belay.Device.task
        def one():
            return 1

    with Board(port) as board:
        return board.one(), hasattr(board, "setup"), type(board).__mro__[-2].__name__


@connection
def class_with_inheritance(belay: Any, port: str) -> Any:
    class Base(belay.Device, skip=True):
        """Has a task that a subclass replaces."""

        @belay.Device.task
        def name():
            return "base"

        @belay.Device.task
        def kept():
            return "kept"

    class Derived(Base, skip=True):
        """Replaces one."""

        @belay.Device.task
        def name():
            return "derived"

    with Derived(port) as board:
        return board.name(), board.kept()


@connection
def class_with_overloads(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """Methods of one name."""

        @belay.Device.task(implementation="circuitpython")
        def name():
            return "circuitpython"

        @belay.Device.task(implementation="micropython")
        def name():  # noqa: F811
            return "micropython"

        @belay.Device.task(implementation="circuitpython")
        def other():
            return 1

        @belay.Device.task
        def other():  # noqa: F811
            return 2

    with Board(port) as board:
        return board.name(), board.other()


@connection
def class_without_a_matching_overload(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """A method for another implementation."""

        @belay.Device.task(implementation="other")
        def name():
            return 1

    try:
        with Board(port) as board:
            board.name()
    except belay.NoMatchingExecuterError:
        return "no match"


@connection
def class_with_an_inherited_overload(belay: Any, port: str) -> Any:
    class Base(belay.Device, skip=True):
        """A method for all implementations."""

        @belay.Device.task
        def name():
            return "base"

    class Derived(Base, skip=True):
        """A method for another one."""

        @belay.Device.task(implementation="other")
        def name():
            return "derived"

    with Derived(port) as board:
        return board.name()


@connection
def class_with_mixed_methods(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """One name for a plain and a marked function."""

        def f(self):
            pass

        @belay.Device.task
        def f():  # noqa: F811
            pass


@connection
def class_with_a_method_behind_all(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """An overload that is never chosen."""

        @belay.Device.task
        def f():
            pass

        @belay.Device.task(implementation="micropython")
        def f():  # noqa: F811
            pass


@connection
def class_with_a_mixin(belay: Any, port: str) -> Any:
    class Mixin:
        """A plain class with a marked method, and one of the name of a decorator."""

        @belay.Device.task
        def mixed():
            return "from the mixin"

        def setup(self):
            return "mine"

    class Board(belay.Device, Mixin, skip=True):
        """A board with it."""

        @belay.Device.task
        def own():
            return "own"

    with Board(port) as board:
        return board.mixed(), board.own(), [base.__name__ for base in Board.__mro__ if base.__name__ != "ABC"]


@connection
def class_with_a_mixin_of_overloads(belay: Any, port: str) -> Any:
    class Mixin(metaclass=belay.DeviceMeta):
        """Overloads in a mixin."""

        @belay.Device.task(implementation="circuitpython")
        def name():
            return "c"

        @belay.Device.task(implementation="micropython")
        def name():  # noqa: F811
            return "m"

    class Board(Mixin, belay.Device, skip=True):
        """A board with it."""

    with Board(port) as board:
        return board.name()


@connection
def class_with_options(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """Options of marks."""

        @belay.Device.task(minify=False, record=True)
        def text():
            # a comment
            return "text"

        @belay.Device.task(trusted=True)
        def data():
            return bytearray(b"x")

        @belay.Device.setup(ignore_errors=True)
        def fails():
            1 / 0

        @belay.Device.task(return_time=True)
        def timed():
            return 1

    with Board(port) as board:
        return board.text(), board.data(), board.fails(), type(board.timed()).__name__


@connection
def class_with_a_property(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """A property that needs a task."""

        @belay.Device.task
        def read():
            return 4

        @property
        def doubled(self):
            return self.read() * 2

    with Board(port) as board:
        return board.doubled


@connection
def class_with_arguments(belay: Any, port: str) -> Any:
    class Board(belay.Device, skip=True):
        """A constructor of its own."""

        def __init__(self, *args, factor, **kwargs):
            self.factor = factor
            super().__init__(*args, **kwargs)

        @belay.Device.task
        def read():
            return 4

    with Board(port, factor=3, startup="") as board:
        return board.read() * board.factor


@connection
def registry_of_classes(belay: Any, port: str) -> Any:
    class FirstBoard(belay.Device):
        """Registered by its name."""

    class Second(FirstBoard, name="other"):
        """Registered by another."""

    return (
        belay.Device["firstboard"] is FirstBoard,
        belay.Device["FIRSTBOARD"] is FirstBoard,
        FirstBoard["other"] is Second,
        "other" in FirstBoard,
        "second" in belay.Device,
        list(FirstBoard),
        len(FirstBoard),
        belay.Device.get("none"),
        belay.Device.get("firstboard") is FirstBoard,
    )


@connection
def registry_of_an_unknown_name(belay: Any, port: str) -> Any:
    return belay.Device["no such board"]


# -- connecting -------------------------------------------------------------------------------------------------------


@connection
def startup_of_nothing(belay: Any, port: str) -> Any:
    with belay.Device(port, startup="") as board:
        return board("'const' in globals()"), board("1 + 1")


@connection
def startup_of_code(belay: Any, port: str) -> Any:
    with belay.Device(port, startup="answer = 42\nimport math") as board:
        return board("answer"), board("math.floor(1.5)")


@connection
def board_is_fresh(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        board("left_behind = 1")
    with belay.Device(port) as board:
        return board("'left_behind' in globals()")


@connection
def closing_twice(belay: Any, port: str) -> Any:
    board = belay.Device(port)
    board.close()
    return board.close()


@connection
def without_time(belay: Any, port: str) -> Any:
    with belay.Device(port, auto_sync_time=False) as board:
        try:
            return board.time_offset
        except ValueError as error:
            return str(error)


@connection
def time_without_time(belay: Any, port: str) -> Any:
    with belay.Device(port, auto_sync_time=False) as board:
        return board("1", return_time=True)


@connection
def specifier_of_a_path(belay: Any, port: str) -> Any:
    with belay.Device(belay.UsbSpecifier(device=port)) as board:
        return board("2 * 2")


@connection
def specifier_as_json(belay: Any, port: str) -> Any:
    with belay.Device('{"device": "%s"}' % port) as board:
        return board("2 * 3")


@connection
def specifier_in_the_environment(belay: Any, port: str) -> Any:
    os.environ["BELAY_DEVICE"] = '{"device": "%s"}' % port
    try:
        with belay.Device() as board:
            return board("2 * 4")
    finally:
        del os.environ["BELAY_DEVICE"]


@connection
def specifier_of_no_board(belay: Any, port: str) -> Any:
    os.environ["BELAY_DEVICE"] = '{"serial_number": "no such board"}'
    try:
        belay.Device()
    finally:
        del os.environ["BELAY_DEVICE"]


@connection
def specifier_fields(belay: Any, port: str) -> Any:
    full = belay.UsbSpecifier(vid=1, pid=2, serial_number="S", manufacturer="M", product="P", location="L", device="/d")
    text = full.model_dump_json(exclude_none=True)
    again = belay.UsbSpecifier.model_validate_json(text)
    return repr(full), text, repr(again), full.to_port(), full == again, again.device


@connection
def unexpected_argument(belay: Any, port: str) -> Any:
    belay.Device(port, nonsense=1)


@connection
def teardowns_of_an_instance(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.teardown
        def one():
            print("one")

        @board.teardown
        def two():
            print("two")

        return board.teardown.one is one


@connection
def teardown_called_by_hand(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.teardown(register=False)
        def done():
            print("done")

        done()
        return hasattr(board.teardown, "done")


@connection
def reserved_name_without_register(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.setup(register=False)
        def _belay_setup():
            seen = 1

        _belay_setup()
        return board("seen")


@connection
def thread_on_the_board(belay: Any, port: str) -> Any:
    # The virtual board has no threads: both packages raise what the board raises.
    with belay.Device(port) as board:

        @board.thread
        def run(n):
            pass

        try:
            return run(1), board.thread.run is run
        except belay.PyboardException as error:
            return str(error).strip().splitlines()[-1]


@connection
def time_of_a_generator(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.task(return_time=True)
        def count(n):
            yield from range(n)

        return [(value, type(when).__name__) for value, when in count(2)]


@connection
def time_of_a_task(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.task(return_time=True)
        def value():
            return [1]

        before = time.time()
        found, when = value()
        return found, abs(when.timestamp() - before) < 2


@connection
def generator_left_early(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.task
        def count():
            i = 0
            while True:
                yield i
                i += 1

        first = []
        for item in count():
            first.append(item)
            if item == 2:
                break
        generator = count()
        next(generator)
        generator.close()
        return first, board("1 + 1"), next(count())


@connection
def generator_methods(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.task
        def two():
            yield 1
            yield 2

        generator = two()
        found = [type(generator).__name__, iter(generator) is generator, next(generator), next(generator)]
        try:
            next(generator)
        except StopIteration:
            found.append("stopped")
        try:
            next(generator)
        except StopIteration:
            found.append("stopped again")
        return found


@connection
def frames_of_an_exception(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.task
        def fails(x):
            if x:
                raise KeyError("k")
            return x

        try:
            fails(1)
        except belay.PyboardException as error:
            text = error.args[0].replace("\r\n", "\n")
            return __file__ in text, 'raise KeyError("k")' in text, text.strip().splitlines()[-1], fails(0)


@connection
def exception_of_a_generator(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:

        @board.task
        def fails():
            yield 1
            raise OSError(5)

        generator = fails()
        found = [next(generator)]
        try:
            next(generator)
        except belay.PyboardException as error:
            found.append(error.args[0].strip().splitlines()[-1])
        try:
            next(generator)
        except StopIteration:
            found.append("stopped")
        return found


# -- proxies ----------------------------------------------------------------------------------------------------------


@connection
def proxies_of_all_kinds(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        board("data = {'a': [1, 2], 'b': (3, 4)}\nnames = {'x', 'y'}\ntext = 'abc'\nnothing = None\nnumber = 1.5")
        data = board.proxy("data")
        a, b = data["a"], data["b"]
        data["c"] = 5
        found = [type(a).__name__, type(b).__name__, a[0], b[1], len(data), "c" in data, sorted(data), data["c"]]
        found += [board(a), board(b), board("text", proxy=True), board("nothing", proxy=True), board("number", proxy=True)]
        found += [type(board("(1, 2)", proxy=True)).__name__, str(a), repr(b), a == [1, 2], b == (3, 4), hash(board.proxy("text")) != 0]
        a.append(9)
        return found, board("data['a']"), list(a), a[-1], board(a[::2]), board(a[1:])


@connection
def proxy_of_a_class(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        board("class Point:\n def __init__(self, x, y=0):\n  self.x = x\n  self.y = y\n def moved(self, by):\n  return Point(self.x + by, self.y)")
        point_class = board.proxy("Point")
        point = point_class(3, y=4)
        moved = point.moved(10)
        point.x = moved
        return type(point).__name__, moved.x, moved.y, point.x.x


@connection
def proxy_that_is_deleted(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        board("kept = [1]\ngone = [2]")
        kept, gone = board.proxy("kept"), board.proxy("gone", delete=True)
        found = [kept[0], gone[0]]
        del kept, gone
        return found, board("'kept' in globals()"), board("'gone' in globals()")


@connection
def proxy_of_an_iterator(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        return list(board.proxy("range(4)")), list(board("map(str, [1, 2])", proxy=True)), [x for x in board.proxy("{1: 2}")]


@connection
def proxy_calls_with_proxies(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        board("def joined(a, b, *, c=None): return [a, b, c]\none = [1]")
        one, joined = board.proxy("one"), board.proxy("joined")
        return board(joined(one, 2, c=one)), board(joined(1, "x"))


@connection
def proxy_imports(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        system = board.proxy("import sys")
        path, name = board.proxy("from sys import path, platform as name")
        other = board.proxy("import math as m")
        return type(system).__name__, type(path).__name__, name, other.floor(2.5), board("import math")


@connection
def proxy_errors_of_a_call(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        found = []
        for text in ("int", "[].pop", "{}.__getitem__", "len"):
            try:
                board.proxy(f"({text})")("x", 1, 2, 3)
            except Exception as error:
                found.append(type(error).__name__)
        return found


# -- files ------------------------------------------------------------------------------------------------------------


def synced(board: Any, dst: str) -> Any:
    board(LIST)
    return board(f"listed({dst!r})")


@connection
def sync_of_a_folder(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_py="x = 1\n", pkg__b_py="y = 2\n", data_bin=bytes(range(256))) as root:
        board.sync(root, dst="/t1")
        return synced(board, "/t1"), board("open('/t1/data.bin', 'rb').read()") == bytes(range(256))


@connection
def sync_again(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        with folder(a_py="x = 1\n", pkg__b_py="y = 2\n") as root:
            board.sync(root, dst="/t2")
        with folder(a_py="x = 3\n", c_txt="c") as root:
            board.sync(root, dst="/t2")
        return synced(board, "/t2"), board("open('/t2/c.txt').read()"), board("open('/t2/a.py').read().strip()")


@connection
def sync_without_minify(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_py="# comment\nx  =  1\n") as root:
        board.sync(root, dst="/t3", minify=False)
        return board("open('/t3/a.py').read()")


@connection
def sync_that_keeps(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        with folder(a_txt="a", b_txt="b", pkg__c_txt="c", pkg__d_txt="d") as root:
            board.sync(root, dst="/t4")
        found = []
        for keep in (True, ["/a.txt", "pkg"], "b.txt", False):
            with folder(new_txt="n") as root:
                board.sync(root, dst="/t4", keep=keep)
            found.append(synced(board, "/t4"))
        return found


@connection
def sync_that_ignores(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_py="a", b_txt="b", c_pyc="c", pkg__d_txt="d", pkg__e_py="e=1") as root:
        found = []
        for ignore in (None, "*.txt", ["*.py", "*.pyc"], ["pkg"], ["pkg/"], []):
            board.sync(root, dst="/t5", ignore=ignore)
            found.append(synced(board, "/t5"))
        return found


@connection
def sync_that_takes_back_what_it_ignores(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_py="a", b_txt="b", pkg__e_py="e=1") as root:
        board.sync(root, dst="/t12", ignore=["*", "!*.py"])
        return synced(board, "/t12")


@connection
def sync_that_ignores_in_the_folder_itself(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_py="a", b_txt="b", pkg__b_txt="b") as root:
        board.sync(root, dst="/t13", ignore=["/b.txt"])
        return synced(board, "/t13")


@connection
def sync_of_what_was_sent_and_is_ignored_now(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_txt="a", b_dat="b") as root:
        board.sync(root, dst="/t6")
        board.sync(root, dst="/t6", ignore=["*.dat"])
        return synced(board, "/t6")


@connection
def sync_of_a_file(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_txt="a", b_txt="b") as root:
        board.sync(root / "a.txt", dst="/t7")
        board.sync(root / "b.txt", dst="/t7")
        return synced(board, "/t7")


@connection
def sync_of_empty_folders(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_txt="a") as root:
        (root / "empty" / "inner").mkdir(parents=True)
        board.sync(root, dst="/t8")
        return [name for name in synced(board, "/t8") if not name.endswith("/")]


@connection
def sync_into_the_root(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        board(LIST)
        for path in ("/boot.py", "/webrepl_cfg.py", "/stale.txt"):
            board(f"open({path!r}, 'w').close()")
        board("import os\ntry:\n os.mkdir('/lib')\nexcept OSError: pass\nopen('/lib/kept.py', 'w').close()")
        # The other module has left it: both use one board.
        board("try:\n os.remove('/lib/module.py')\nexcept OSError: pass")
        with folder(main_py="x = 1\n") as root:
            board.sync(root)
        return [name for name in synced(board, "/") if not name.startswith(("/_belay", "/t", "/dev"))]


@connection
def sync_with_progress(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_txt="a" * 50, b_txt="b") as root:
        heard: "list[dict[str, Any]]" = []
        board.sync(root, dst="/t9", progress_update=lambda **update: heard.append(update))
        total = [update["total"] for update in heard if "total" in update]
        advanced = sum(update.get("advance", 0) for update in heard)
        heard.clear()
        board.sync(root, dst="/t9", progress_update=lambda **update: heard.append(update))
        return total, advanced, sum(update.get("advance", 0) for update in heard)


@connection
def sync_and_import(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(module_py='"""doc"""\n\ndef f():\n    # comment\n    return "value"\n') as root:
        board.sync(root, dst="/lib")
        return board("__import__('module').f()")


@connection
def sync_of_dependencies(belay: Any, port: str) -> Any:
    with folder(bundled_package____init___py="", bundled_package__parts__main__a_py="a=1\n", bundled_package__parts__dev__b_py="b=2\n") as root:
        sys.path.insert(0, str(root))
        try:
            with belay.Device(port) as board:
                board.sync_dependencies("bundled_package", "parts/main", "parts/dev", dst="/t10")
                first = synced(board, "/t10")
                board.sync_dependencies("bundled_package", "parts/dev", dst="/t10")
                return first, synced(board, "/t10")
        finally:
            sys.path.remove(str(root))


@connection
def sync_to_a_trailing_slash(belay: Any, port: str) -> Any:
    with belay.Device(port) as board, folder(a_txt="a") as root:
        board.sync(root, dst="/t11/")
        return synced(board, "/t11")


@connection
def host_output_of_a_callable(belay: Any, port: str) -> Any:
    with belay.Device(port) as board:
        stream = io.StringIO()
        board("for i in range(3):\n    print(i, end=' ')\nprint()", stream_out=stream)
        return stream.getvalue().replace("\r\n", "\n")

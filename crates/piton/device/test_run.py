# Runs the tests of one module, and reports them in lines that begin with `mark`: a JSON list each.
#
# A test is a method `test*` of a class with `TestCase` among its bases, or a function `test*` of the module. `own` makes the
# TestCase here the module `unittest`.
def _piton(mark, module, pattern, own):
    import io
    import json
    import sys
    import time

    class SkipTest(Exception):
        pass

    class ExpectedFailure(Exception):
        pass

    class UnexpectedSuccess(Exception):
        pass

    class Raises:
        def __init__(self, expected, text=None):
            self.expected = expected
            self.text = text

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            if kind is None:
                names = self.expected if isinstance(self.expected, tuple) else (self.expected,)
                raise AssertionError("%s not raised" % " or ".join([one.__name__ for one in names]))
            if not issubclass(kind, self.expected):
                return False
            self.exception = error
            if self.text is not None:
                import re

                if not re.search(self.text, str(error)):
                    raise AssertionError("%r does not match %r" % (self.text, str(error)))
            return True

    class SubTest:
        def __init__(self, case, title):
            self.case = case
            self.title = title

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            if kind is None or not issubclass(kind, Exception) or kind.__name__ == "SkipTest":
                return False
            self.case._failures.append((self.title, error))
            return True

    class TestCase:
        # Those of TestCase alone are called around the tests of a class.
        def setUpClass():
            pass

        def tearDownClass():
            pass

        def setUp(self):
            pass

        def tearDown(self):
            pass

        def addCleanup(self, function, *args, **kwargs):
            self._cleanups.append((function, args, kwargs))

        def doCleanups(self):
            while self._cleanups:
                function, args, kwargs = self._cleanups.pop()
                function(*args, **kwargs)

        def subTest(self, msg=None, **params):
            title = "" if msg is None else str(msg)
            for name in sorted(params):
                title += "%s%s=%r" % (", " if title else "", name, params[name])
            return SubTest(self, title)

        def skipTest(self, reason):
            raise SkipTest(reason)

        def fail(self, msg=None):
            raise AssertionError(msg or "failed")

        def _check(self, holds, msg, text, *values):
            if not holds:
                text = text % tuple([repr(value) for value in values])
                raise AssertionError("%s : %s" % (text, msg) if msg else text)

        def assertTrue(self, value, msg=None):
            self._check(value, msg, "%s is not true", value)

        def assertFalse(self, value, msg=None):
            self._check(not value, msg, "%s is not false", value)

        def assertEqual(self, first, second, msg=None):
            self._check(first == second, msg, "%s != %s", first, second)

        assertListEqual = assertTupleEqual = assertDictEqual = assertSetEqual = assertEqual
        assertSequenceEqual = assertMultiLineEqual = assertEqual

        def assertNotEqual(self, first, second, msg=None):
            self._check(first != second, msg, "%s == %s", first, second)

        def assertIs(self, first, second, msg=None):
            self._check(first is second, msg, "%s is not %s", first, second)

        def assertIsNot(self, first, second, msg=None):
            self._check(first is not second, msg, "%s is %s", first, second)

        def assertIsNone(self, value, msg=None):
            self._check(value is None, msg, "%s is not None", value)

        def assertIsNotNone(self, value, msg=None):
            self._check(value is not None, msg, "%s is None", value)

        def assertIn(self, member, container, msg=None):
            self._check(member in container, msg, "%s not found in %s", member, container)

        def assertNotIn(self, member, container, msg=None):
            self._check(member not in container, msg, "%s found in %s", member, container)

        def assertIsInstance(self, value, kind, msg=None):
            self._check(isinstance(value, kind), msg, "%s is not an instance of %s", value, kind)

        def assertNotIsInstance(self, value, kind, msg=None):
            self._check(not isinstance(value, kind), msg, "%s is an instance of %s", value, kind)

        def assertLess(self, first, second, msg=None):
            self._check(first < second, msg, "%s is not less than %s", first, second)

        def assertLessEqual(self, first, second, msg=None):
            self._check(first <= second, msg, "%s is greater than %s", first, second)

        def assertGreater(self, first, second, msg=None):
            self._check(first > second, msg, "%s is not greater than %s", first, second)

        def assertGreaterEqual(self, first, second, msg=None):
            self._check(first >= second, msg, "%s is less than %s", first, second)

        def _are_close(self, first, second, places, delta):
            if first == second:
                return True
            difference = abs(first - second)
            if delta is not None:
                return difference <= delta
            return round(difference, 7 if places is None else places) == 0

        def assertAlmostEqual(self, first, second, places=None, msg=None, delta=None):
            close = self._are_close(first, second, places, delta)
            self._check(close, msg, "%s is not close to %s", first, second)

        def assertNotAlmostEqual(self, first, second, places=None, msg=None, delta=None):
            close = self._are_close(first, second, places, delta)
            self._check(not close, msg, "%s is close to %s", first, second)

        def assertRegex(self, text, regex, msg=None):
            import re

            self._check(re.search(regex, text), msg, "%s does not match %s", regex, text)

        def assertCountEqual(self, first, second, msg=None):
            first, rest = list(first), list(second)
            same = len(first) == len(rest)
            for item in first:
                if item in rest:
                    rest.remove(item)
            self._check(same and not rest, msg, "%s and %s have other elements", first, list(second))

        def assertRaises(self, expected, function=None, *args, **kwargs):
            if function is None:
                return Raises(expected)
            with Raises(expected):
                function(*args, **kwargs)

        def assertRaisesRegex(self, expected, text, function=None, *args, **kwargs):
            if function is None:
                return Raises(expected, text)
            with Raises(expected, text):
                function(*args, **kwargs)

    def skip(reason):
        def decorate(test):
            if isinstance(test, type):
                test._piton_skip = reason
                return test

            def skipped(*args):
                raise SkipTest(reason)

            return skipped

        return decorate

    def keep(test):
        return test

    def skip_if(condition, reason):
        return skip(reason) if condition else keep

    def skip_unless(condition, reason):
        return keep if condition else skip(reason)

    def expected_failure(test):
        def wrapper(*args):
            try:
                wait(test(*args))
            except SkipTest:
                raise
            except Exception as error:
                raise ExpectedFailure(repr(error))
            raise UnexpectedSuccess("the test passed, and was expected to fail")

        return wrapper

    def tell(*fields):
        sys.stdout.write(mark + json.dumps(fields) + "\n")

    def wait(value):
        # The result of an `async def`.
        if hasattr(value, "throw"):
            import asyncio

            asyncio.run(value)

    def traceback_of(error):
        text = io.StringIO()
        sys.print_exception(error, text)
        return text.getvalue()

    def result_of(error):
        name = type(error).__name__
        if name == "SkipTest":
            return "skipped"
        if isinstance(error, ExpectedFailure):
            return "xfailed"
        return "xpassed" if isinstance(error, UnexpectedSuccess) else "failed"

    def attempt(name, call):
        if pattern not in "::" + name.lower():
            return
        tell("start", name)
        began = time.ticks_ms()
        result, message, trace = "passed", "", ""
        try:
            trace = call() or ""
            if trace:
                result = "failed"
        except (Exception, SystemExit) as error:
            result, message = result_of(error), str(error)
            if result == "failed":
                trace = traceback_of(error)
        tell("end", name, result, time.ticks_diff(time.ticks_ms(), began), message, trace)

    def optional(owner, name):
        # micropython-lib's TestCase has none of these methods.
        method = getattr(owner, name, None)
        if method:
            wait(method())

    def run_method(kind, name, unittest):
        case = kind()
        case._failures, case._cleanups = [], []
        theirs = None
        if hasattr(unittest, "TestResult"):
            # micropython-lib's: its subTest() notes failures there.
            theirs = unittest.__test_result__ = unittest.TestResult()
            unittest.__current_test__ = (name, kind.__name__)
        try:
            optional(case, "setUp")
            try:
                wait(getattr(case, name)())
            finally:
                optional(case, "tearDown")
        finally:
            optional(case, "doCleanups")
        traces = ["(%s) %s" % (title, traceback_of(error)) for title, error in case._failures]
        if theirs:
            traces += [str(entry[-1]) for entry in theirs.errors + theirs.failures]
        return "\n".join(traces)

    def run_class(kind, unittest):
        names = [name for name in sorted(dir(kind)) if name.startswith("test")]
        reason = getattr(kind, "_piton_skip", None)
        if reason is not None:
            for name in names:
                attempt(kind.__name__ + "::" + name, lambda: skip(reason)(None)())
            return
        optional(kind, "setUpClass")
        for name in names:
            attempt(kind.__name__ + "::" + name, lambda: run_method(kind, name, unittest))
        optional(kind, "tearDownClass")

    if own:
        names = {
            "TestCase": TestCase,
            "SkipTest": SkipTest,
            "skip": skip,
            "skipIf": skip_if,
            "skipUnless": skip_unless,
            "expectedFailure": expected_failure,
            "main": lambda *args, **kwargs: None,
        }
        # A class is the module: modules can't be made.
        sys.modules["unittest"] = type("unittest", (), names)
    try:
        tests = __import__(module)
        unittest = sys.modules.get("unittest")
        case = getattr(unittest, "TestCase", None)
        for name in sorted(dir(tests)):
            value = getattr(tests, name)
            if isinstance(value, type):
                if case and value is not case and issubclass(value, case):
                    run_class(value, unittest)
            elif name.startswith("test") and callable(value):
                attempt(name, lambda: wait(value()))
    except (Exception, SystemExit) as error:
        if result_of(error) == "skipped":
            tell("skip", str(error))
        else:
            tell("error", str(error), traceback_of(error))
    tell("done")

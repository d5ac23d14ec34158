# Compares sources and their minified copies as CPython parses them: the same tree with the same line numbers.
#
# stdin: the path of a source and that of its copy (empty if the minifier refused it), one pair a line, parted by a
# tab. stdout: one line a pair, "same", "not Python", or what differs. With the argument "belay", stdin is paths
# alone, and stdout the number of files that Belay minifies, their bytes, the bytes of the results, the seconds it
# takes, how many it fails on and how many of the results are the same by the rule above.
import ast
import sys
import time
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)

# Lists of statements, by their name in the tree.
BODIES = ("body", "orelse", "finalbody")


def is_string(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_zero(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value == 0


# A statement that is a string has no effect. What is left when it goes has a 0 in its place.
def without_strings(body):
    kept = [node for node in body if not is_string(node)]
    return [] if len(kept) == 1 and is_zero(kept[0]) else kept


def flat(tree):
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.AST):
            yield type(node).__name__
            yield getattr(node, "lineno", None)
            if not isinstance(node, ast.stmt):
                yield getattr(node, "end_lineno", None)
            for name, value in ast.iter_fields(node):
                if name in BODIES and isinstance(value, list):
                    value = without_strings(value)
                waiting.append(value)
        elif isinstance(node, list):
            yield len(node)
            waiting.extend(node)
        else:
            yield type(node)
            yield repr(node)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def parse(path):
    return ast.parse(read(path))


def outcome(source, minified):
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "not Python"
    if not minified:
        return "refused"
    try:
        other = parse(minified)
    except (SyntaxError, ValueError) as error:
        return "does not parse: " + str(error)
    line = None
    for one, two in zip(flat(tree), flat(other)):
        if one != two:
            return f"differs after line {line}: {one!r} has become {two!r}"
        line = one if isinstance(one, int) else line
    return "same"


def measure_belay(paths):
    from belay._minify import minify
    import os
    import tempfile

    files = size = result_size = failed = same = 0
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "copy.py")
        for path in paths:
            try:
                text = read(path).decode()
                ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            start = time.process_time()
            try:
                result = minify(text)
            except Exception:
                failed += 1
                continue
            finally:
                seconds += time.process_time() - start
                files += 1
                size += len(text.encode())
            result_size += len(result.encode())
            with open(copy, "w", newline="") as file:
                file.write(result)
            same += outcome(path, copy) == "same"
    print(files, size, result_size, seconds, failed, same)


if "belay" in sys.argv:
    measure_belay([line.rstrip("\n") for line in sys.stdin])
else:
    for line in sys.stdin:
        print(outcome(*line.rstrip("\n").split("\t")), flush=True)

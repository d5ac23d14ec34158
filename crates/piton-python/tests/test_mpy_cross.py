"""The compiler in the package: beside the module of the package ``mpy-cross`` where that is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from piton import mpy_cross

GOOD = "def f(a, *b):\n    return a if b else 1 << 40\n"


def test_a_module_is_for_its_target() -> None:
    for target, header in [
        ("micropython", b"M\x06\x00\x1f"),
        ("micropython-1.19", b"M\x06\x00\x1f"),
        ("micropython-1.18", b"M\x05\x02\x1f"),
        ("circuitpython-9", b"C\x06\x00\x1f"),
        ("circuitpython-8", b"C\x05\x02\x1f"),
    ]:
        assert mpy_cross.compile(GOOD, target=target)[:4] == header, target
    assert set(mpy_cross.targets()) >= {"micropython", "micropython-1.12", "circuitpython-10"}


def test_options_change_the_module() -> None:
    plain = mpy_cross.compile(GOOD, name="a.py")
    assert plain == mpy_cross.compile(GOOD.encode(), name="a.py")
    others = [
        mpy_cross.compile(GOOD, name="b.py"),
        mpy_cross.compile(GOOD, name="a.py", embed_name="c.py"),
        mpy_cross.compile(GOOD, name="a.py", optimise=3),
        mpy_cross.compile(GOOD, name="a.py", small_int_bits=63),
    ]
    assert len({plain, *others}) == 5
    assert mpy_cross.compile(GOOD, name="a.py", source_lines=False) == others[2]
    native = "@micropython.native\ndef f(): pass\n"
    assert mpy_cross.compile(native, march="armv7m")[2] >> 2 == 5


def test_an_error_has_its_place_and_its_kind() -> None:
    with pytest.raises(mpy_cross.CompileError) as caught:
        mpy_cross.compile("x = 1\ny = (2 3)\n", name="a.py")
    error = caught.value
    assert (error.filename, error.lineno, error.offset) == ("a.py", 2, 8)
    assert (error.msg, error.code, error.exception) == ("invalid syntax", "invalid-syntax", "SyntaxError")
    assert error.text == "y = (2 3)"
    assert isinstance(error, SyntaxError)
    with pytest.raises(mpy_cross.CompileError) as caught:
        mpy_cross.compile("def f():\n    return\n    break\n")
    assert (caught.value.lineno, caught.value.scope) == (3, "f")
    with pytest.raises(mpy_cross.CompileError) as caught:
        mpy_cross.compile("if x:\n        y\n    z\n")
    assert caught.value.exception == "IndentationError"


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match="`micropython-1.11` is not a target"):
        mpy_cross.compile("", target="micropython-1.11")
    with pytest.raises(ValueError, match="`z80` is not a processor"):
        mpy_cross.compile("", march="z80")


def test_the_module_is_used_like_the_one_of_the_index(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text(GOOD)
    mpy = tmp_path / "a.mpy"
    assert mpy_cross.run(str(source)).wait() == 0
    assert mpy.read_bytes() == mpy_cross.compile(GOOD, name=str(source))
    shown = mpy_cross.run("--version", stdout=subprocess.PIPE).communicate()[0]
    assert b"mpy-cross emitting mpy v6.3" in shown
    subprocess.run([mpy_cross.mpy_cross, "-O3", source], check=True)
    assert mpy.read_bytes() == mpy_cross.compile(GOOD, name=str(source), optimise=3)
    try:
        mpy_cross.set_version("1.18", None)
        assert mpy_cross.run(str(source)).wait() == 0
        assert mpy.read_bytes()[:2] == b"M\x05"
        mpy_cross.set_version(None, "6.1")
        subprocess.run([mpy_cross.mpy_cross, source], check=True)
        expected = mpy_cross.compile(GOOD, name=str(source), target="micropython-1.20")
        assert mpy.read_bytes() == expected
        with pytest.raises(SystemExit, match="Couldn't identify 7 in known versions"):
            mpy_cross.set_version(None, "7")
        with pytest.raises(SystemExit, match="Couldn't identify None in known versions"):
            mpy_cross.set_version(None, None)
    finally:
        mpy_cross._release.clear()


def test_the_command_line_has_the_exit_codes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "piton.mpy_cross"]
    bad = tmp_path / "bad.py"
    bad.write_text("x = = 1\n")
    failed = subprocess.run([*command, str(bad)], capture_output=True, text=True)
    assert failed.returncode == 1
    assert "SyntaxError: invalid syntax" in failed.stderr
    helped = subprocess.run([*command, "-h"], capture_output=True, text=True)
    assert helped.returncode == 0
    assert "--compat <version>" in helped.stdout
    with pytest.raises(AttributeError):
        mpy_cross.nothing  # type: ignore[attr-defined]

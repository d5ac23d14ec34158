use expect::check;

use super::*;

/// The source as the board gets it, and up to which line its numbers are one too high.
mod expect {
    use super::Guarded;

    #[track_caller]
    pub(super) fn check(source: &str, inside: &str, shifted_to: u32) {
        let guarded = Guarded::new(source.as_bytes());
        let text = String::from_utf8(guarded.source).unwrap();
        let end =
            "\tpass\nexcept SystemExit as _piton:\n\traise Exception('piton exit',*_piton.args)\n";
        assert_eq!(text, format!("try:\n{inside}{end}"));
        assert_eq!(guarded.shifted_to, shifted_to);
    }
}

#[test]
fn lines_get_a_tab() {
    check("", "", u32::MAX);
    check("x", "\tx\n", u32::MAX);
    check("if x:\n  y\n", "\tif x:\n\t  y\n", u32::MAX);
    check("if x:\r\n\ty\r\n", "\tif x:\r\n\t\ty\r\n", u32::MAX);
    check("x\ry", "\tx\r\ty\n", u32::MAX);
}

#[test]
fn the_first_empty_line_goes() {
    check("# it\nx\n", "\tx\n", 1);
    check("x\n\n\ny", "\tx\n\n\ty\n", 2);
    check("x\n  # why\ny\n# z\n", "\tx\n\ty\n\t# z\n", 2);
    // Here an empty line means something.
    check("x = 1 + \\\n\ny\n", "\tx = 1 + \\\n\n\ty\n", u32::MAX);
}

#[test]
fn strings_stay_as_they_are() {
    check(
        "'''\n\n# no\n'''\ny\n",
        "\t'''\n\n# no\n'''\n\ty\n",
        u32::MAX,
    );
    check(
        "f(\"\"\"a\n'''\n\"\"\")\ny",
        "\tf(\"\"\"a\n'''\n\"\"\")\n\ty\n",
        u32::MAX,
    );
    check("'''a\\'''\n'''\ny", "\t'''a\\'''\n'''\n\ty\n", u32::MAX);
    check("'a\\\nb'\ny", "\t'a\\\nb'\n\ty\n", u32::MAX);
    check("'it\\'s' # '''\ny", "\t'it\\'s' # '''\n\ty\n", u32::MAX);
    check(
        "'' '''a''' \"'''\"\ny",
        "\t'' '''a''' \"'''\"\n\ty\n",
        u32::MAX,
    );
    check("r'\\\\'\ny", "\tr'\\\\'\n\ty\n", u32::MAX);
    // An error, for the board to report.
    check("'a\ny", "\t'a\n\ty\n", u32::MAX);
}

/// Sources that mean something, of which the same must come out when they are guarded.
#[test]
fn the_meaning_stays() {
    let sources = [
        "x = [1,\n2,\n  3]\n\ndef f(a,\nb=2):\n\treturn a + b\n\nx = f(x[0])\n",
        "class A:\n    '''doc\n\tmore'''\n    def f(self):\n        return \"\"\"a\n  b\"\"\"\n\nA().f()\n",
        "if 1:\n        x = 1\n\ty = 2\nelse:\n  z = 3\n",
        "for i in range(3):\n  if i: break\nelse:\n  pass\nwhile 0: pass\n",
        "@d\ndef f(): yield\n\nasync def g():\n  await f()\n",
        "x = 'a\\\n\tb'\ny = (1 +\n# in between\n2)\n",
        "from m import *\nglobal y\ny = lambda: (yield)\n",
        "try:\n x\nexcept SystemExit as e:\n raise\nfinally:\n y\n",
    ];
    for source in sources {
        let options = piton_compiler::Options::new("<stdin>");
        let plain =
            piton_compiler::compile(source.as_bytes(), &options).map_err(|error| error.to_string());
        let guarded = Guarded::new(source.as_bytes());
        let inside =
            piton_compiler::compile(guarded.source(), &options).map_err(|error| error.to_string());
        let (plain, inside) = match (plain, inside) {
            (Ok(plain), Ok(inside)) => (plain, inside),
            (plain, inside) => {
                assert!(plain.is_err() && inside.is_err(), "{source}");
                continue;
            }
        };
        // The functions, and with them their strings, are the same but for line numbers.
        assert_eq!(plain.raw_codes.len(), inside.raw_codes.len(), "{source}");
        assert!(
            plain
                .objects
                .iter()
                .all(|object| inside.objects.contains(object)),
            "{source}"
        );
    }
}

fn outcome(source: &str, traceback: &str) -> String {
    let exception = BoardException::parse(traceback.as_bytes());
    match Guarded::new(source.as_bytes()).outcome(Err(BoardError::Exception(exception))) {
        Err(BoardError::Exception(exception)) => {
            assert_eq!(BoardException::parse(&exception.traceback), exception);
            String::from_utf8(exception.traceback).unwrap()
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn line_numbers_are_those_of_the_source() {
    let traceback = "Traceback (most recent call last):\r\n  File \"<stdin>\", line 2, in <module>\r\n  File \"x.py\", \
                     line 3, in f\r\n  File \"<stdin>\", line 4, in g\r\nValueError: \r\n";
    let with_lines = |one: u32, other: u32| {
        traceback
            .replace("line 2", &format!("line {one}"))
            .replace("line 4", &format!("line {other}"))
    };
    assert_eq!(outcome("a\nb\nc\nd\n", traceback), with_lines(1, 3));
    assert_eq!(outcome("# a\nb\nc\nd\n", traceback), traceback);
    assert_eq!(outcome("a\n\nc\nd\n", traceback), with_lines(1, 4));
    assert_eq!(
        outcome("a", "Exception: ('piton exit', 3)\r\n"),
        "Ok(Exited(ExitValue { code: 3, message: None }))"
    );
}

//! Rules of CircuitPython's compilers 9.2.9 and 10.2.0 that MicroPython's has not. What is expected here is what those
//! two, built from their sources, make of the same text.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose source is not compiled fails"
)]

use piton_compiler::{Options, Target, compile};

const BOTH: [Target; 2] = [Target::CircuitPython9, Target::CircuitPython10];

fn options(target: Target) -> Options {
    Options {
        target,
        ..Options::new("a.py")
    }
}

/// The error of a source: message and line.
#[track_caller]
fn refused(target: Target, source: &str) -> (String, u32) {
    let diagnostic = compile(source.as_bytes(), &options(target)).unwrap_err();
    let line = diagnostic.location.map_or(0, |place| place.line);
    (diagnostic.message.into_owned(), line)
}

/// Whether two sources are the same to the compiler.
#[track_caller]
fn same(target: Target, one: &str, other: &str) {
    let bytes = |source: &str| {
        let module = compile(source.as_bytes(), &options(target)).unwrap();
        piton_mpy::writer::write(&module).unwrap()
    };
    assert_eq!(bytes(one), bytes(other));
}

#[test]
fn a_quote_behind_two_braces_does_not_end_the_string() {
    let invalid = |line| ("invalid syntax".to_owned(), line);
    for target in BOTH {
        for source in [
            "x = f\"{{\"\n",
            "x = f'a{{'\n",
            "x = f'{a}{{'\n",
            "x = f'{{{{'\n",
        ] {
            assert_eq!(refused(target, source), invalid(1), "{source}");
        }
        // It is part of the string, as a line end would be.
        same(target, "x = f'{{'a'\n", "x = \"{{'a\".format()\n");
        same(target, "x = f'{{\n'\n", "x = '{{\\n'.format()\n");
        same(target, "x = f'{{}}'\n", "x = '{{}}'.format()\n");
        same(target, "x = f'{{\\n'\n", "x = '{{\\n'.format()\n");
        same(target, "x = f'{{{a}'\n", "x = '{{{}'.format((a),)\n");
    }
    assert!(compile(b"x = f\"{{\"\n", &options(Target::NEWEST)).is_ok());
}

#[test]
fn long_strings_are_names_where_they_are_built_in() {
    // A name stands in the table of strings, another long string in that of objects.
    let objects = |target, source: &str| {
        let module = compile(source.as_bytes(), &options(target)).unwrap();
        module.objects.len()
    };
    let known = [
        "TimeoutError",
        "BrokenPipeError",
        "__context__",
        "__module__",
    ];
    let others = ["Interpolation", "templatelib", "heap_unlock", "format_spec"];
    for target in BOTH {
        for name in known {
            assert_eq!(objects(target, &format!("x = '{name}'\n")), 0, "{name}");
        }
        for name in others {
            assert_eq!(objects(target, &format!("x = '{name}'\n")), 1, "{name}");
            // Once it was a name it is known.
            assert_eq!(
                objects(target, &format!("{name}; x = '{name}'\n")),
                0,
                "{name}"
            );
        }
    }
    let micropython = |name| objects(Target::NEWEST, &format!("x = '{name}'\n"));
    assert_eq!(others.map(micropython), [0; 4]);
    assert_eq!(known.map(micropython), [1, 1, 1, 0]);
}

#[test]
fn circuitpython_9_joins_no_format_strings() {
    let nine = Target::CircuitPython9;
    assert_eq!(refused(nine, "x = f'a' f'b{c}'\n").0, "invalid syntax");
    assert_eq!(refused(nine, "x = f'{a}' f'{b}'\n").0, "invalid syntax");
    same(nine, "x = 'a' f'{b}'\n", "x = 'a{}'.format((b),)\n");
    same(nine, "x = f'{b}' 'a'\n", "x = '{}a'.format((b),)\n");
    let ten = Target::CircuitPython10;
    same(ten, "x = f'a' f'b{c}'\n", "x = 'ab{}'.format((c),)\n");
}

#[test]
fn circuitpython_9_has_no_raw_format_strings() {
    let nine = Target::CircuitPython9;
    let message = "raw f-strings are not supported";
    for source in ["\nx = rf'a'\n", "\nx = fr'a'\n", "\nx = 'b' rf'a'\n"] {
        assert_eq!(refused(nine, source), (message.to_owned(), 2));
    }
    same(
        Target::CircuitPython10,
        "x = rf'\\d{a}'\n",
        "x = '\\\\d{}'.format((a),)\n",
    );
}

#[test]
fn circuitpython_9_knows_no_risc_v() {
    let source = "@micropython.asm_rv32\ndef f(): pass\n";
    let message = |target| refused(target, source).0;
    assert_eq!(
        message(Target::CircuitPython9),
        "invalid micropython decorator"
    );
    assert_eq!(message(Target::CircuitPython10), "invalid arch");
}

#[test]
fn circuitpython_9_keeps_integers_big_that_were_computed_so() {
    // Small ones are part of an instruction, the others objects of the module.
    let objects = |target, source: &str| {
        let module = compile(source.as_bytes(), &options(target)).unwrap();
        module.objects.len()
    };
    for source in [
        "x = 1 << 70 >> 70\n",
        "x = (1 << 64) - (1 << 64)\n",
        "x = ~(1 << 70) >> 80\n",
        "x = 0 << 64\n",
        "x = (1 << 70) & 1 | 5\n",
    ] {
        assert_eq!(objects(Target::CircuitPython9, source), 1, "{source}");
        assert_eq!(objects(Target::CircuitPython10, source), 0, "{source}");
    }
    for source in ["x = 1 << 3\n", "x = 3 ** 4 - 1\n", "x = -1 << 10 >> 3\n"] {
        assert_eq!(objects(Target::CircuitPython9, source), 0, "{source}");
    }
}

/// CircuitPython 8 has taken how 1.20 prints floats, which files of version 5 hold as texts.
#[test]
fn floats_of_version_8_are_printed_as_in_1_20() {
    for (target, text) in [
        (Target::CircuitPython7, "63.00000000000001f"),
        (Target::CircuitPython8, "63.0f"),
    ] {
        let module = compile(b"x = 63.0\ny = 2.0\n", &options(target)).unwrap();
        let bytes = piton_mpy::writer::write(&module).unwrap();
        let found = bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(found, "{}", target.name());
    }
}

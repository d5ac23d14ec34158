//! Sources with the code made of them.
#![expect(
    clippy::unwrap_used,
    reason = "a module that can't be written fails the test"
)]

use piton_compiler::{Options, Target, compile};
use piton_mpy::disassembly::disassemble;

/// The source, the listing of its module and the bytes, or the official words of rejection.
fn listing(source: &str, options: &Options) -> String {
    match compile(source.as_bytes(), options) {
        Ok(module) => {
            let bytes = piton_mpy::writer::write(&module).unwrap();
            let bytes: Vec<String> = bytes
                .chunks(32)
                .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect();
            format!("{source}\n{}\n{}\n", disassemble(&module), bytes.join("\n"))
        }
        Err(diagnostic) => {
            format!(
                "{source}\n{}",
                String::from_utf8_lossy(&diagnostic.traceback())
            )
        }
    }
}

macro_rules! snapshot {
    ($name:ident, $source:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(listing($source, &Options::new("main.py")));
        }
    };
}

snapshot!(an_assignment, "x = 1\n");
snapshot!(
    a_closure,
    "def outer(a, b=1):\n    def inner(): return a\n    return inner\n"
);
snapshot!(a_range_loop, "for i in range(10):\n    print(i)\n");
snapshot!(
    an_except_clause,
    "try:\n    f()\nexcept E as e:\n    print(e)\n"
);
snapshot!(a_format_string, "print(f'{a!r} and {b:>{width}}')\n");
snapshot!(
    folded_constants,
    "X = const(2 ** 10)\n_Y = const(0.5)\nprint(X + 1, _Y, (X, 1 << 40))\n"
);
snapshot!(
    an_error_in_a_scope,
    "def f():\n    x = [f(a=1, 2),\n    3]\n"
);
snapshot!(an_error_of_the_parser, "if x:\n    y = 0777\n");

/// `await` alone goes through `__await__`, not what `async with` waits for; typed constants and
/// t-strings do not exist; CircuitPython 9 folds no floats.
#[test]
fn circuitpython_has_rules_of_its_own() {
    let source = "async def f():\n    async with g: await h\n";
    let later = Options {
        target: Target::CircuitPython10,
        ..Options::new("main.py")
    };
    insta::assert_snapshot!(listing(source, &later));
    let earlier = Options {
        target: Target::CircuitPython9,
        ..Options::new("main.py")
    };
    insta::assert_snapshot!(listing(
        "x = 1 / 2, 3 + 4, f(1, a=2, *b)\nY: int = const(1)\n",
        &earlier
    ));
    insta::assert_snapshot!(listing("async def f():\n    yield from g\n", &later));
    insta::assert_snapshot!(listing("x = t'{y}'\n", &later));
}

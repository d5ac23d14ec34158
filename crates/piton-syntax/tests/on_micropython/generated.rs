//! Random programs with random layout, which print the same on MicroPython before and after they are minified.

use std::fmt::Write as _;

use piton_syntax::{MinifyOptions, minify};

use crate::support::{Random, micropython};

/// A writer of random programs.
struct Writer {
    random: Random,
    program: String,
    /// The number of variables that have a value.
    variables: u64,
}

impl Writer {
    fn new(seed: u64) -> Writer {
        Writer {
            random: Random(seed),
            program: "a0 = 1\n".to_owned(),
            variables: 1,
        }
    }

    fn space(&mut self) -> &'static str {
        self.random.choose::<&str>(&["", " ", "  ", "\t"])
    }

    fn variable(&mut self) -> String {
        format!("a{}", self.random.below(self.variables))
    }

    /// Returns an expression whose value is an integer.
    fn expression(&mut self, depth: u32) -> String {
        let space = self.space();
        if depth == 0 {
            return match self.random.below(4) {
                0 => self.random.below(100).to_string(),
                1 => format!("0x{:x}", self.random.below(256)),
                2 => format!("len({space}'x # y'{space})"),
                _ => self.variable(),
            };
        }
        let (one, other) = (self.expression(depth - 1), self.expression(depth - 1));
        match self.random.below(7) {
            0 => format!("({space}{one}{space}+{space}{other})"),
            1 => format!("({one} -{space}{other}{space})"),
            2 => format!("({one}{space}*{space}{other}) % 97"),
            3 => format!("({one} if {other} > 5 else{space}({other}))"),
            4 => format!("({one}  and{space}({other}) or not {one})"),
            5 => format!("[{one},{space}{other}\n  # a comment in brackets\n][{space}-1]"),
            _ => format!("(lambda x,{space}y: x{space}- y)({one},{other})"),
        }
    }

    /// Writes an empty line, a comment, or nothing.
    fn blank(&mut self, indent: &str) {
        match self.random.below(6) {
            0 => self.program += "\n",
            1 => writeln!(self.program, "{indent}# a comment: if x:").unwrap(),
            2 => writeln!(self.program, "{indent}'a text without effect'").unwrap(),
            _ => {}
        }
    }

    /// Writes some statements of a block.
    fn block(&mut self, depth: u32, indent: &str) {
        for _ in 0..=self.random.below(3) {
            self.blank(indent);
            self.statement(depth, indent);
        }
    }

    fn statement(&mut self, depth: u32, indent: &str) {
        let value = self.expression(2);
        let (space, step) = (
            self.space(),
            *self.random.choose(&[" ", "  ", "    ", "\t"]),
        );
        let inner = format!("{indent}{step}");
        match self.random.below(if depth == 0 { 3 } else { 7 }) {
            0 => writeln!(
                self.program,
                "{indent}print({space}{value}{space}){space}# shown"
            )
            .unwrap(),
            1 => writeln!(
                self.program,
                "{indent}print('v', {value}){space};{space}print(2)"
            )
            .unwrap(),
            2 => {
                let name = self.variable();
                writeln!(self.program, "{indent}{name}{space}={space}{value}").unwrap();
            }
            3 => {
                writeln!(self.program, "{indent}if {value} > 3{space}:").unwrap();
                self.block(depth - 1, &inner);
                writeln!(self.program, "{indent}else:  # otherwise").unwrap();
                self.block(depth - 1, &inner);
            }
            4 => {
                writeln!(self.program, "{indent}for i in range({space}2):").unwrap();
                self.block(depth - 1, &inner);
            }
            5 => {
                writeln!(self.program, "{indent}try:\n{inner}print(1 // ({value}))").unwrap();
                writeln!(self.program, "{indent}except ZeroDivisionError as e:").unwrap();
                self.block(depth - 1, &inner);
            }
            _ => {
                let names: Vec<String> = (0..self.variables)
                    .map(|index| format!("a{index}"))
                    .collect();
                let names = names.join(",");
                writeln!(
                    self.program,
                    "{indent}def f({names}, *,\n{space}k{space}={space}1):"
                )
                .unwrap();
                writeln!(self.program, "{inner}'''A text\n  on two lines.'''").unwrap();
                self.block(depth - 1, &inner);
                writeln!(
                    self.program,
                    "{inner}return k + {value}\n{indent}print(f({names}))"
                )
                .unwrap();
            }
        }
    }

    fn write(mut self) -> String {
        for _ in 0..6 {
            let value = self.expression(1);
            writeln!(self.program, "a{} = {value}", self.variables).unwrap();
            self.variables += 1;
            self.statement(3, "");
        }
        self.program
    }
}

#[test]
fn random_programs_print_the_same_when_minified() {
    let mut printed = 0;
    for seed in 1..=40 {
        let source = Writer::new(seed * 0x9e37_79b9).write();
        let expected = micropython(&source);
        assert!(!expected.contains("Error"), "{source}\n{expected}");
        printed += expected.lines().count();
        for join_lines in [false, true] {
            let options = MinifyOptions {
                join_lines,
                ..MinifyOptions::default()
            };
            let minified = minify(source.as_bytes(), &options).unwrap();
            assert!(minified.len() < source.len());
            let again = minify(&minified, &options).unwrap();
            assert_eq!(
                again.escape_ascii().to_string(),
                minified.escape_ascii().to_string()
            );
            let minified = String::from_utf8(minified).unwrap();
            assert_eq!(
                micropython(&minified),
                expected,
                "{source}\nminified: {minified}"
            );
        }
    }
    assert!(printed > 400, "the programs print only {printed} lines");
}

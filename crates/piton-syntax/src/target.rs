//! The firmware releases that a source can be compiled for, and how their compilers differ.
//!
//! One row of a table is one release: its name, the version of the `.mpy` files that it loads, and the release of
//! MicroPython whose compiler it has. What differs between compilers is a switch of [`Rules`], written once beside the
//! release that made the change.

mod native;

pub use native::{Elements, NativeRules};

/// The firmware a module is for. A release stands for its patch releases, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// MicroPython 1.12.
    MicroPython1_12,
    /// MicroPython 1.13.
    MicroPython1_13,
    /// MicroPython 1.14.
    MicroPython1_14,
    /// MicroPython 1.15.
    MicroPython1_15,
    /// MicroPython 1.16.
    MicroPython1_16,
    /// MicroPython 1.17.
    MicroPython1_17,
    /// MicroPython 1.18.
    MicroPython1_18,
    /// MicroPython 1.19.
    MicroPython1_19,
    /// MicroPython 1.20.
    MicroPython1_20,
    /// MicroPython 1.21.
    MicroPython1_21,
    /// MicroPython 1.22.
    MicroPython1_22,
    /// MicroPython 1.23.
    MicroPython1_23,
    /// MicroPython 1.24.
    MicroPython1_24,
    /// MicroPython 1.25.
    MicroPython1_25,
    /// MicroPython 1.26.
    MicroPython1_26,
    /// MicroPython 1.27.
    MicroPython1_27,
    /// MicroPython 1.28.
    MicroPython1_28,
    /// MicroPython 1.29.
    MicroPython1_29,
    /// CircuitPython 7.
    CircuitPython7,
    /// CircuitPython 8.
    CircuitPython8,
    /// CircuitPython 9.
    CircuitPython9,
    /// CircuitPython 10.
    CircuitPython10,
}

/// What a release loads, and what its compiler was made from.
#[derive(Clone, Copy, Debug)]
struct Row {
    target: Target,
    /// The name of the target, as `--target` takes it.
    name: &'static str,
    /// The release of MicroPython 1 whose compiler it has.
    base: u8,
    /// The first number of CircuitPython's version, 0 for MicroPython.
    circuitpython: u8,
    /// Version of the `.mpy` files, and of the interface for machine code in them.
    mpy: (u8, u8),
    /// How the compiler for the release was compared with the official one.
    checked: Checked,
}

/// How the compiler for a release was compared with the official one of that release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// File by file with the official program, as it is distributed.
    Program,
    /// File by file with a build of its sources.
    Build,
}

macro_rules! rows {
    ($($target:ident $name:literal $base:literal $circuitpython:literal $version:literal $sub:literal $checked:ident;)*) => {
        const ROWS: &[Row] = &[
            $(Row {
                target: Target::$target,
                name: $name,
                base: $base,
                circuitpython: $circuitpython,
                mpy: ($version, $sub),
                checked: Checked::$checked,
            },)*
        ];

        static RULES: [Rules; ROWS.len()] = [$(Rules::of($base, $circuitpython),)*];

        impl Target {
            /// Every target, the releases of MicroPython first, each firmware from its oldest release on.
            pub const ALL: &[Target] = &[$(Target::$target,)*];
        }
    };
}

rows! {
    // target, name, MicroPython 1.x, CircuitPython x, version and sub-version of .mpy files, comparison
    MicroPython1_12 "micropython-1.12" 12 0 5 0 Program;
    MicroPython1_13 "micropython-1.13" 13 0 5 0 Build;
    MicroPython1_14 "micropython-1.14" 14 0 5 0 Build;
    MicroPython1_15 "micropython-1.15" 15 0 5 0 Build;
    MicroPython1_16 "micropython-1.16" 16 0 5 0 Build;
    MicroPython1_17 "micropython-1.17" 17 0 5 0 Build;
    MicroPython1_18 "micropython-1.18" 18 0 5 0 Build;
    MicroPython1_19 "micropython-1.19" 19 0 6 0 Program;
    MicroPython1_20 "micropython-1.20" 20 0 6 1 Program;
    MicroPython1_21 "micropython-1.21" 21 0 6 1 Build;
    MicroPython1_22 "micropython-1.22" 22 0 6 2 Program;
    MicroPython1_23 "micropython-1.23" 23 0 6 3 Program;
    MicroPython1_24 "micropython-1.24" 24 0 6 3 Build;
    MicroPython1_25 "micropython-1.25" 25 0 6 3 Build;
    MicroPython1_26 "micropython-1.26" 26 0 6 3 Build;
    MicroPython1_27 "micropython-1.27" 27 0 6 3 Build;
    MicroPython1_28 "micropython-1.28" 28 0 6 3 Build;
    MicroPython1_29 "micropython-1.29" 29 0 6 3 Program;
    CircuitPython7 "circuitpython-7" 18 7 5 0 Build;
    CircuitPython8 "circuitpython-8" 18 8 5 0 Build;
    CircuitPython9 "circuitpython-9" 23 9 6 3 Build;
    CircuitPython10 "circuitpython-10" 27 10 6 3 Build;
}

impl Target {
    /// The newest release of MicroPython.
    pub const NEWEST: Target = Target::MicroPython1_29;

    fn row(self) -> &'static Row {
        #[expect(clippy::indexing_slicing, reason = "each target has a row")]
        &ROWS[self as usize]
    }

    /// Returns the name, such as `micropython-1.23` and `circuitpython-9`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the target with this name, as [`Target::name`] gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Target> {
        let row = ROWS.iter().find(|row| row.name == name);
        row.map(|row| row.target)
    }

    /// Returns the release of MicroPython 1 with this second number: 12 to 29.
    #[must_use]
    pub fn micropython(minor: u32) -> Option<Target> {
        ROWS.iter()
            .find(|row| row.circuitpython == 0 && u32::from(row.base) == minor)
            .map(|row| row.target)
    }

    /// Returns the CircuitPython with this first number of its version: 7 to 10.
    #[must_use]
    pub fn circuitpython(major: u32) -> Option<Target> {
        ROWS.iter()
            .find(|row| row.circuitpython != 0 && u32::from(row.circuitpython) == major)
            .map(|row| row.target)
    }

    /// Returns the second number of the release of MicroPython that its compiler was made from.
    pub(crate) fn base(self) -> u8 {
        self.row().base
    }

    /// Returns whether the target is a CircuitPython release.
    #[must_use]
    pub fn is_circuitpython(self) -> bool {
        self.row().circuitpython != 0
    }

    /// Returns the version of the `.mpy` files that the release loads: 5 or 6.
    #[must_use]
    pub fn mpy_version(self) -> u8 {
        self.row().mpy.0
    }

    /// Returns the version of the interface for machine code in such files: 0 to 3.
    #[must_use]
    pub fn mpy_sub_version(self) -> u8 {
        self.row().mpy.1
    }

    /// Returns how the compiler for the release was compared with the official one.
    #[must_use]
    pub fn checked(self) -> Checked {
        self.row().checked
    }

    /// Returns how the compiler of the release differs from those of others.
    #[must_use]
    pub const fn rules(self) -> &'static Rules {
        #[expect(clippy::indexing_slicing, reason = "each target has its rules")]
        &RULES[self as usize]
    }
}

impl Default for Target {
    fn default() -> Target {
        Target::NEWEST
    }
}

/// How a decimal literal becomes a float, and a float its text (`py/parsenum.c`, `py/formatfloat.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    /// Up to 1.19: digits are summed up in a double; printing scales the number first.
    Scaled,
    /// CircuitPython 8: read as up to 1.19, printed as in 1.20.
    ScaledThenSubtracted,
    /// 1.20 to 1.24: as before, but zeros at the end wait; printing subtracts powers of ten.
    Subtracted,
    /// 1.25: digits are summed up in 64 bits.
    Whole,
    /// From 1.26 on: with 80-bit floats.
    Extended,
}

/// What the compilers of the releases do differently. Each switch says which releases it is on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// From 1.13 on: `:=`, annotations of variables, and `**` of integers is folded.
    pub since_1_13: bool,
    /// From 1.16 on: `async for` and `async with` are refused outside of `async def`.
    pub async_checked: bool,
    /// From 1.17 on: f-strings.
    pub format_strings: bool,
    /// From 1.18 on: brackets in the expressions of an f-string are counted.
    pub counted_brackets: bool,
    /// From 1.20 on: each expression of an f-string is put in parentheses.
    pub parenthesised_expressions: bool,
    /// From 1.21 on: `!r` and `!s` in an f-string.
    pub conversions: bool,
    /// From 1.24 on: raw f-strings, and adjacent f-strings share one call.
    pub joined_format_strings: bool,
    /// From 1.28 on: an f-string can stand in another, and `{}` has no meaning.
    pub nested_format_strings: bool,
    /// From 1.28 on: t-strings. CircuitPython has none.
    pub template_strings: bool,
    /// From 1.22 on: NEWLINE, INDENT and DEDENT are in the line that they end.
    pub newline_in_its_line: bool,
    /// From 1.25 on: an integer has no leading zeros.
    pub no_leading_zeros: bool,
    /// How floats are read and printed.
    pub floats: Floats,
    /// From 1.19 on: bytes are always objects; before, short ones are interned as strings are.
    pub bytes_are_objects: bool,
    /// From 1.19 on: an integer that is no small one of the target is an object for the parser, before for the emitter.
    pub wide_integers_are_objects: bool,
    /// From 1.19 on: `const()` takes any constant, before integers only.
    pub any_constant: bool,
    /// From 1.19 on: a tuple of constants is one constant.
    pub constant_tuples: bool,
    /// From 1.29 on: `X: T = const(V)` makes a constant, as `X = const(V)` does.
    pub typed_constants: bool,
    /// From 1.20 on: every constant has a truth, before only integers, `True` and `False`.
    pub any_truth: bool,
    /// Up to 1.23: an integer that is computed with big ones is an object, even if it is small.
    pub keep_big_integers: bool,
    /// From 1.26 on: floats, the numbers of `math` and operations that give floats are folded.
    pub fold_floats: bool,
    /// Up to 1.25: a constant shift by more than 64 bits can count is an error, from then on it is not folded.
    pub refuses_wide_shifts: bool,
    /// From 1.20 on: code that can't be reached is left out; before, only jumps and returns after a `return`.
    pub drop_dead_code: bool,
    /// From 1.20 on: `:=` in a comprehension follows `global` and `nonlocal` around it.
    pub walrus_declares: bool,
    /// Up to 1.20: what is in parentheses of its own is true as a condition if it is not empty.
    pub parentheses_are_true: bool,
    /// From 1.21 on: `async for` keeps its iterator on the stack, before in a variable.
    pub async_for_on_stack: bool,
    /// From 1.23 on: room on the stack for the value of a `return` in `finally`.
    pub room_for_return: bool,
    /// From 1.19 on: a name that a class body assigns is its own; before, a function around it could have it.
    pub assigned_names_stay: bool,
    /// From 1.19 on: `*` arguments at any place, and several of them.
    pub many_stars: bool,
    /// From 1.29 on: a `*` argument after a keyword is refused.
    pub no_star_after_keyword: bool,
    /// From 1.25 on: `@micropython.asm_rv32`.
    pub asm_rv32: bool,
    /// CircuitPython: `async def` has a flag of its own, and `await` asks for `__await__`.
    pub async_flag: bool,
    /// What differs in machine code.
    pub native: NativeRules,
}

impl Rules {
    /// Returns the rules of a compiler made from this release of MicroPython 1, for this CircuitPython (0: for none).
    const fn of(base: u8, circuitpython: u8) -> Rules {
        Rules {
            since_1_13: base >= 13,
            async_checked: base >= 16,
            format_strings: base >= 17,
            counted_brackets: base >= 18,
            parenthesised_expressions: base >= 20,
            conversions: base >= 21,
            joined_format_strings: base >= 24,
            nested_format_strings: base >= 28,
            template_strings: base >= 28 && circuitpython == 0,
            newline_in_its_line: base >= 22,
            no_leading_zeros: base >= 25,
            floats: match base {
                _ if circuitpython == 8 => Floats::ScaledThenSubtracted,
                ..=19 => Floats::Scaled,
                20..=24 => Floats::Subtracted,
                25 => Floats::Whole,
                _ => Floats::Extended,
            },
            bytes_are_objects: base >= 19,
            wide_integers_are_objects: base >= 19,
            any_constant: base >= 19,
            constant_tuples: base >= 19,
            typed_constants: base >= 29 && circuitpython == 0,
            any_truth: base >= 20,
            keep_big_integers: base <= 23,
            fold_floats: base >= 26,
            refuses_wide_shifts: base <= 25,
            drop_dead_code: base >= 20,
            walrus_declares: base >= 20,
            parentheses_are_true: base <= 20,
            async_for_on_stack: base >= 21,
            room_for_return: base >= 23,
            assigned_names_stay: base >= 19,
            many_stars: base >= 19,
            no_star_after_keyword: base >= 29 && circuitpython == 0,
            asm_rv32: base >= 25,
            async_flag: circuitpython != 0,
            native: NativeRules::of(base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_row_and_its_name() {
        for (index, &target) in Target::ALL.iter().enumerate() {
            assert_eq!(target as usize, index);
            assert_eq!(target.row().target, target);
            assert_eq!(Target::from_name(target.name()), Some(target));
        }
        assert_eq!(Target::ALL.len(), ROWS.len());
        assert_eq!(Target::from_name("micropython-1.11"), None);
        assert_eq!(Target::micropython(29), Some(Target::NEWEST));
        assert_eq!(Target::micropython(30), None);
        assert_eq!(Target::circuitpython(9), Some(Target::CircuitPython9));
        assert_eq!(Target::circuitpython(0), None);
    }

    #[test]
    fn versions_of_the_format_are_those_of_the_releases() {
        let version = |target: Target| (target.mpy_version(), target.mpy_sub_version());
        assert_eq!(version(Target::MicroPython1_12), (5, 0));
        assert_eq!(version(Target::MicroPython1_18), (5, 0));
        assert_eq!(version(Target::MicroPython1_19), (6, 0));
        assert_eq!(version(Target::MicroPython1_21), (6, 1));
        assert_eq!(version(Target::MicroPython1_22), (6, 2));
        assert_eq!(version(Target::NEWEST), (6, 3));
    }
}

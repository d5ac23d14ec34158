//! The option parser of the official compiler, quirks included (mpy-cross/main.c of MicroPython 1.29).

use piton_compiler::{Emitter, Optimisation, Options, Target, knows_processor, processor_flags};
use piton_mpy::header::Arch;

/// What the words ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// Compile a file.
    Compile(Box<Invocation>),
    /// Print the version.
    Version,
    /// Print the usage text: an option is unknown, or its value makes no sense.
    Usage,
    /// Stop with this line.
    Refused(&'static str),
}

/// One file to compile.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Path of the source; `-` is stdin.
    pub(super) input: Vec<u8>,
    /// What `-o` says.
    output: Option<Vec<u8>>,
    /// Everything else.
    pub(super) options: Options,
}

impl Invocation {
    /// Returns the path to write to; `None` is stdout.
    pub(super) fn output_name(&self) -> Option<Vec<u8>> {
        match &self.output {
            Some(output) if output == b"-" && uses_pipes(self.options.target) => None,
            Some(output) => Some(output.clone()),
            None if self.input == b"-" => None,
            None => {
                // Whatever the last two characters are: `noext` becomes `noempy`.
                let kept = self.input.len().saturating_sub(2);
                let mut output = self.input.get(..kept).unwrap_or_default().to_vec();
                output.extend_from_slice(b"mpy");
                Some(output)
            }
        }
    }
}

/// Reads the words after the program's name, for a release or the newest.
pub(super) fn parse(words: &[Vec<u8>], release: Option<Target>) -> Parsed {
    let mut options = Options {
        target: release.unwrap_or_default(),
        ..Options::new("")
    };
    if options.target < Target::MicroPython1_20 {
        // Up to 1.19 machine code was for the host unless another processor was named.
        options.arch = Some(Arch::X64);
    }
    // The `-X` options are looked for first, everywhere: after `--` and where another option's value stands, too.
    if !implementation_options(words, &mut options) {
        return Parsed::Usage;
    }
    let mut line = Line::default();
    if let Err(end) = line.read(words, &mut options) {
        return end;
    }
    if let Some(arch) = options.arch
        && let Some(flags) = &line.arch_flags
    {
        match arch_flags(arch, options.target, flags) {
            Some(flags) => options.arch_flags = flags,
            None => return Parsed::Refused("unrecognised arch flags\n"),
        }
    }
    if options.default_emitter != Emitter::Bytecode && options.arch.is_none() {
        return Parsed::Refused("arch not specified\n");
    }
    match line.input {
        None => Parsed::Refused("no input file\n"),
        Some(input) => Parsed::Compile(Box::new(Invocation {
            input,
            output: line.output,
            options,
        })),
    }
}

/// Returns whether the compiler of a release reads stdin and writes to stdout for `-`, and ends options at `--`.
pub(super) fn uses_pipes(target: Target) -> bool {
    target >= Target::MicroPython1_22
}

/// Returns whether the compiler of a release has options for line numbers.
pub(super) fn switches_lines(target: Target) -> bool {
    target >= Target::MicroPython1_29
}

/// Takes in all `-X` options; false if one is wrong.
fn implementation_options(words: &[Vec<u8>], options: &mut Options) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word != b"-X" {
            continue;
        }
        let Some(value) = words.next() else {
            return false;
        };
        match value.as_slice() {
            b"emit=bytecode" => options.default_emitter = Emitter::Bytecode,
            b"emit=native" => options.default_emitter = Emitter::Native,
            b"emit=viper" => options.default_emitter = Emitter::Viper,
            b"source-lines" if switches_lines(options.target) => options.source_lines = true,
            b"no-source-lines" if switches_lines(options.target) => options.source_lines = false,
            // There is no heap of a fixed size here.
            value if value.starts_with(b"heapsize=") => {}
            _ => return false,
        }
    }
    true
}

/// What the other options say that is not an option of the compiler.
#[derive(Default)]
struct Line {
    input: Option<Vec<u8>>,
    output: Option<Vec<u8>>,
    arch_flags: Option<Vec<u8>>,
}

impl Line {
    fn read(&mut self, words: &[Vec<u8>], options: &mut Options) -> Result<(), Parsed> {
        let mut words = words.iter();
        let mut takes_options = true;
        let uses_pipes = uses_pipes(options.target);
        while let Some(word) = words.next() {
            if !takes_options || !word.starts_with(b"-") || word == b"-" && uses_pipes {
                if self.input.is_some() {
                    return Err(Parsed::Refused("multiple input files\n"));
                }
                self.input = Some(forward_slashes(word));
                continue;
            }
            let mut value = || words.next().ok_or(Parsed::Usage);
            match word.as_slice() {
                // Done already.
                b"-X" => {
                    value()?;
                }
                b"--version" => return Err(Parsed::Version),
                b"-v" => {}
                b"-o" => self.output = Some(value()?.clone()),
                b"-s" => options.embedded_name = Some(forward_slashes(value()?)),
                b"--" if uses_pipes => takes_options = false,
                word => self.read_joined(word, options)?,
            }
        }
        Ok(())
    }

    /// Options with their value in the same word.
    fn read_joined(&mut self, word: &[u8], options: &mut Options) -> Result<(), Parsed> {
        if let Some(level) = word.strip_prefix(b"-O") {
            options.optimisation = optimisation(level);
        } else if let Some(bits) = word.strip_prefix(b"-msmall-int-bits=") {
            let (bits, rest) = leading_integer(bits, 0);
            if !rest.is_empty() {
                return Err(Parsed::Usage);
            }
            // The official program keeps the low byte.
            let [low, ..] = bits.to_le_bytes();
            options.small_int_bits = low;
        } else if word == b"-mcache-lookup-bc" && options.target < Target::MicroPython1_18 {
            options.lookup_cache = true;
        } else if let Some(arch) = word.strip_prefix(b"-march=") {
            let arch = arch_named(arch, options.target);
            options.arch = Some(arch.ok_or(Parsed::Usage)?);
        } else if let Some(flags) = word.strip_prefix(b"-march-flags=")
            && options.target.rules().native.has_arch_flags
        {
            self.arch_flags = Some(flags.to_vec());
        } else {
            return Err(Parsed::Usage);
        }
        Ok(())
    }
}

/// Returns the level of `-O2` or `-OO`. What follows either is not looked at.
fn optimisation(level: &[u8]) -> Optimisation {
    let level = match level.first() {
        Some(digit) if digit.is_ascii_digit() => u32::from(digit - b'0'),
        _ => {
            let more = level.iter().take_while(|&&letter| letter == b'O').count();
            u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1)
        }
    };
    Optimisation::from_level(level)
}

/// Returns the processor that a release has under this name.
fn arch_named(name: &[u8], target: Target) -> Option<Arch> {
    if name == b"host" && target >= Target::MicroPython1_20 {
        // The official program is built for this processor, and our output does not depend on where we run.
        return Some(Arch::X64);
    }
    Arch::ALL
        .into_iter()
        .find(|arch| arch.name().as_bytes() == name)
        .filter(|&arch| knows_processor(target, arch))
}

/// Returns the extensions of a processor, as a number or by name.
fn arch_flags(arch: Arch, target: Target, text: &[u8]) -> Option<u32> {
    let known = processor_flags(target, arch);
    if known.is_empty() {
        return None;
    }
    if let Some(number) = arch_flags_number(text) {
        let all = known.iter().fold(0, |all, (bit, _)| all | bit);
        return u32::try_from(number).ok().filter(|flags| flags & !all == 0);
    }
    // The list may end in a comma.
    let names = text.strip_suffix(b",").unwrap_or(text);
    names
        .split(|&byte| byte == b',')
        .try_fold(0, |flags, name| {
            let (bit, _) = known.iter().find(|(_, own)| own.as_bytes() == name)?;
            Some(flags | bit)
        })
}

fn arch_flags_number(text: &[u8]) -> Option<i64> {
    let (digits, base) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', b'o' | b'O', digits @ ..] => (digits, 8),
        [b'0', b'b' | b'B', digits @ ..] => (digits, 2),
        // No octal numbers as in C.
        [b'0', _, ..] => return None,
        digits => (digits, 10),
    };
    // White space and `-` are fine, `+` only after white space.
    if digits.is_empty() || digits.starts_with(b"+") {
        return None;
    }
    match leading_integer(digits, base) {
        (number, b"") => Some(number),
        _ => None,
    }
}

/// Returns the integer at the start of `text`, and what follows it: C's `strtol`, which stops at the largest and smallest
/// numbers of 64 bits. Without digits it is 0, and nothing is used up. Base 0 is that of the prefix.
fn leading_integer(text: &[u8], base: u32) -> (i64, &[u8]) {
    let start = text.trim_ascii_start();
    let (negative, digits) = match start {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (base, digits) = match (base, digits) {
        (0 | 16, [b'0', b'x' | b'X', rest @ ..])
            if rest.first().is_some_and(u8::is_ascii_hexdigit) =>
        {
            (16, rest)
        }
        (0, [b'0', ..]) => (8, digits),
        (0, _) => (10, digits),
        (base, _) => (base, digits),
    };
    let count = digits
        .iter()
        .take_while(|&&byte| char::from(byte).is_digit(base))
        .count();
    if count == 0 {
        return (0, text);
    }
    let (digits, rest) = digits.split_at_checked(count).unwrap_or((digits, &[]));
    let value = digits.iter().fold(0_i64, |value, &byte| {
        let digit = i64::from(char::from(byte).to_digit(base).unwrap_or_default());
        let value = value.saturating_mul(i64::from(base));
        if negative {
            value.saturating_sub(digit)
        } else {
            value.saturating_add(digit)
        }
    });
    (value, rest)
}

fn forward_slashes(path: &[u8]) -> Vec<u8> {
    path.iter()
        .map(|&byte| if byte == b'\\' { b'/' } else { byte })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split_whitespace()
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    /// Returns the file that a line compiles, for a release.
    #[track_caller]
    fn compiled_for(line: &str, release: Target) -> Invocation {
        match parse(&words(line), Some(release)) {
            Parsed::Compile(invocation) => *invocation,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[track_caller]
    fn compiled(line: &str) -> Invocation {
        compiled_for(line, Target::default())
    }

    /// Returns how a line ends that compiles nothing, for a release.
    fn ended_for(line: &str, release: Target) -> String {
        match parse(&words(line), Some(release)) {
            Parsed::Compile(_) => "compiles".to_owned(),
            Parsed::Version => "version".to_owned(),
            Parsed::Usage => "usage".to_owned(),
            Parsed::Refused(line) => line.trim_end().to_owned(),
        }
    }

    fn ended(line: &str) -> String {
        ended_for(line, Target::default())
    }

    #[test]
    fn one_file_is_compiled_and_the_order_of_words_does_not_count() {
        let invocation = compiled("-O2 dir\\a.py -v -s name\\b.py");
        assert_eq!(invocation.input, b"dir/a.py");
        assert_eq!(
            invocation.options.embedded_name.as_deref(),
            Some(&b"name/b.py"[..])
        );
        assert_eq!(invocation.options.optimisation, Optimisation::NoAssert2);
        assert_eq!(ended(""), "no input file");
        assert_eq!(ended("a.py b.py"), "multiple input files");
        assert_eq!(ended("a.py --version"), "version");
        // What is wrong before it comes first.
        assert_eq!(ended("--unknown --version"), "usage");
        assert_eq!(ended("--version --unknown"), "version");
    }

    #[test]
    fn the_output_has_the_name_of_the_source_with_another_end() {
        let output = |line: &str| {
            let name = compiled(line).output_name();
            name.map(|name| String::from_utf8(name).unwrap())
        };
        assert_eq!(output("a.py").as_deref(), Some("a.mpy"));
        // The last two letters, whatever they are.
        assert_eq!(output("noext").as_deref(), Some("noempy"));
        assert_eq!(output("x").as_deref(), Some("mpy"));
        assert_eq!(output("a.py -o b").as_deref(), Some("b"));
        assert_eq!(output("a.py -o -"), None);
        assert_eq!(output("-"), None);
        // Before 1.22 `-` is an option that nobody knows, and a file for `-o`.
        assert_eq!(ended_for("-", Target::MicroPython1_20), "usage");
        let old = compiled_for("a.py -o -", Target::MicroPython1_20);
        assert_eq!(old.output_name().as_deref(), Some(&b"-"[..]));
    }

    #[test]
    fn options_end_at_two_dashes_but_those_of_the_implementation_do_not() {
        assert_eq!(compiled("-- -a.py").input, b"-a.py");
        assert_eq!(ended("-- -a.py -v"), "multiple input files");
        assert_eq!(ended_for("-- a.py", Target::MicroPython1_20), "usage");
        // They are looked for in a first pass over all words.
        assert_eq!(ended("-- a.py -X emit=native"), "multiple input files");
        assert_eq!(ended("-march=armv7m -X emit=none a.py"), "usage");
        // One that is the value of `-o` counts too; then its own value is the source.
        let invocation = compiled("-march=armv7m -o -X emit=native -X emit=viper");
        assert_eq!(invocation.options.default_emitter, Emitter::Viper);
        assert_eq!(invocation.input, b"emit=native");
    }

    #[test]
    fn the_emitter_needs_a_processor() {
        assert_eq!(ended("-X emit=native a.py"), "arch not specified");
        let invocation = compiled("-X emit=native -march=armv6m a.py");
        assert_eq!(invocation.options.arch, Some(Arch::ArmV6M));
        assert_eq!(compiled("-march=host a.py").options.arch, Some(Arch::X64));
        // Up to 1.19 the host was taken.
        let old = compiled_for("-X emit=native a.py", Target::MicroPython1_19);
        assert_eq!(old.options.arch, Some(Arch::X64));
        assert_eq!(
            ended_for("-march=host a.py", Target::MicroPython1_19),
            "usage"
        );
        assert_eq!(ended("-march=z80 a.py"), "usage");
        assert_eq!(
            ended_for("-march=rv32imc a.py", Target::MicroPython1_20),
            "usage"
        );
        assert_eq!(ended("-X a.py"), "usage");
        assert_eq!(ended("a.py -X"), "usage");
        assert_eq!(
            compiled("-X heapsize=1k a.py").options.default_emitter,
            Emitter::Bytecode
        );
    }

    #[test]
    fn levels_of_optimization_are_a_digit_or_letters() {
        for (word, level) in [
            ("-O", Optimisation::NoAssert),
            ("-OO", Optimisation::NoAssert2),
            ("-OOO", Optimisation::NoLines),
            ("-OOOOOO", Optimisation::NoLines),
            ("-O0", Optimisation::None),
            ("-O3", Optimisation::NoLines),
            ("-O9", Optimisation::NoLines),
            // Only the first digit is read.
            ("-O01", Optimisation::None),
            ("-Ox", Optimisation::NoAssert),
        ] {
            let invocation = compiled(&format!("{word} a.py"));
            assert_eq!(invocation.options.optimisation, level, "{word}");
        }
    }

    #[test]
    fn bits_of_a_small_integer_are_read_as_c_reads_numbers() {
        for (value, bits) in [
            ("31", 31),
            ("0x1f", 31),
            ("037", 31),
            ("+31", 31),
            // The low byte of whatever number.
            ("256", 0),
            ("-1", 255),
            ("99999999999999999999", 255),
            ("", 0),
        ] {
            let invocation = compiled(&format!("-msmall-int-bits={value} a.py"));
            assert_eq!(invocation.options.small_int_bits, bits, "{value}");
        }
        for value in ["31x", "x", "09", "0x"] {
            assert_eq!(
                ended(&format!("-msmall-int-bits={value} a.py")),
                "usage",
                "{value}"
            );
        }
    }

    #[test]
    fn numbers_stop_where_they_stop_being_numbers() {
        for (text, base, number, rest) in [
            ("12ab", 10, 12, "ab"),
            ("  -12", 10, -12, ""),
            ("0x", 0, 0, "x"),
            ("0xg", 0, 0, "xg"),
            ("-", 10, 0, "-"),
            ("", 10, 0, ""),
            ("ff", 16, 255, ""),
            ("9223372036854775808", 10, i64::MAX, ""),
            ("-9223372036854775809", 10, i64::MIN, ""),
        ] {
            let found = leading_integer(text.as_bytes(), base);
            assert_eq!(found, (number, rest.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn extensions_of_a_processor_are_names_or_a_number() {
        let flags =
            |value: &str| ended_or_flags(&format!("-march=rv32imc -march-flags={value} a.py"));
        assert_eq!(flags("zba"), "1");
        assert_eq!(flags("zba,"), "1");
        assert_eq!(flags("1"), "1");
        assert_eq!(flags("0b1"), "1");
        assert_eq!(flags("0x1"), "1");
        assert_eq!(flags("0"), "0");
        for wrong in ["", "zbb", "zba,,", ",zba", "01", "+1", "-1", "0x", "4096"] {
            assert_eq!(flags(wrong), "unrecognised arch flags", "{wrong}");
        }
        // A processor without extensions has none to name.
        assert_eq!(
            ended_or_flags("-march=armv7m -march-flags=0 a.py"),
            "unrecognised arch flags"
        );
        // Without a processor nobody reads them.
        assert_eq!(ended_or_flags("-march-flags=none a.py"), "0");
    }

    fn ended_or_flags(line: &str) -> String {
        match parse(&words(line), None) {
            Parsed::Compile(invocation) => invocation.options.arch_flags.to_string(),
            _ => ended(line),
        }
    }

    #[test]
    fn each_release_has_its_own_options() {
        let lines = "-X no-source-lines a.py";
        assert!(
            !compiled_for(lines, Target::MicroPython1_29)
                .options
                .source_lines
        );
        assert_eq!(ended_for(lines, Target::MicroPython1_28), "usage");
        let lookup = "-mcache-lookup-bc a.py";
        assert!(
            compiled_for(lookup, Target::MicroPython1_12)
                .options
                .lookup_cache
        );
        assert_eq!(ended_for(lookup, Target::MicroPython1_19), "usage");
    }
}

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

//! Options for both compilers: the official command line, and what it means for ours.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};
use piton_compiler::{Emitter, Optimisation, Options, Target, makes_machine_code};
use piton_mpy::header::Arch;

/// The sets of `--all-opts`. Each option that changes the bytes of a module is in one of them; `-O2` writes
/// what `-O1` does.
pub(super) const ALL: [&str; 9] = [
    "-O0",
    "-O1",
    "-O3",
    "-X no-source-lines",
    "-msmall-int-bits=15",
    "-msmall-int-bits=30",
    "-msmall-int-bits=47",
    "-msmall-int-bits=63",
    "-s embedded.py",
];

/// The sets of `--native ARCH`, without the architecture.
const NATIVE: [&str; 5] = [
    "",
    " -O3",
    " -X emit=native",
    " -O3 -X emit=native",
    " -X emit=viper",
];

/// Returns the sets that compare machine code for an architecture, or for `all` that the compiler of the target has any
/// for.
pub(super) fn native(name: &str, target: Target) -> anyhow::Result<Vec<String>> {
    let archs = match name {
        "all" => Arch::ALL
            .into_iter()
            .filter(|&arch| makes_machine_code(target, arch))
            .collect(),
        name => vec![Arch::from_name(name).context("no such architecture")?],
    };
    let sets = archs
        .into_iter()
        .flat_map(|arch| NATIVE.map(|options| format!("-march={}{options}", arch.name())));
    Ok(sets.collect())
}

/// One set of options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OptionSet {
    /// For the official compiler.
    pub(super) arguments: Vec<String>,
    /// The same for ours, with an empty input name.
    pub(super) options: Options,
}

impl FromStr for OptionSet {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<OptionSet> {
        let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let mut options = Options::new("");
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            apply(word, &mut words, &mut options)
                .with_context(|| format!("in the options `{text}`"))?;
        }
        Ok(OptionSet { arguments, options })
    }
}

/// Returns one option, and its value if that is the next word.
fn apply<'a>(
    word: &str,
    rest: &mut impl Iterator<Item = &'a str>,
    options: &mut Options,
) -> anyhow::Result<()> {
    let mut value = || {
        rest.next()
            .with_context(|| format!("`{word}` needs a value"))
    };
    if let Some(level) = word.strip_prefix("-O") {
        let level = level.parse().context("`-O` needs a level, like `-O3`")?;
        options.optimisation = Optimisation::from_level(level);
    } else if let Some(bits) = word.strip_prefix("-msmall-int-bits=") {
        options.small_int_bits = bits.parse().context("`-msmall-int-bits` needs a number")?;
    } else if let Some(arch) = word.strip_prefix("-march=") {
        options.arch = Some(Arch::from_name(arch).context("no such architecture")?);
    } else if let Some(flags) = word.strip_prefix("-march-flags=") {
        options.arch_flags = flags
            .parse()
            .context("`-march-flags` needs a number here")?;
    } else if word == "-s" {
        options.embedded_name = Some(value()?.as_bytes().to_vec());
    } else if word == "-X" {
        match value()? {
            "no-source-lines" => options.source_lines = false,
            "source-lines" => options.source_lines = true,
            "emit=bytecode" => options.default_emitter = Emitter::Bytecode,
            "emit=native" => options.default_emitter = Emitter::Native,
            "emit=viper" => options.default_emitter = Emitter::Viper,
            other => bail!("`-X {other}` is not known"),
        }
    } else {
        bail!("`{word}` is not known");
    }
    Ok(())
}

impl fmt::Display for OptionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.arguments.is_empty() {
            f.pad("(none)")
        } else {
            f.pad(&self.arguments.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_compilers_interpret_options_equally() {
        let set: OptionSet = "-O3 -msmall-int-bits=30 -s name.py -X no-source-lines -march=x64"
            .parse()
            .unwrap();
        assert_eq!(set.arguments.len(), 7);
        let expected = Options {
            optimisation: Optimisation::NoLines,
            small_int_bits: 30,
            embedded_name: Some(b"name.py".to_vec()),
            source_lines: false,
            arch: Some(Arch::X64),
            ..Options::new("")
        };
        assert_eq!(set.options, expected);
        let empty: OptionSet = "".parse().unwrap();
        assert_eq!(empty.options, Options::new(""));
    }

    #[test]
    fn unknown_options_are_named() {
        for (text, what) in [
            ("-v", "`-v` is not known"),
            ("-X heapsize=1m", "`-X heapsize=1m` is not known"),
            ("-s", "`-s` needs a value"),
            ("-march=z80", "no such architecture"),
        ] {
            let error = text.parse::<OptionSet>().unwrap_err();
            assert_eq!(
                format!("{error:#}"),
                format!("in the options `{text}`: {what}")
            );
        }
    }

    #[test]
    fn all_sets_are_known_and_differ() {
        let mut sets: Vec<OptionSet> = Vec::new();
        let native = native("all", Target::NEWEST).unwrap();
        for text in ALL.into_iter().chain(native.iter().map(String::as_str)) {
            let set: OptionSet = text.parse().unwrap();
            assert!(!sets.contains(&set), "{text}");
            sets.push(set);
        }
    }
}

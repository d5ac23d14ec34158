//! The firmwares that a build is for, by name.

use std::fmt;
use std::str::FromStr;

use piton_compiler::{Optimisation, Options, Target};
use piton_mpy::header::Arch;

use super::Settings;

/// A firmware, and the processor where that matters: `micropython`, `circuitpython-10`, `micropython:armv7m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildTarget {
    target: Target,
    arch: Option<Arch>,
}

/// The names of firmwares.
const NAMES: [(&str, Target); 3] = [
    ("micropython", Target::MicroPython),
    ("circuitpython-9", Target::CircuitPython9),
    ("circuitpython-10", Target::CircuitPython10),
];

impl BuildTarget {
    /// The names that stand before the `:`, oldest firmware first.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        NAMES.into_iter().map(|(name, _)| name)
    }
}

/// A name that is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no target; expected one of {}, with `:` and an architecture if need be", NAMES.map(|(name, _)| name).join(", "))]
pub struct UnknownTarget {
    /// The name.
    pub name: String,
}

impl FromStr for BuildTarget {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<BuildTarget, UnknownTarget> {
        let unknown = || UnknownTarget {
            name: text.to_owned(),
        };
        let (firmware, arch) = match text.split_once(':') {
            None => (text, None),
            Some((firmware, arch)) => {
                let arch = Arch::from_name(arch).ok_or_else(unknown)?;
                (firmware, Some(arch))
            }
        };
        let (_, target) = NAMES
            .into_iter()
            .find(|(name, _)| *name == firmware)
            .ok_or_else(unknown)?;
        Ok(BuildTarget { target, arch })
    }
}

impl fmt::Display for BuildTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.into_iter().find(|(_, target)| *target == self.target);
        f.write_str(name.map_or("", |(name, _)| name))?;
        match self.arch {
            None => Ok(()),
            Some(arch) => write!(f, ":{}", arch.name()),
        }
    }
}

impl BuildTarget {
    /// Name of its folder, where there are several targets.
    pub(super) fn folder(self) -> String {
        self.to_string().replace(':', "-")
    }

    /// Whether its boards keep their files on FAT, where `A` and `a` are one name.
    pub(super) fn ignores_case(self) -> bool {
        self.target.is_circuitpython()
    }

    /// What the compiler is told, but for the source's name.
    pub(super) fn options(self, settings: &Settings) -> Options {
        Options {
            optimisation: Optimisation::from_level(settings.optimise),
            small_int_bits: settings.small_int_bits,
            source_lines: settings.source_lines,
            arch: self.arch,
            target: self.target,
            ..Options::new("")
        }
    }

    /// The options that change what is written, in the spelling of `mpy-cross`.
    pub(super) fn spelled(self, settings: &Settings) -> Vec<String> {
        let mut options = vec![format!("-O{}", settings.optimise)];
        if settings.small_int_bits != 31 {
            options.push(format!("-msmall-int-bits={}", settings.small_int_bits));
        }
        if !settings.source_lines {
            options.push("-mno-source-lines".to_owned());
        }
        if let Some(arch) = self.arch {
            options.push(format!("-march={}", arch.name()));
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in [
            "micropython",
            "circuitpython-9",
            "circuitpython-10",
            "micropython:armv7m",
        ] {
            assert_eq!(name.parse::<BuildTarget>().unwrap().to_string(), name);
        }
        for name in [
            "",
            "micropython:",
            "micropython:z80",
            "circuitpython",
            "esp32",
        ] {
            let message = name.parse::<BuildTarget>().unwrap_err().to_string();
            assert!(message.contains("circuitpython-10"), "{message}");
        }
    }
}

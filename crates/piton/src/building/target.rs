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

/// The name of the newest MicroPython.
const NEWEST: &str = "micropython";

/// The names of all firmwares, for a person who typed something else.
const ALL_NAMES: &str = "micropython, micropython-1.12 to micropython-1.29, \
                         circuitpython-7 to circuitpython-10";

impl BuildTarget {
    /// Yields the names that stand before the `:`: the newest MicroPython, then each release, oldest first.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        std::iter::once(NEWEST).chain(Target::ALL.iter().map(|target| target.name()))
    }
}

/// Returns the firmware of this name.
fn firmware(name: &str) -> Option<Target> {
    match name {
        NEWEST => Some(Target::NEWEST),
        name => Target::from_name(name),
    }
}

/// Names of ports, chips and boards by their first letters, with the processor that machine code for them is for. The
/// longest that fits counts.
const PORTS: [(&str, &str); 23] = [
    ("esp", "xtensawin"),
    ("esp32", "xtensawin"),
    ("esp32c", "rv32imc"),
    ("esp32h", "rv32imc"),
    ("esp32p", "rv32imc"),
    ("esp8266", "xtensa"),
    ("rp2", "armv6m"),
    ("rp2040", "armv6m"),
    ("rp2350", "armv7emsp"),
    ("pico", "armv6m"),
    ("pico2", "armv7emsp"),
    ("stm32", "armv7emsp"),
    ("pyboard", "armv7emsp"),
    ("pyb", "armv7emsp"),
    ("samd21", "armv6m"),
    ("samd", "armv7emsp"),
    ("nrf", "armv7emsp"),
    ("microbit", "armv6m"),
    ("mimxrt", "armv7emdp"),
    ("teensy", "armv7emdp"),
    ("renesas", "armv7emsp"),
    ("unix", "x64"),
    ("upy", ""),
];

/// A name that is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a target; {}", expected(name))]
pub struct UnknownTarget {
    /// The name.
    pub name: String,
}

/// Returns what the person who typed this name most likely wants.
fn expected(name: &str) -> String {
    let all = ALL_NAMES;
    let typed = name.to_ascii_lowercase();
    let (firmware, arch) = typed.split_once(':').unwrap_or((&typed, ""));
    if !arch.is_empty() && self::firmware(firmware).is_some() {
        let names = Arch::ALL.map(Arch::name).join(", ");
        return format!("expected one of these processors behind the `:`: {names}");
    }
    let letters = firmware.replace(['-', '_', ' ', '.'], "");
    if let Some(version) = ["circuitpython", "circuitpy", "cpy", "cp"]
        .iter()
        .find_map(|start| letters.strip_prefix(start))
    {
        let known = [10, 9, 8, 7]
            .into_iter()
            .find(|number: &u32| version.starts_with(&number.to_string()));
        return match known {
            Some(number) => format!("did you mean `circuitpython-{number}`?"),
            None => "did you mean `circuitpython-10` or `circuitpython-9`? \
                     `boot_out.txt` on the drive of the board has the version"
                .to_owned(),
        };
    }
    let port = PORTS.iter().filter(|(start, _)| letters.starts_with(start));
    if let Some((_, arch)) = port.max_by_key(|(start, _)| start.len()) {
        let machine_code = match *arch {
            "" => String::new(),
            arch => format!(", and `micropython:{arch}` may hold machine code for its processor"),
        };
        return format!(
            "`micropython` is right for all of its boards{machine_code}; others are {all}"
        );
    }
    if letters.starts_with("micro") || letters == "mpy" {
        return "did you mean `micropython`?".to_owned();
    }
    format!("expected one of {all}, with `:` and an architecture if need be")
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
        let target = self::firmware(firmware).ok_or_else(unknown)?;
        Ok(BuildTarget { target, arch })
    }
}

impl fmt::Display for BuildTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.target {
            Target::NEWEST => NEWEST,
            target => target.name(),
        })?;
        match self.arch {
            None => Ok(()),
            Some(arch) => write!(f, ":{}", arch.name()),
        }
    }
}

impl BuildTarget {
    /// Returns the name of its folder, where there are several targets.
    pub(super) fn folder(self) -> String {
        self.to_string().replace(':', "-")
    }

    /// Returns the firmware, as the compiler knows it.
    pub fn firmware(self) -> Target {
        self.target
    }

    /// Returns the processor that machine code is for, if the target has one.
    pub fn arch(self) -> Option<Arch> {
        self.arch
    }

    /// Returns whether the target is a version of CircuitPython.
    pub fn is_circuitpython(self) -> bool {
        self.target.is_circuitpython()
    }

    /// Returns the target of the newest CircuitPython.
    pub fn newest_circuitpython() -> BuildTarget {
        BuildTarget {
            target: Target::CircuitPython10,
            arch: None,
        }
    }

    /// Returns the target of a CircuitPython with this major version; `None` if it is too old. For one that is
    /// newer than all, the newest.
    pub fn circuitpython(major: u32) -> Option<BuildTarget> {
        let newest = BuildTarget::newest_circuitpython().target;
        let target = match major {
            0..=10 => Target::circuitpython(major)?,
            11.. => newest,
        };
        Some(BuildTarget { target, arch: None })
    }

    /// Returns whether its boards keep their files on FAT, where `A` and `a` are one name.
    pub(super) fn ignores_case(self) -> bool {
        self.is_circuitpython()
    }

    /// Returns the options of the compiler, without the name of the source.
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

    /// Returns the options that change the output, in the spelling of `mpy-cross`.
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
            "micropython-1.12",
            "micropython-1.28:armv7m",
            "circuitpython-7",
            "circuitpython-10",
            "micropython:armv7m",
        ] {
            assert_eq!(name.parse::<BuildTarget>().unwrap().to_string(), name);
        }
        for (name, expected) in [
            (
                "",
                "expected one of micropython, micropython-1.12 to micropython-1.29, circuitpython-7 to circuitpython-10",
            ),
            ("amiga", "expected one of micropython, micropython-1.12 to"),
            ("micropython:", "did you mean `micropython`?"),
            ("micropyton", "did you mean `micropython`?"),
            ("micropython:z80", "armv7emsp"),
            (
                "circuitpython",
                "did you mean `circuitpython-10` or `circuitpython-9`?",
            ),
            ("CircuitPython_10.0.3", "did you mean `circuitpython-10`?"),
            ("circuitpython-8.2", "did you mean `circuitpython-8`?"),
            ("circuitpython-6", "`circuitpython-9`?"),
            ("micropython-1.30", "did you mean `micropython`?"),
            (
                "esp32",
                "`micropython` is right for all of its boards, and `micropython:xtensawin`",
            ),
            ("esp32-c3", "`micropython:rv32imc`"),
            ("RP2", "`micropython:armv6m`"),
            ("rp2350", "`micropython:armv7emsp`"),
        ] {
            let message = name.parse::<BuildTarget>().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        for (start, arch) in PORTS {
            assert!(
                arch.is_empty() || Arch::from_name(arch).is_some(),
                "{start}"
            );
        }
    }

    #[test]
    fn versions_of_circuitpython_have_targets() {
        for (major, name) in [
            (0, None),
            (6, None),
            (7, Some("circuitpython-7")),
            (9, Some("circuitpython-9")),
            (10, Some("circuitpython-10")),
            (12, Some("circuitpython-10")),
        ] {
            let target = BuildTarget::circuitpython(major).map(|target| target.to_string());
            assert_eq!(target.as_deref(), name, "{major}");
        }
        let last = BuildTarget::names().last();
        assert_eq!(
            last,
            Some(BuildTarget::newest_circuitpython().to_string().as_str())
        );
    }

    #[test]
    fn options_are_spelled_as_the_official_compiler_has_them() {
        let check = |name: &str, adjust: fn(&mut Settings), expected: &[&str]| {
            let mut settings = Settings::new("", "");
            adjust(&mut settings);
            let target = name.parse::<BuildTarget>().unwrap();
            assert_eq!(target.spelled(&settings), expected, "{name}");
            let options = target.options(&settings);
            assert_eq!(options.small_int_bits, settings.small_int_bits);
            assert_eq!(options.source_lines, settings.source_lines);
        };
        check("micropython", |_| {}, &["-O0"]);
        check(
            "circuitpython-10",
            |settings| settings.optimise = 3,
            &["-O3"],
        );
        check("micropython:armv7m", |_| {}, &["-O0", "-march=armv7m"]);
        check(
            "micropython:rv32imc",
            |settings| {
                settings.small_int_bits = 47;
                settings.source_lines = false;
            },
            &[
                "-O0",
                "-msmall-int-bits=47",
                "-mno-source-lines",
                "-march=rv32imc",
            ],
        );
    }

    #[test]
    fn a_folder_has_a_name_that_every_file_system_takes() {
        for (name, folder) in [
            ("micropython", "micropython"),
            ("micropython:armv7m", "micropython-armv7m"),
        ] {
            assert_eq!(name.parse::<BuildTarget>().unwrap().folder(), folder);
        }
    }
}

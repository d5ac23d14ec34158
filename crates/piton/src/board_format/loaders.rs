//! Which firmware loads a `.mpy` file, by the first bytes of it.

use piton_compiler::Target;
use piton_mpy::header::{Dialect, FORMER_VERSION, Outline, VERSION};

/// Releases with formats that are neither read nor written here (`docs/reference/mpyfiles.rst` of MicroPython 1.29; the
/// firmware of CircuitPython 5 and 6).
const OLD: [(u8, &str); 4] = [
    (0, "MicroPython 1.5.1 to 1.8.7"),
    (2, "MicroPython 1.9 to 1.9.2"),
    (3, "MicroPython 1.9.3 to 1.10, and CircuitPython 5 and 6"),
    (4, "MicroPython 1.11"),
];

/// Returns the releases that load a file which begins like this, such as `MicroPython 1.12 to 1.18`; `None` if no release is
/// known to.
pub fn loaders(outline: &Outline) -> Option<String> {
    if ![FORMER_VERSION, VERSION].contains(&outline.version) {
        let old = OLD.iter().find(|(version, _)| *version == outline.version);
        return old
            .filter(|_| outline.dialect == Dialect::MicroPython)
            .map(|(_, releases)| (*releases).to_owned());
    }
    let is_native = outline.arch_number() != 0;
    let loads = |target: &&Target| {
        target.is_circuitpython() == (outline.dialect == Dialect::CircuitPython)
            && target.mpy_version() == outline.version
            && (!is_native
                || outline.version == FORMER_VERSION
                || target.mpy_sub_version() == outline.sub_version())
    };
    let mut targets = Target::ALL.iter().filter(loads);
    let first = targets.next()?;
    let release = |target: &Target| {
        target
            .name()
            .split_once('-')
            .map_or("", |(_, release)| release)
    };
    let firmware = outline.dialect.name();
    Some(match targets.next_back() {
        None => format!("{firmware} {}", release(first)),
        Some(last) => format!("{firmware} {} to {}", release(first), release(last)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_releases() {
        for (bytes, releases) in [
            (b"M\x06\x00\x1f", Some("MicroPython 1.19 to 1.29")),
            (b"M\x06\x0f\x1f", Some("MicroPython 1.23 to 1.29")),
            (b"M\x06\x0e\x1f", Some("MicroPython 1.22")),
            (b"M\x06\x0d\x1f", Some("MicroPython 1.20 to 1.21")),
            (b"M\x06\x0c\x1f", Some("MicroPython 1.19")),
            (b"M\x05\x02\x1f", Some("MicroPython 1.12 to 1.18")),
            (b"M\x04\x02\x1f", Some("MicroPython 1.11")),
            (
                b"M\x03\x02\x1f",
                Some("MicroPython 1.9.3 to 1.10, and CircuitPython 5 and 6"),
            ),
            (b"M\x02\x02\x1f", Some("MicroPython 1.9 to 1.9.2")),
            (b"C\x05\x02\x1f", Some("CircuitPython 7 to 8")),
            (b"C\x06\x00\x1f", Some("CircuitPython 9 to 10")),
            (b"M\x07\x00\x1f", None),
            (b"C\x04\x00\x1f", None),
        ] {
            let outline = Outline::of(bytes).unwrap();
            assert_eq!(loaders(&outline).as_deref(), releases, "{bytes:?}");
        }
    }
}

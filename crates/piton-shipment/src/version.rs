//! The order of versions.

use std::cmp::Ordering;

/// Compares two versions as their authors count: `1.9` before `1.10`, `1.0-rc1` before `1.0` before
/// `1.0.post1` and `1.0+local`. `1.0`, `1.0.0` and `v1` are equal.
///
/// The rules are those of Python's versions
/// (<https://packaging.python.org/en/latest/specifications/version-specifiers/>, "Normalization", "Summary of
/// permitted suffixes and relative ordering"), applied to any text: a word that they do not know comes after the
/// version without it, and such words are ordered by alphabet.
pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let [one, other] = [&one, &other].map(|text| Version::read(text));
    (&one.epoch, one.release.as_slice())
        .cmp(&(&other.epoch, other.release.as_slice()))
        .then_with(|| one.local.cmp(&other.local))
}

/// Returns whether a text begins with a digit, or with `v` and a digit. Other texts are names and have no order.
pub fn is_ordered(text: &str) -> bool {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    text.starts_with(|letter: char| letter.is_ascii_digit())
}

/// A version in parts.
struct Version<'a> {
    epoch: Number<'a>,
    /// The parts before `+`, followed by a [`Part::End`].
    release: Vec<Part<'a>>,
    /// The parts after `+`, followed by a [`Part::End`]; empty if there is no `+`.
    local: Vec<Part<'a>>,
}

/// A number of any length: its digits without leading zeros, and before them their count, since the longer one is
/// greater.
#[derive(PartialEq, Eq, PartialOrd, Ord, Default)]
struct Number<'a>(usize, &'a str);

/// A part of a version. The order of the variants is the order of versions that are equal up to this part.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// A word that comes before the version without it.
    Before(u8),
    /// Nothing more.
    End,
    /// Any other word.
    Word(&'a str),
    Number(Number<'a>),
}

impl<'a> Version<'a> {
    fn read(text: &'a str) -> Version<'a> {
        let text = match text.strip_prefix('v') {
            Some(rest) if is_ordered(rest) => rest,
            _ => text,
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, rest)) if is_number(epoch) => (Number::read(epoch), rest),
            _ => (Number::default(), text),
        };
        let (release, local) = text.split_once('+').unwrap_or((text, ""));
        Version {
            epoch,
            release: parts(release),
            local: match local {
                "" => Vec::new(),
                local => parts(local),
            },
        }
    }
}

impl<'a> Number<'a> {
    fn read(digits: &'a str) -> Number<'a> {
        let digits = digits.trim_start_matches('0');
        Number(digits.len(), digits)
    }
}

/// Splits a text into words and numbers. Zeros at the end of the release are dropped: `1.0` equals `1`.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut in_release = true;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let belongs = |letter: char| match is_digit {
            true => letter.is_ascii_digit(),
            false => letter.is_alphanumeric() && !letter.is_ascii_digit(),
        };
        let end = rest.find(|letter| !belongs(letter)).unwrap_or(rest.len());
        // A separator is one letter.
        let (part, after) = rest.split_at(if end == 0 { first.len_utf8() } else { end });
        if in_release && (part == "-" || (end > 0 && !is_digit)) {
            in_release = false;
            drop_zeros(&mut parts);
            // `1.0-1` is a post-release: after `1.0` and before `1.0.1`.
            if part == "-" && after.starts_with(|letter: char| letter.is_ascii_digit()) {
                parts.push(Part::Word("post"));
            }
        }
        if is_digit {
            parts.push(Part::Number(Number::read(part)));
        } else if end > 0 {
            parts.push(word(part));
        }
        rest = after;
    }
    if in_release {
        drop_zeros(&mut parts);
    }
    parts.push(Part::End);
    parts
}

fn word(word: &str) -> Part<'_> {
    match word {
        "dev" => Part::Before(0),
        "a" | "alpha" => Part::Before(1),
        "b" | "beta" => Part::Before(2),
        "c" | "rc" | "pre" | "preview" => Part::Before(3),
        _ => Part::Word(word),
    }
}

fn drop_zeros(parts: &mut Vec<Part<'_>>) {
    while let Some(Part::Number(Number(0, _))) = parts.last() {
        parts.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        // Each line is equal to itself and before the next one.
        let lines = [
            &["0", "0.0.0", "v0.0"][..],
            &["0.0.1.dev3"],
            &["0.0.1"],
            &["0.9"],
            &["1.0.dev1", "1.0-dev1", "1-DEV1"],
            &["1.0a1", "1.0.0-alpha.1", "1.0alpha1"],
            &["1.0b2"],
            &["1.0rc1", "1.0.0-rc1", "v1.0.0-RC.1"],
            &["1.0-rc10"],
            &["1", "1.0", "1.0.0", "01.00", "V1.0"],
            &["1.0+local"],
            &["1.0-1", "1.0.post1"],
            &["1.0-5-gabcdef0"],
            &["1.0.1"],
            &["1.9.1"],
            &["1.10"],
            &["9"],
            &["10"],
            &["18446744073709551615"],
            &["18446744073709551616"],
            &["100000000000000000000000000000"],
            &["1!0.1"],
        ];
        for (number, line) in lines.iter().enumerate() {
            for one in *line {
                for (other_number, other) in lines
                    .iter()
                    .enumerate()
                    .flat_map(|(number, line)| line.iter().map(move |other| (number, other)))
                {
                    assert_eq!(
                        compare(one, other),
                        number.cmp(&other_number),
                        "{one} {other}"
                    );
                }
            }
        }
        assert!(is_ordered("v1") && is_ordered("2026.1"));
        assert!(!is_ordered("vega") && !is_ordered("") && !is_ordered("-1"));
    }

    /// Versions come from manifests of others: any text has a place, and the order holds together.
    #[test]
    fn any_texts_have_a_total_order() {
        let long = "1.".repeat(200);
        let texts = [
            "", "v", "!", "+", "1!", "!1", "1+", "+1", "-", "..", "1..2", "ü", "1ü", "1.0-",
            "1-1-1", "٣", "v v1", "1 0", &long,
        ];
        for one in texts {
            assert_eq!(compare(one, one), Ordering::Equal, "{one:?}");
            for other in texts {
                assert_eq!(compare(one, other), compare(other, one).reverse());
                for third in texts {
                    if compare(one, other).is_lt() && compare(other, third).is_lt() {
                        assert!(compare(one, third).is_lt(), "{one:?} {other:?} {third:?}");
                    }
                }
            }
        }
    }
}

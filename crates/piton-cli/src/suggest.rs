//! "Did you mean": finds what was meant by an unknown word.
//!
//! [`nearest`] compares spellings, [`words`] has the words of other tools, [`places`] the forms of names for boards.

pub(crate) mod places;
pub(crate) mod words;

/// Returns the name of `names` nearest to `typed`, if one is near enough.
///
/// A name is near if at most a third of its letters, and at least one, may be wrong or swapped.
pub(crate) fn nearest<N: AsRef<str>>(
    typed: &str,
    names: impl IntoIterator<Item = N>,
) -> Option<String> {
    let letters = typed.chars().count();
    let limit = (letters / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(typed, name.as_ref()), name))
        .filter(|(distance, name)| {
            (1..=limit).contains(distance) && *distance < name.as_ref().chars().count()
        })
        // Of several names that are equally near, the first.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.as_ref().to_owned())
}

/// Returns the nearest of `values`, of which a part is enough: `circuitpython` for `circuitpython-10`.
pub(crate) fn nearest_value<N: AsRef<str> + Clone>(
    typed: &str,
    values: impl IntoIterator<Item = N, IntoIter: Clone>,
) -> Option<String> {
    let values = values.into_iter();
    let lower = typed.to_ascii_lowercase();
    let same = values
        .clone()
        .find(|value| value.as_ref().eq_ignore_ascii_case(typed));
    // The last value with this start is the newest version.
    let begins = |value: &N| lower.len() > 1 && value.as_ref().starts_with(&lower);
    let value = same.or_else(|| values.clone().filter(begins).last());
    value.map_or_else(
        || nearest(&lower, values),
        |value| Some(value.as_ref().to_owned()),
    )
}

/// Returns the hint that suggests `name`.
pub(crate) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// Returns a word as it is typed into a shell: in quotes if it needs them, and without characters that a terminal acts
/// on.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_./:%+,@=-\\~*?[]#".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let shown: String = word
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    match shown.contains('"') {
        true if !shown.contains('\'') => format!("'{shown}'"),
        _ => format!("\"{}\"", shown.replace('"', "\\\"")),
    }
}

/// Joins names: `a`, `b` or `c`.
pub(crate) fn alternatives<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> String {
    let mut names: Vec<String> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    let last = names.pop().unwrap_or_default();
    match names.is_empty() {
        true => last,
        false => format!("{} or {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let names = ["main.py", "boot.py", "lib", "a"];
        for (typed, name) in [
            ("mian.py", Some("main.py")),
            ("main.yp", Some("main.py")),
            ("main", None),
            ("Lib", Some("lib")),
            ("lb", Some("lib")),
            ("b", None),
            ("something.else", None),
            ("lib", None),
        ] {
            assert_eq!(nearest(typed, names).as_deref(), name, "{typed}");
        }
    }

    #[test]
    fn near_values() {
        let values = ["micropython", "circuitpython-9", "circuitpython-10"];
        for (typed, value) in [
            ("circuitpython", Some("circuitpython-10")),
            ("CircuitPython-9", Some("circuitpython-9")),
            ("mircopython", Some("micropython")),
            ("micro", Some("micropython")),
            ("m", None),
            ("esp32", None),
        ] {
            assert_eq!(nearest_value(typed, values).as_deref(), value, "{typed}");
        }
    }

    #[test]
    fn words_as_a_shell_takes_them() {
        for (word, shown) in [
            ("main.py", "main.py"),
            (":lib/a b", "\":lib/a b\""),
            ("print(\"a\")", "'print(\"a\")'"),
            ("", "\"\""),
            ("a\x1b[31m", "\"a?[31m\""),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }
}

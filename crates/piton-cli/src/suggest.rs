//! "Did you mean": what a person who typed something else wanted.
//!
//! [`nearest`] knows spellings, [`words`] the words of other tools, [`places`] what looks like the name of a board.

pub(crate) mod places;
pub(crate) mod words;

/// Returns the name of `names` that `typed` most likely stands for, if any is near enough.
///
/// Near is a third of the letters wrong, or swapped, and at least one.
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
        // The first of several that are equally near.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.as_ref().to_owned())
}

/// Returns the same among values, where a part of a value is enough: `circuitpython` for `circuitpython-10`.
pub(crate) fn nearest_value<N: AsRef<str> + Clone>(
    typed: &str,
    values: impl IntoIterator<Item = N, IntoIter: Clone>,
) -> Option<String> {
    let values = values.into_iter();
    let lower = typed.to_ascii_lowercase();
    let same = values
        .clone()
        .find(|value| value.as_ref().eq_ignore_ascii_case(typed));
    // The last one that begins so is the newest version.
    let begins = |value: &N| lower.len() > 1 && value.as_ref().starts_with(&lower);
    let found = same.or_else(|| values.clone().filter(begins).last());
    found.map_or_else(
        || nearest(&lower, values),
        |value| Some(value.as_ref().to_owned()),
    )
}

/// Returns the hint for a person who typed something else.
pub(crate) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// Returns a word as it is typed to a shell: in quotes where it needs some, and without letters that a terminal acts
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

/// `a`, `b` or `c`.
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

//! Names that only one program uses become one letter in its minified copy.
//!
//! A comment in the program lists them: `# Short: count answer`. Nothing else decides, because no rule finds what
//! a board's modules and classes are asked for.

use std::collections::BTreeMap;

/// What begins the comment.
const MARK: &str = "# Short:";

/// `minified` with the names short that comments in `source` list, the first ones shortest.
pub(super) fn shorten(source: &str, minified: &str) -> anyhow::Result<String> {
    let listed = source
        .lines()
        .filter_map(|line| line.strip_prefix(MARK))
        .flat_map(str::split_whitespace);
    let taken = words(minified).map(|(word, _)| word).collect::<Vec<_>>();
    let mut free = short_names().filter(|name| !taken.contains(&name.as_str()));
    let mut names = BTreeMap::new();
    for name in listed {
        anyhow::ensure!(
            taken.contains(&name),
            "`{name}` is to be short, and is not used"
        );
        let short = free.next().unwrap_or_default();
        anyhow::ensure!(
            names.insert(name, short).is_none(),
            "`{name}` is listed twice"
        );
    }
    let mut short = String::with_capacity(minified.len());
    let mut from = 0;
    for (word, at) in words(minified) {
        if let Some(name) = names.get(word) {
            short.push_str(minified.get(from..at).unwrap_or_default());
            short.push_str(name);
            from = at + word.len();
        }
    }
    short.push_str(minified.get(from..).unwrap_or_default());
    Ok(short)
}

/// `a`, `b`, ... `Z`, `aa`, ...; no prefix of a string among the first, which would join with the string after it.
fn short_names() -> impl Iterator<Item = String> {
    let letters = || {
        ('a'..='z')
            .chain('A'..='Z')
            .filter(|letter| !"brufBRUF".contains(*letter))
    };
    let pairs =
        letters().flat_map(move |first| letters().map(move |second| format!("{first}{second}")));
    letters().map(String::from).chain(pairs)
}

/// Returns the names and keywords of a program that is minified, and where they begin. Its strings end on their line.
fn words(source: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = source.get(at..)?;
            let first = rest.chars().next()?;
            if first == '"' || first == '\'' {
                at += string(rest, first);
            } else if first.is_ascii_alphanumeric() || first == '_' {
                let end = rest
                    .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                    .unwrap_or(rest.len());
                let begin = at;
                at += end;
                // The prefix of a string is not a name.
                let prefixes_string = matches!(rest.as_bytes().get(end), Some(b'"' | b'\''));
                if !first.is_ascii_digit() && !prefixes_string {
                    return Some((rest.get(..end)?, begin));
                }
            } else {
                at += first.len_utf8();
            }
        }
    })
}

/// Returns the length of the string that `rest` begins with.
fn string(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == quote {
            return at + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_names_are_shortened() {
        let source = "# Short: count answer\n";
        let minified = "count=0\ndef a(answer):return b'count'+'\\'answer'+x.answer,counter\n";
        assert_eq!(
            shorten(source, minified).unwrap(),
            "c=0\ndef a(d):return b'count'+'\\'answer'+x.d,counter\n"
        );
        assert!(shorten("# Short: missing\n", minified).is_err());
        assert!(shorten("# Short: count count\n", minified).is_err());
    }
}

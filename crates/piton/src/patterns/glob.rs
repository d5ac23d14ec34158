//! Matching a name with a pattern, and a path with a list of patterns.
//!
//! This is not a library, because `ignore` 0.4 (of ripgrep, with `globset`) differs from git in common cases: `?` is
//! one byte there and does not fit `é`, `{a,b}` is a choice and not a name, `[a` without an end fits itself, a `\` at
//! the end is an error of the whole line, and `!` takes back a file below a folder that is covered. It also lacks
//! [`super::Patterns::names_file`]. Both loops here go back to the last star only, so that no pattern takes more than
//! length times length.

/// Returns whether `names` match `parts`, one by one. A part that is `None` matches any number of names, and at the end
/// at least one.
pub(super) fn path_fits(parts: &[Option<String>], names: &[&str]) -> bool {
    let (mut part, mut name) = (0, 0);
    // The state to continue from when the current attempt fails: after the last `**`, one name further.
    let mut retry = None;
    loop {
        match (parts.get(part), names.get(name)) {
            (None, None) => return true,
            (Some(None), next) => {
                if part + 1 == parts.len() {
                    return next.is_some();
                }
                part += 1;
                retry = Some((part, name + 1));
                continue;
            }
            (Some(Some(pattern)), Some(text)) if name_fits(pattern, text) => {
                part += 1;
                name += 1;
                continue;
            }
            (Some(_), None) => return false,
            _ => {}
        }
        let Some((part_again, name_again)) = retry else {
            return false;
        };
        (part, name) = (part_again, name_again);
        retry = Some((part_again, name_again + 1));
    }
}

/// Returns whether one name matches a pattern of `*`, `?`, `[...]` and `\`.
fn name_fits(pattern: &str, name: &str) -> bool {
    let pattern = pattern.chars().collect::<Vec<char>>();
    let name = name.chars().collect::<Vec<char>>();
    let (mut at, mut from) = (0, 0);
    // The position after the last `*`, and the number of letters of the name that it has matched.
    let mut retry = None;
    loop {
        let step = match (pattern.get(at), name.get(from)) {
            (None, None) => return true,
            (Some('*'), _) => {
                at += 1;
                retry = Some((at, from));
                continue;
            }
            (Some(_), Some(letter)) => one_fits(pattern.get(at..).unwrap_or_default(), *letter),
            _ => None,
        };
        if let Some(length) = step {
            at += length;
            from += 1;
            continue;
        }
        match retry {
            Some((behind_star, taken)) if taken < name.len() => {
                at = behind_star;
                from = taken + 1;
                retry = Some((behind_star, from));
            }
            _ => return false,
        }
    }
}

/// Returns the number of characters at the beginning of the pattern that match `letter`, if they do.
fn one_fits(pattern: &[char], letter: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', class @ ..] => class_fits(class, letter).map(|length| length + 1),
        ['\\', escaped, ..] => (*escaped == letter).then_some(2),
        // A backslash at the end matches nothing, as in git.
        ['\\'] => None,
        [plain, ..] => (*plain == letter).then_some(1),
        [] => None,
    }
}

/// Returns the length of the class whose text begins after its `[`, if `letter` is in the class.
/// A class without an end matches nothing.
fn class_fits(class: &[char], letter: char) -> Option<usize> {
    let negated = matches!(class.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        let low = match class.get(at)? {
            // A `]` as the first character is a member of the class.
            ']' if at > start => return (found != negated).then_some(at + 1),
            '[' if class.get(at + 1) == Some(&':') => {
                if let Some((is_member, length)) = named_class(class.get(at..)?, letter) {
                    found |= is_member?;
                    at += length;
                    continue;
                }
                '['
            }
            '\\' => {
                at += 1;
                *class.get(at)?
            }
            plain => *plain,
        };
        at += 1;
        let high = match (class.get(at), class.get(at + 1)) {
            (Some('-'), Some(next)) if *next != ']' => {
                at += 2;
                if *next == '\\' {
                    at += 1;
                    *class.get(at - 1)?
                } else {
                    *next
                }
            }
            _ => low,
        };
        found |= (low..=high).contains(&letter);
    }
}

/// Returns for `[:alpha:]` and similar classes whether the letter is in it (`None` for an unknown class), and its
/// length.
fn named_class(text: &[char], letter: char) -> Option<(Option<bool>, usize)> {
    let end = text.iter().position(|letter| *letter == ']')?;
    let inner = text.get(2..end.checked_sub(1)?)?;
    if text.get(end - 1) != Some(&':') {
        return None;
    }
    let name = inner.iter().collect::<String>();
    let is_member = match name.as_str() {
        "alnum" => letter.is_ascii_alphanumeric(),
        "alpha" => letter.is_ascii_alphabetic(),
        "blank" => matches!(letter, ' ' | '\t'),
        "cntrl" => letter.is_ascii_control(),
        "digit" => letter.is_ascii_digit(),
        "graph" => letter.is_ascii_graphic(),
        "lower" => letter.is_ascii_lowercase(),
        "print" => letter.is_ascii_graphic() || letter == ' ',
        "punct" => letter.is_ascii_punctuation(),
        "space" => letter.is_ascii_whitespace() || letter == '\x0b',
        "upper" => letter.is_ascii_uppercase(),
        "xdigit" => letter.is_ascii_hexdigit(),
        _ => return Some((None, end + 1)),
    };
    Some((Some(is_member), end + 1))
}

//! Methods of `str` and `bytes`.

use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Outcome, Throw, Value};

/// Returns an argument that must be a `str`.
fn text_of(value: &Value, message: &str) -> Result<Rc<str>, Throw> {
    value
        .as_text()
        .cloned()
        .ok_or_else(|| Throw::type_error(format!("{message}, not {}", value.type_name())))
}

impl Interpreter {
    pub(super) fn text_method(
        &mut self,
        text: &Rc<str>,
        name: &str,
        arguments: Arguments,
    ) -> Outcome {
        if name == "format" {
            return self.format_method(text, arguments).map(Value::text);
        }
        if let Some(result) = plain(text, name) {
            arguments.bind::<0>(&format!("str.{name}"), [], 0)?;
            return Ok(result);
        }
        match name {
            "join" => self.join(text, arguments),
            "strip" | "lstrip" | "rstrip" => strip(text, name, arguments),
            "startswith" | "endswith" => affix(text, name, arguments),
            "split" | "rsplit" => split(text, name, arguments),
            "find" | "index" | "rfind" | "rindex" | "count" => search(text, name, arguments),
            "replace" => replace(text, arguments),
            "encode" => Ok(Value::Bytes(text.as_bytes().into())),
            "splitlines" => {
                let [keep] = arguments.bind("splitlines", ["keepends"], 0)?;
                let keep = keep.is_some_and(|keep| keep.is_true());
                Ok(Value::list(
                    split_lines(text, keep)
                        .into_iter()
                        .map(Value::text)
                        .collect(),
                ))
            }
            "partition" | "rpartition" => {
                let [separator] = arguments.bind(&format!("str.{name}"), ["sep"], 1)?;
                let separator = text_of(&separator.unwrap_or(Value::None), "must be str")?;
                if separator.is_empty() {
                    return Err(Throw::new("ValueError", "empty separator"));
                }
                let parts = if name == "partition" {
                    text.split_once(&*separator)
                } else {
                    text.rsplit_once(&*separator)
                };
                let parts = match parts {
                    Some((before, behind)) => [before, &separator, behind],
                    None if name == "partition" => [text, "", ""],
                    None => ["", "", text],
                };
                Ok(Value::Tuple(parts.into_iter().map(Value::text).collect()))
            }
            "removeprefix" | "removesuffix" => {
                let [affix] = arguments.bind(&format!("str.{name}"), ["affix"], 1)?;
                let affix = text_of(
                    &affix.unwrap_or(Value::None),
                    &format!("{name}() argument must be str"),
                )?;
                let cut = if name == "removeprefix" {
                    text.strip_prefix(&*affix)
                } else {
                    text.strip_suffix(&*affix)
                };
                Ok(Value::text(cut.unwrap_or(text)))
            }
            "ljust" | "rjust" | "center" | "zfill" => pad(text, name, arguments),
            "expandtabs" => Err(Throw::unsupported("str.expandtabs")),
            _ => Err(Throw::unsupported(format!("str.{name}"))),
        }
    }

    fn join(&mut self, separator: &str, arguments: Arguments) -> Outcome {
        let [items] = arguments.bind("str.join", ["iterable"], 1)?;
        let items = items.unwrap_or(Value::None);
        if self.iterator(&items).is_err() {
            return Err(Throw::type_error("can only join an iterable"));
        }
        let mut output = String::new();
        for (index, item) in self.collect(&items)?.iter().enumerate() {
            let Value::Text(text) = item else {
                let message = format!(
                    "sequence item {index}: expected str instance, {} found",
                    item.type_name()
                );
                return Err(Throw::type_error(message));
            };
            if index > 0 {
                output.push_str(separator);
            }
            output.push_str(text);
        }
        Ok(Value::text(output))
    }

    /// `text.format(...)`
    fn format_method(&mut self, text: &str, arguments: Arguments) -> Result<String, Throw> {
        let mut counter = 0;
        self.format_fields(text, &arguments, &mut counter, 0)
    }

    fn format_fields(
        &mut self,
        text: &str,
        arguments: &Arguments,
        counter: &mut usize,
        level: usize,
    ) -> Result<String, Throw> {
        if level > 2 {
            return Err(Throw::new("ValueError", "Max string recursion exceeded"));
        }
        let mut output = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            output.push_str(rest.get(..at).unwrap_or_default());
            let here = rest.get(at..).unwrap_or_default();
            if here.starts_with("{{") || here.starts_with("}}") {
                output.push_str(here.get(..1).unwrap_or_default());
                rest = here.get(2..).unwrap_or_default();
                continue;
            }
            if here.starts_with('}') {
                return Err(Throw::new(
                    "ValueError",
                    "Single '}' encountered in format string",
                ));
            }
            let body = here.get(1..).unwrap_or_default();
            let Some(end) = field_end(body) else {
                let message = if body.is_empty() {
                    "Single '{' encountered in format string"
                } else {
                    "expected '}' before end of string"
                };
                return Err(Throw::new("ValueError", message));
            };
            let field = body.get(..end).unwrap_or_default();
            rest = body.get(end + 1..).unwrap_or_default();
            let (name, specification) = field.split_once(':').unwrap_or((field, ""));
            let (name, conversion) = match name.split_once('!') {
                Some((name, conversion)) => (name, conversion.chars().next()),
                None => (name, None),
            };
            let value = self.format_value(name, arguments, counter)?;
            let specification = self.format_fields(specification, arguments, counter, level + 1)?;
            output.push_str(&self.converted(&value, conversion, &specification)?);
        }
        output.push_str(rest);
        Ok(output)
    }

    fn format_value(&mut self, name: &str, arguments: &Arguments, counter: &mut usize) -> Outcome {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at_checked(end).unwrap_or((name, ""));
        let position = if first.is_empty() {
            *counter += 1;
            Some(*counter - 1)
        } else {
            first.parse::<usize>().ok()
        };
        let mut value = match position {
            Some(index) => arguments.positional.get(index).cloned().ok_or_else(|| {
                let message =
                    format!("Replacement index {index} out of range for positional args tuple");
                Throw::new("IndexError", message)
            })?,
            None => {
                let found = arguments.named.iter().find(|(other, _)| &**other == first);
                match found {
                    Some((_, value)) => value.clone(),
                    None => {
                        return Err(Throw::Object(
                            self.exceptions.make("KeyError", vec![Value::text(first)]),
                        ));
                    }
                }
            }
        };
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix('.') {
                let end = behind.find(['.', '[']).unwrap_or(behind.len());
                let (attribute, tail) = behind.split_at_checked(end).unwrap_or((behind, ""));
                value = self.attribute(&value, attribute)?;
                rest = tail;
            } else {
                let Some((index, tail)) = rest.get(1..).unwrap_or_default().split_once(']') else {
                    return Err(Throw::new("ValueError", "Missing ']' in format string"));
                };
                let index = index
                    .parse()
                    .map_or_else(|_| Value::text(index), Value::Int);
                value = self.item(&value, &index)?;
                rest = tail;
            }
        }
        Ok(value)
    }

    pub(super) fn bytes_method(
        &mut self,
        bytes: &Rc<[u8]>,
        name: &str,
        arguments: Arguments,
    ) -> Outcome {
        match name {
            "decode" => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Value::text(text)),
                Err(error) => Err(super::super::files::decode_error(bytes, error)),
            },
            "hex" => Ok(Value::text(
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>(),
            )),
            "startswith" | "endswith" => match arguments.positional.as_slice() {
                [Value::Bytes(affix)] if name == "startswith" => {
                    Ok(Value::Bool(bytes.starts_with(affix)))
                }
                [Value::Bytes(affix)] => Ok(Value::Bool(bytes.ends_with(affix))),
                _ => Err(Throw::unsupported(format!("bytes.{name}"))),
            },
            _ => Err(Throw::unsupported(format!("bytes.{name}"))),
        }
    }
}

/// Returns where a replacement field ends.
fn field_end(body: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Methods without arguments.
fn plain(text: &str, name: &str) -> Option<Value> {
    let cased = |upper: bool| {
        let mut letters = text
            .chars()
            .filter(|character| character.is_alphabetic())
            .peekable();
        letters.peek().is_some()
            && letters.all(|letter| {
                if upper {
                    letter.is_uppercase()
                } else {
                    letter.is_lowercase()
                }
            })
    };
    let all = |test: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(test));
    Some(match name {
        "lower" | "casefold" => Value::text(text.to_lowercase()),
        "upper" => Value::text(text.to_uppercase()),
        "capitalize" => {
            let mut characters = text.chars();
            let first: String = characters
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .collect();
            Value::text(first + &characters.as_str().to_lowercase())
        }
        "title" => {
            let mut output = String::new();
            let mut inside = false;
            for character in text.chars() {
                if inside {
                    output.extend(character.to_lowercase());
                } else {
                    output.extend(character.to_uppercase());
                }
                inside = character.is_alphabetic();
            }
            Value::text(output)
        }
        "swapcase" => Value::text(
            text.chars()
                .map(|character| {
                    if character.is_uppercase() {
                        character.to_lowercase().collect()
                    } else {
                        character.to_uppercase().collect::<String>()
                    }
                })
                .collect::<String>(),
        ),
        "isdigit" => all(|character| character.is_ascii_digit()),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => Value::Bool(text.is_ascii()),
        "isupper" => Value::Bool(cased(true)),
        "islower" => Value::Bool(cased(false)),
        "isidentifier" => {
            let mut characters = text.chars();
            let start = characters
                .next()
                .is_some_and(|first| first == '_' || first.is_alphabetic());
            Value::Bool(
                start
                    && characters.all(|character| character == '_' || character.is_alphanumeric()),
            )
        }
        _ => return None,
    })
}

fn strip(text: &str, name: &str, arguments: Arguments) -> Outcome {
    let [characters] = arguments.bind(name, ["chars"], 0)?;
    let set: Option<Vec<char>> = match characters {
        None | Some(Value::None) => None,
        Some(Value::Text(characters)) => Some(characters.chars().collect()),
        Some(_) => return Err(Throw::type_error(format!("{name} arg must be None or str"))),
    };
    let fits = |character: char| {
        set.as_ref()
            .map_or(character.is_whitespace(), |set| set.contains(&character))
    };
    Ok(Value::text(match name {
        "lstrip" => text.trim_start_matches(fits),
        "rstrip" => text.trim_end_matches(fits),
        _ => text.trim_matches(fits),
    }))
}

fn affix(text: &str, name: &str, arguments: Arguments) -> Outcome {
    if arguments.positional.len() > 1 {
        return Err(Throw::unsupported(format!("str.{name} with a range")));
    }
    let [affix] = arguments.bind(name, ["prefix"], 1)?;
    let test = |affix: &str| {
        if name == "startswith" {
            text.starts_with(affix)
        } else {
            text.ends_with(affix)
        }
    };
    let affix = affix.unwrap_or(Value::None);
    match &affix {
        Value::Text(affix) => Ok(Value::Bool(test(affix))),
        Value::Tuple(affixes) => {
            for affix in affixes.iter() {
                if test(&text_of(
                    affix,
                    &format!("tuple for {name} must only contain str"),
                )?) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        other => Err(Throw::type_error(format!(
            "{name} first arg must be str or a tuple of str, not {}",
            other.type_name()
        ))),
    }
}

fn split(text: &str, name: &str, arguments: Arguments) -> Outcome {
    let [separator, limit] = arguments.bind(name, ["sep", "maxsplit"], 0)?;
    let limit = match limit {
        None => usize::MAX,
        Some(Value::Int(limit)) => usize::try_from(limit).unwrap_or(usize::MAX),
        Some(other) => {
            return Err(Throw::type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                other.type_name()
            )));
        }
    };
    let parts: Vec<String> = match separator {
        None | Some(Value::None) => split_space(text, limit, name == "rsplit"),
        Some(Value::Text(separator)) => {
            if separator.is_empty() {
                return Err(Throw::new("ValueError", "empty separator"));
            }
            let pieces = limit.saturating_add(1);
            if name == "split" {
                text.splitn(pieces, &*separator)
                    .map(str::to_owned)
                    .collect()
            } else {
                let mut parts: Vec<String> = text
                    .rsplitn(pieces, &*separator)
                    .map(str::to_owned)
                    .collect();
                parts.reverse();
                parts
            }
        }
        Some(other) => {
            return Err(Throw::type_error(format!(
                "must be str or None, not {}",
                other.type_name()
            )));
        }
    };
    Ok(Value::list(parts.into_iter().map(Value::text).collect()))
}

fn split_space(text: &str, limit: usize, from_end: bool) -> Vec<String> {
    let mut parts = Vec::new();
    if from_end {
        let mut rest = text.trim_end();
        while !rest.is_empty() {
            let cut = if parts.len() < limit {
                rest.rfind(char::is_whitespace)
            } else {
                None
            };
            let Some(at) = cut else { break };
            let width = rest
                .get(at..)
                .and_then(|tail| tail.chars().next())
                .map_or(1, char::len_utf8);
            parts.push(rest.get(at + width..).unwrap_or_default().to_owned());
            rest = rest.get(..at).unwrap_or_default().trim_end();
        }
        if !rest.is_empty() {
            parts.push(rest.trim_start().to_owned());
        }
        parts.retain(|part| !part.is_empty());
        parts.reverse();
        return parts;
    }
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest.to_owned());
            break;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        parts.push(rest.get(..end).unwrap_or_default().to_owned());
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    parts
}

/// Splits a text as `str.splitlines` does.
pub(crate) fn split_lines(text: &str, keep: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !matches!(
            character,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        ) {
            line.push(character);
            continue;
        }
        if keep {
            line.push(character);
        }
        if character == '\r' && characters.next_if_eq(&'\n').is_some() && keep {
            line.push('\n');
        }
        lines.push(std::mem::take(&mut line));
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn search(text: &str, name: &str, arguments: Arguments) -> Outcome {
    if arguments.positional.len() > 1 {
        return Err(Throw::unsupported(format!("str.{name} with a range")));
    }
    let [part] = arguments.bind(name, ["sub"], 1)?;
    let part = text_of(&part.unwrap_or(Value::None), "must be str")?;
    if name == "count" {
        let count = if part.is_empty() {
            text.chars().count() + 1
        } else {
            text.matches(&*part).count()
        };
        return Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    }
    let at = if name.starts_with('r') {
        text.rfind(&*part)
    } else {
        text.find(&*part)
    };
    match at {
        Some(at) => {
            let characters = text.get(..at).unwrap_or_default().chars().count();
            Ok(Value::Int(i64::try_from(characters).unwrap_or(i64::MAX)))
        }
        None if name.ends_with("find") => Ok(Value::Int(-1)),
        None => Err(Throw::new("ValueError", "substring not found")),
    }
}

fn replace(text: &str, arguments: Arguments) -> Outcome {
    let given = arguments.positional.len();
    if given < 2 {
        return Err(Throw::type_error(format!(
            "replace expected at least 2 arguments, got {given}"
        )));
    }
    let [old, new, count] = arguments.bind("replace", ["old", "new", "count"], 2)?;
    let old = text_of(
        &old.unwrap_or(Value::None),
        "replace() argument 1 must be str",
    )?;
    let new = text_of(
        &new.unwrap_or(Value::None),
        "replace() argument 2 must be str",
    )?;
    Ok(Value::text(match count {
        Some(Value::Int(count)) if count >= 0 => {
            text.replacen(&*old, &new, usize::try_from(count).unwrap_or(usize::MAX))
        }
        _ => text.replace(&*old, &new),
    }))
}

fn pad(text: &str, name: &str, arguments: Arguments) -> Outcome {
    let [width, fill] = arguments.bind(name, ["width", "fillchar"], 1)?;
    let Some(Value::Int(width)) = width else {
        return Err(Throw::unsupported(format!("str.{name}")));
    };
    let fill = match fill {
        Some(Value::Text(fill)) => fill.to_string(),
        _ => " ".to_owned(),
    };
    let missing = usize::try_from(width)
        .unwrap_or(0)
        .min(1 << 20)
        .saturating_sub(text.chars().count());
    Ok(Value::text(match name {
        "ljust" => format!("{text}{}", fill.repeat(missing)),
        "rjust" => format!("{}{text}", fill.repeat(missing)),
        "zfill" => {
            let (sign, digits) = match text.strip_prefix(['+', '-']) {
                Some(digits) => (text.get(..1).unwrap_or_default(), digits),
                None => ("", text),
            };
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
        _ => {
            let width = usize::try_from(width).unwrap_or(0);
            let left = missing / 2 + (missing & width & 1);
            format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))
        }
    }))
}

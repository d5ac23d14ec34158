//! f-strings.

use super::super::ast::FormatPart;
use super::super::literal;
use super::super::token::TokenKind;
use super::{Parsed, Parser};

impl Parser {
    /// Takes the body of an f-string apart.
    pub(super) fn format_string(
        &mut self,
        body: &str,
        raw: bool,
        line: u32,
    ) -> Parsed<Vec<FormatPart>> {
        self.format_parts(body, raw, line, 0)
    }

    fn format_parts(
        &mut self,
        body: &str,
        raw: bool,
        line: u32,
        level: usize,
    ) -> Parsed<Vec<FormatPart>> {
        if level >= 2 {
            return Err(self.error("f-string: expressions nested too deeply", line));
        }
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = body;
        while let Some(character) = rest.chars().next() {
            if rest.starts_with("\\N{") && !raw {
                return Err(self.error("f-string: names of characters are not supported", line));
            }
            if level == 0 && (rest.starts_with("{{") || rest.starts_with("}}")) {
                text.push(character);
                rest = rest.get(2..).unwrap_or_default();
            } else if character == '}' {
                return Err(self.error("f-string: single '}' is not allowed", line));
            } else if character == '{' {
                let literal =
                    literal::unescape(&text, raw).map_err(|message| self.error(&message, line))?;
                parts.push(FormatPart::Text(literal.into()));
                text.clear();
                rest = self.replacement(
                    rest.get(1..).unwrap_or_default(),
                    raw,
                    line,
                    level,
                    &mut parts,
                )?;
            } else {
                text.push(character);
                rest = rest.get(character.len_utf8()..).unwrap_or_default();
            }
        }
        let literal =
            literal::unescape(&text, raw).map_err(|message| self.error(&message, line))?;
        parts.push(FormatPart::Text(literal.into()));
        Ok(parts)
    }

    /// Parses what follows a `{`, and returns what follows its `}`.
    fn replacement<'a>(
        &mut self,
        source: &'a str,
        raw: bool,
        line: u32,
        level: usize,
        parts: &mut Vec<FormatPart>,
    ) -> Parsed<&'a str> {
        let end = expression_end(source).map_err(|message| self.error(message, line))?;
        let (code, mut rest) = source.split_at_checked(end).unwrap_or((source, ""));
        if code.trim().is_empty() {
            return Err(self.error("f-string: empty expression not allowed", line));
        }
        let expression = self.embedded(code, line)?;
        let mut conversion = None;
        if let Some(behind) = rest.strip_prefix('=') {
            let space = behind.len() - behind.trim_start().len();
            parts.push(FormatPart::Text(
                format!("{code}={}", behind.get(..space).unwrap_or_default()).into(),
            ));
            rest = behind.trim_start();
            if rest.starts_with('}') {
                conversion = Some('r');
            }
        }
        if let Some(behind) = rest.strip_prefix('!') {
            let letter = behind
                .chars()
                .next()
                .filter(|letter| matches!(letter, 'r' | 's' | 'a'));
            let Some(letter) = letter else {
                let message = "f-string: invalid conversion character: expected 's', 'r', or 'a'";
                return Err(self.error(message, line));
            };
            conversion = Some(letter);
            rest = behind.get(1..).unwrap_or_default();
        }
        let mut specification = Vec::new();
        if let Some(behind) = rest.strip_prefix(':') {
            let end = specification_end(behind)
                .ok_or_else(|| self.error("f-string: expecting '}'", line))?;
            let (format, tail) = behind.split_at_checked(end).unwrap_or((behind, ""));
            specification = self.format_parts(format, raw, line, level + 1)?;
            rest = tail;
        }
        parts.push(FormatPart::Value {
            expression,
            conversion,
            specification,
        });
        rest.strip_prefix('}')
            .ok_or_else(|| self.error("f-string: expecting '}'", line))
    }

    /// Parses the expression of a replacement field, with the scopes of the f-string.
    fn embedded(&mut self, code: &str, line: u32) -> Parsed<super::super::ast::Expression> {
        let tokens = super::super::token::tokens(&format!("({code}\n)"));
        let kept = std::mem::replace(&mut self.tokens, tokens);
        let at = std::mem::replace(&mut self.at, 0);
        for token in &mut self.tokens {
            token.line = line;
        }
        let result = self.star_expressions();
        let complete = matches!(self.kind(), TokenKind::Newline | TokenKind::End);
        self.tokens = kept;
        self.at = at;
        match result {
            Ok(expression) if complete => Ok(expression),
            Ok(_) => Err(self.error("f-string: invalid syntax", line)),
            Err(error) => {
                let message = error.message.trim_start_matches("f-string: ");
                Err(self.error(&format!("f-string: {message}"), line))
            }
        }
    }
}

/// Returns where the expression ends that `source` begins with: before `!`, `:`, `=` or `}`.
fn expression_end(source: &str) -> Result<usize, &'static str> {
    let mut brackets = 0_usize;
    let mut quote: Option<&str> = None;
    let mut skip = 0;
    for (at, character) in source.char_indices() {
        if at < skip {
            continue;
        }
        let here = source.get(at..).unwrap_or_default();
        let next = here.chars().nth(1);
        if character == '\\' {
            return Err("f-string expression part cannot include a backslash");
        }
        if let Some(open) = quote {
            if here.starts_with(open) {
                skip = at + open.len();
                quote = None;
            }
            continue;
        }
        match character {
            '\'' | '"' => {
                let triple = here
                    .get(..3)
                    .filter(|three| three.chars().all(|other| other == character));
                let open = triple.or(here.get(..1)).unwrap_or("'");
                skip = at + open.len();
                quote = Some(open);
            }
            '#' => return Err("f-string expression part cannot include '#'"),
            '(' | '[' | '{' => brackets += 1,
            ')' | ']' | '}' if brackets > 0 => brackets -= 1,
            '!' | '=' | '<' | '>' if brackets == 0 && next == Some('=') => skip = at + 2,
            '<' | '>' => {}
            '!' | ':' | '=' | '}' if brackets == 0 => return Ok(at),
            _ => {}
        }
    }
    Err("f-string: expecting '}'")
}

/// Returns where a format specification ends: before the `}` that closes its field.
fn specification_end(source: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in source.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

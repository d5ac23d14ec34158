//! License expressions: those of SPDX, annex "SPDX license expressions", and the old form of cargo with `/` for `OR`.

/// Returns whether a package with this license may be used under the `allowed` licenses.
/// Errors: what is wrong with the expression.
pub(crate) fn is_allowed(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = ["(", ")", "/"]
        .iter()
        .fold(expression.to_owned(), |text, sign| {
            text.replace(sign, &format!(" {sign} "))
        });
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser {
        words: &words,
        allowed,
    };
    let answer = parser.any()?;
    match parser.words.first() {
        None => Ok(answer),
        Some(word) => Err(format!("`{word}` is not expected in `{expression}`")),
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn take(&mut self, wanted: &[&str]) -> bool {
        match self.words.split_first() {
            Some((word, rest)) if wanted.contains(word) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut answer = self.all()?;
        while self.take(&["OR", "/"]) {
            answer |= self.all()?;
        }
        Ok(answer)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut answer = self.one()?;
        while self.take(&["AND"]) {
            answer &= self.one()?;
        }
        Ok(answer)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take(&["("]) {
            let answer = self.any()?;
            return match self.take(&[")"]) {
                true => Ok(answer),
                false => Err("a `)` is missing".to_owned()),
            };
        }
        let Some((license, rest)) = self.words.split_first() else {
            return Err("a license is missing".to_owned());
        };
        self.words = rest;
        if !self.take(&["WITH"]) {
            return Ok((self.allowed)(license));
        }
        let Some((exception, rest)) = self.words.split_first() else {
            return Err("an exception is missing".to_owned());
        };
        self.words = rest;
        Ok((self.allowed)(&format!("{license} WITH {exception}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_used() {
        let allowed = |license: &str| matches!(license, "MIT" | "ISC" | "A WITH B");
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND ISC", true),
            ("GPL-3.0-only OR MIT AND ISC", true),
            ("(GPL-3.0-only OR MIT) AND X", false),
            ("X AND (MIT OR ISC)", false),
            ("A WITH B", true),
            ("A", false),
            ("MIT WITH B", false),
        ] {
            assert_eq!(
                is_allowed(expression, &allowed),
                Ok(expected),
                "{expression}"
            );
        }
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "A WITH", "AND"] {
            // `AND` alone is the name of no license that is allowed.
            assert_ne!(is_allowed(expression, &allowed), Ok(true), "{expression}");
        }
    }
}

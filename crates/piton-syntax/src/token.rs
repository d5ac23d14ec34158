//! Token kinds, keywords and the operators of tokens.
//!
//! The order of the kinds is that of MicroPython's `py/lexer.h`: relations, plain operators and
//! in-place operators follow the order of the operator codes, so that an operator is found by
//! subtraction.

macro_rules! tokens {
    ($($name:ident)*) => {
        /// The kind of a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Token {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                $name,
            )*
        }

        impl Token {
            /// Every kind, in order.
            pub const ALL: [Token; Token::COUNT] = [$(Token::$name,)*];
            /// The number of kinds.
            pub const COUNT: usize = [$(stringify!($name),)*].len();
        }
    };
}

tokens! {
    End Invalid DedentMismatch LonelyStringOpen MalformedFstring RawFstring Newline Indent Dedent Name
    Integer FloatOrImag String Bytes Ellipsis KwFalse KwNone KwTrue KwDebug KwAnd KwAs KwAssert
    KwAsync KwAwait KwBreak KwClass KwContinue KwDef KwDel KwElif KwElse KwExcept KwFinally
    KwFor KwFrom KwGlobal KwIf KwImport KwIn KwIs KwLambda KwNonlocal KwNot KwOr KwPass KwRaise
    KwReturn KwTry KwWhile KwWith KwYield OpAssign OpTilde OpLess OpMore OpDblEqual OpLessEqual
    OpMoreEqual OpNotEqual OpPipe OpCaret OpAmpersand OpDblLess OpDblMore OpPlus OpMinus OpStar
    OpAt OpDblSlash OpSlash OpPercent OpDblStar DelPipeEqual DelCaretEqual DelAmpersandEqual
    DelDblLessEqual DelDblMoreEqual DelPlusEqual DelMinusEqual DelStarEqual DelAtEqual
    DelDblSlashEqual DelSlashEqual DelPercentEqual DelDblStarEqual DelParenOpen DelParenClose
    DelBracketOpen DelBracketClose DelBraceOpen DelBraceClose DelComma DelColon DelPeriod
    DelSemicolon DelEqual DelMinusMore
}

impl Token {
    /// Returns the kind with this number, as stored in a packed parse node; [`Token::Invalid`] for others.
    #[inline]
    pub fn from_index(index: u32) -> Token {
        usize::try_from(index)
            .ok()
            .and_then(|index| Token::ALL.get(index).copied())
            .unwrap_or(Token::Invalid)
    }

    /// Returns how far this kind is after `first` in the token order.
    #[inline]
    pub const fn distance(self, first: Token) -> u8 {
        (self as u8).wrapping_sub(first as u8)
    }
}

/// Keywords, sorted; each is followed by its kind. `__debug__` is replaced by its value in the lexer.
const KEYWORDS: [(&[u8], Token); 36] = [
    (b"False", Token::KwFalse),
    (b"None", Token::KwNone),
    (b"True", Token::KwTrue),
    (b"__debug__", Token::KwDebug),
    (b"and", Token::KwAnd),
    (b"as", Token::KwAs),
    (b"assert", Token::KwAssert),
    (b"async", Token::KwAsync),
    (b"await", Token::KwAwait),
    (b"break", Token::KwBreak),
    (b"class", Token::KwClass),
    (b"continue", Token::KwContinue),
    (b"def", Token::KwDef),
    (b"del", Token::KwDel),
    (b"elif", Token::KwElif),
    (b"else", Token::KwElse),
    (b"except", Token::KwExcept),
    (b"finally", Token::KwFinally),
    (b"for", Token::KwFor),
    (b"from", Token::KwFrom),
    (b"global", Token::KwGlobal),
    (b"if", Token::KwIf),
    (b"import", Token::KwImport),
    (b"in", Token::KwIn),
    (b"is", Token::KwIs),
    (b"lambda", Token::KwLambda),
    (b"nonlocal", Token::KwNonlocal),
    (b"not", Token::KwNot),
    (b"or", Token::KwOr),
    (b"pass", Token::KwPass),
    (b"raise", Token::KwRaise),
    (b"return", Token::KwReturn),
    (b"try", Token::KwTry),
    (b"while", Token::KwWhile),
    (b"with", Token::KwWith),
    (b"yield", Token::KwYield),
];

/// Returns the keyword that this identifier is, if it is one.
pub(crate) fn keyword(text: &[u8]) -> Option<Token> {
    let first = usize::from(*text.first()?);
    let start = usize::from(*STARTS.get(first)?);
    let end = usize::from(*STARTS.get(first + 1)?);
    let mut candidates = KEYWORDS.get(start..end)?.iter();
    let (_, token) = candidates.find(|(name, _)| *name == text)?;
    Some(*token)
}

/// Where the keywords that begin with a byte start in [`KEYWORDS`]; they end where those of the next byte start.
#[expect(
    clippy::indexing_slicing,
    reason = "runs when this program is built, and fails then"
)]
static STARTS: [u8; 129] = {
    let mut starts = [0; 129];
    let mut first = 0;
    while first < starts.len() {
        let mut keyword = 0;
        while keyword < KEYWORDS.len() && (KEYWORDS[keyword].0[0] as usize) < first {
            keyword += 1;
        }
        starts[first] = keyword as u8;
        first += 1;
    }
    starts
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_and_nothing_else() {
        for (name, token) in KEYWORDS {
            assert_eq!(keyword(name), Some(token));
            let longer = [name, b"_"].concat();
            assert_eq!(keyword(&longer), None);
            let shorter = name.split_last().unwrap().1;
            assert_eq!(keyword(shorter), None);
        }
        for other in [&b""[..], b"\x7f", b"\x80", b"\xff", b"AND", b"zip", b"_"] {
            assert_eq!(keyword(other), None);
        }
    }
}

//! The rules of operators, and how to pass by those that an operand does not need.
//!
//! In `f(x)` the name `x` is a `Test`, which is a `TestIfExpr` of an `OrTest` of an `AndTest`, and so on over eleven
//! rules. Each would be entered, take one child, see a token that is none of its operators, and leave the child as it
//! is. So after an operand only the rule is entered that the token after it belongs to.

use super::grammar::Rule;
use crate::token::Token;

/// The rules of operators from the outside in. Each takes operands of the next one, and an operand alone is left as it
/// is.
const RULES: [Rule; 12] = [
    Rule::TestIfExpr,
    Rule::OrTest,
    Rule::AndTest,
    Rule::Comparison,
    Rule::Expr,
    Rule::XorExpr,
    Rule::AndExpr,
    Rule::ShiftExpr,
    Rule::ArithExpr,
    Rule::Term,
    Rule::Power,
    Rule::AtomExprNormal,
];

/// Not a place in [`RULES`].
const NONE: u8 = u8::MAX;

/// For each rule, its place in [`RULES`].
static LEVELS: [u8; Rule::COUNT] = levels();

/// For each token, the place in [`RULES`] of the rule that goes on with it.
static OPERATORS: [u8; Token::COUNT] = operators();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are fewer than 256 rules"
)]
const fn levels() -> [u8; Rule::COUNT] {
    let mut levels = [NONE; Rule::COUNT];
    let mut level = 0;
    while level < RULES.len() {
        levels[RULES[level] as usize] = level as u8;
        level += 1;
    }
    // Alternatives with one of these, the one that begins with an operand.
    levels[Rule::Test as usize] = levels[Rule::TestIfExpr as usize];
    levels[Rule::TestNocond as usize] = levels[Rule::OrTest as usize];
    levels[Rule::NotTest as usize] = levels[Rule::Comparison as usize];
    levels[Rule::Factor as usize] = levels[Rule::Power as usize];
    levels[Rule::AtomExpr as usize] = levels[Rule::AtomExprNormal as usize];
    levels
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn operators() -> [u8; Token::COUNT] {
    let pairs = [
        (Token::KwIf, Rule::TestIfExpr),
        (Token::KwOr, Rule::OrTest),
        (Token::KwAnd, Rule::AndTest),
        (Token::OpLess, Rule::Comparison),
        (Token::OpMore, Rule::Comparison),
        (Token::OpDblEqual, Rule::Comparison),
        (Token::OpLessEqual, Rule::Comparison),
        (Token::OpMoreEqual, Rule::Comparison),
        (Token::OpNotEqual, Rule::Comparison),
        (Token::KwIn, Rule::Comparison),
        (Token::KwNot, Rule::Comparison),
        (Token::KwIs, Rule::Comparison),
        (Token::OpPipe, Rule::Expr),
        (Token::OpCaret, Rule::XorExpr),
        (Token::OpAmpersand, Rule::AndExpr),
        (Token::OpDblLess, Rule::ShiftExpr),
        (Token::OpDblMore, Rule::ShiftExpr),
        (Token::OpPlus, Rule::ArithExpr),
        (Token::OpMinus, Rule::ArithExpr),
        (Token::OpStar, Rule::Term),
        (Token::OpAt, Rule::Term),
        (Token::OpSlash, Rule::Term),
        (Token::OpPercent, Rule::Term),
        (Token::OpDblSlash, Rule::Term),
        (Token::OpDblStar, Rule::Power),
        (Token::DelParenOpen, Rule::AtomExprNormal),
        (Token::DelBracketOpen, Rule::AtomExprNormal),
        (Token::DelPeriod, Rule::AtomExprNormal),
    ];
    let levels = levels();
    let mut operators = [NONE; Token::COUNT];
    let mut index = 0;
    while index < pairs.len() {
        let (token, rule) = pairs[index];
        operators[token as usize] = levels[rule as usize];
        index += 1;
    }
    operators
}

/// Returns the rule of an operator that `rule` becomes where it begins with an operand, if it is such a rule.
#[expect(
    clippy::indexing_slicing,
    reason = "the table has an entry for every rule"
)]
pub(super) fn outermost(rule: Rule) -> Option<Rule> {
    RULES.get(usize::from(LEVELS[rule as usize])).copied()
}

/// Returns the rule, `outermost` or one inside it, that goes on after an operand with this token.
#[expect(
    clippy::indexing_slicing,
    reason = "the tables have entries for every rule and token"
)]
pub(super) fn going_on(outermost: Rule, token: Token) -> Option<Rule> {
    let level = OPERATORS[token as usize];
    let rule = RULES.get(usize::from(level)).copied();
    rule.filter(|_| level >= LEVELS[outermost as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::grammar::{Argument, Kind};

    /// Returns whether a rule that has its operand goes on with a token, as the grammar's table says.
    fn goes_on(rule: Rule, token: Token) -> bool {
        match rule.row().arguments[1] {
            Argument::Token(operator) => operator == token,
            Argument::Rule(next) | Argument::Optional(next) => next.begins_with(token),
        }
    }

    #[test]
    fn the_tables_are_those_of_the_grammar() {
        for (level, rule) in RULES.into_iter().enumerate() {
            let row = rule.row();
            assert!(matches!(row.kind, Kind::List | Kind::AndIdent), "{rule:?}");
            let Argument::Rule(operand) = row.arguments[0] else {
                panic!("{rule:?} takes no operands");
            };
            if let Some(&inner) = RULES.get(level + 1) {
                assert_eq!(outermost(operand), Some(inner), "{rule:?}");
            } else {
                assert_eq!(operand, Rule::Atom);
            }
            for token in Token::ALL {
                let expected = OPERATORS[token as usize] == u8::try_from(level).unwrap();
                assert_eq!(goes_on(rule, token), expected, "{rule:?} {token:?}");
            }
        }
        for rule in Rule::ALL {
            let Some(operator) = outermost(rule).filter(|&operator| operator != rule) else {
                continue;
            };
            let row = rule.row();
            assert_eq!(row.kind, Kind::Or, "{rule:?}");
            for argument in row.arguments {
                let Argument::Rule(alternative) = *argument else {
                    panic!("{rule:?} has an alternative that is a token");
                };
                let takes_operands = Token::ALL
                    .into_iter()
                    .any(|token| Rule::Atom.begins_with(token) && alternative.begins_with(token));
                assert_eq!(takes_operands, outermost(alternative) == Some(operator));
            }
        }
    }
}

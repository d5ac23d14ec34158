//! From tokens to the parse tree: an engine that runs the grammar's table (`py/parse.c`).
//!
//! It keeps two stacks, rules under way and finished nodes, and never recurses. Constant
//! expressions are folded as soon as their node is complete (`fold`).

mod fold;
mod grammar;
mod operator;
mod tree;

use std::collections::HashMap;

use self::fold::Folded;
pub use self::grammar::Rule;
use self::grammar::{Argument, Kind, Row};
pub use self::tree::{List, Node, NodeKind, Struct, Tree};
use crate::constants::ConstantId;
use crate::diagnostic::{DiagnosticCode, Failure};
use crate::interner::{Interner, Known, Qstr};
use crate::lexer::Lexer;
use crate::number::{self, Decimal, Integer};
use crate::target::{Floats, Rules};
use crate::token::Token;

/// String literals of up to this many bytes are always interned.
const INTERNED_STRING_LENGTH: usize = 10;

/// In place of [`Frame::taken`]: an operand is complete, and it may be all there is to the rule.
const OPERAND: u32 = u32::MAX;

/// A rule under way.
#[derive(Clone, Copy, Debug)]
struct Frame {
    rule: Rule,
    /// Line of the token at which the rule was entered.
    line: u32,
    /// How many arguments have been taken.
    taken: u32,
}

/// The value of a name set by `NAME = const(VALUE)`.
#[derive(Clone, Copy, Debug)]
enum NamedConstant {
    SmallInteger(i64),
    Object(ConstantId),
}

/// What the parser must know of the compiler's options.
#[derive(Clone, Copy, Debug)]
pub struct ParserOptions {
    /// Bits of an integer that is an operand and not an object.
    pub small_int_bits: u8,
    /// How the compiler of the release differs from those of others.
    pub rules: &'static Rules,
}

/// The engine's state.
#[derive(Debug)]
struct Parser<'a, 's> {
    lexer: Lexer<'s>,
    interner: &'a mut Interner,
    known: Known,
    options: ParserOptions,
    frames: Vec<Frame>,
    results: Vec<Node>,
    tree: Tree,
    named_constants: HashMap<Qstr, NamedConstant>,
}

/// Parses a whole file. Returns the tree and its root.
///
/// # Errors
/// A [`Failure`] in the official compiler's words if the source is not accepted.
pub fn parse_file(
    lexer: Lexer<'_>,
    interner: &mut Interner,
    options: ParserOptions,
) -> Result<(Tree, Node), Failure> {
    let known = interner.known();
    let mut parser = Parser {
        lexer,
        interner,
        known,
        options,
        frames: Vec::new(),
        results: Vec::new(),
        tree: Tree::new(options.rules.any_truth),
        named_constants: HashMap::new(),
    };
    parser.enter(Rule::FileInput)?;
    while let Some(frame) = parser.frames.pop() {
        parser.run(frame)?;
    }
    match parser.results.as_slice() {
        [root] if parser.lexer.token() == Token::End => Ok((parser.tree, *root)),
        _ => Err(parser.unexpected_token()),
    }
}

/// Returns the number of a string, if it is an interned one: it is if it is short or was met before.
fn known_string(interner: &mut Interner, text: &[u8]) -> Result<Option<Qstr>, Failure> {
    Ok(if text.len() <= INTERNED_STRING_LENGTH {
        Some(interner.intern(text)?)
    } else {
        interner.find(text)
    })
}

/// Returns whether an integer is a small one of so many bits: all bits above the width are equal.
#[must_use]
pub fn fits_small_int(value: i64, small_int_bits: u8) -> bool {
    // The shift count is taken modulo 64, as the official tool's processor does.
    let shift = u32::from(small_int_bits).wrapping_sub(1);
    let sign_mask = (1_u64.wrapping_shl(shift)).wrapping_neg();
    let high = value.cast_unsigned() & sign_mask;
    high == 0 || high == sign_mask
}

impl Parser<'_, '_> {
    /// Begins a rule, which must be able to begin with the current token.
    fn enter(&mut self, rule: Rule) -> Result<(), Failure> {
        let (token, line) = (self.lexer.token(), self.lexer.token_line());
        if rule == Rule::Annassign && !self.options.rules.since_1_13 {
            return Err(self.unexpected_token());
        }
        let operator_rule = operator::outermost(rule).filter(|_| Rule::Atom.begins_with(token));
        let Some(rule) = operator_rule else {
            self.begin(rule, line, 0);
            return Ok(());
        };
        let brackets = match token {
            Token::DelParenOpen => Rule::AtomParen,
            Token::DelBracketOpen => Rule::AtomBracket,
            Token::DelBraceOpen => Rule::AtomBrace,
            _ => {
                self.push_token(Rule::Atom)?;
                self.lexer.advance()?;
                self.after_operand(rule, line);
                return Ok(());
            }
        };
        self.begin(rule, line, OPERAND);
        self.begin(brackets, line, 0);
        Ok(())
    }

    fn begin(&mut self, rule: Rule, line: u32, taken: u32) {
        self.frames.push(Frame { rule, line, taken });
    }

    /// Begins the rule that goes on with the current token after an operand: `rule` or one inside it. The others
    /// consist of the operand alone, and leave no trace.
    fn after_operand(&mut self, rule: Rule, line: u32) {
        if let Some(inner) = operator::going_on(rule, self.lexer.token()) {
            if inner != rule {
                self.begin(rule, line, OPERAND);
            }
            self.begin(inner, line, 1);
        }
    }

    /// Carries a rule on until it is complete or another one must be run first.
    fn run(&mut self, frame: Frame) -> Result<(), Failure> {
        if frame.taken == OPERAND {
            self.after_operand(frame.rule, frame.line);
            return Ok(());
        }
        let row = frame.rule.row();
        match row.kind {
            Kind::Or => self.run_or(frame.rule, row),
            Kind::And | Kind::AndIdent | Kind::AndBlank => self.run_and(frame, row),
            Kind::List | Kind::ListWithEnd | Kind::OneOrMore => self.run_list(frame, row),
        }
    }

    fn run_or(&mut self, rule: Rule, row: &Row) -> Result<(), Failure> {
        let token = self.lexer.token();
        for argument in row.arguments {
            match *argument {
                Argument::Token(wanted) if wanted == token => {
                    self.push_token(rule)?;
                    return self.lexer.advance();
                }
                Argument::Rule(alternative) if alternative.begins_with(token) => {
                    return self.enter(alternative);
                }
                _ => {}
            }
        }
        // Rules are only entered on a token they can begin with.
        Err(self.unexpected_token())
    }

    fn run_and(&mut self, mut frame: Frame, row: &Row) -> Result<(), Failure> {
        let taken = frame.taken as usize;
        for argument in row.arguments.get(taken..).unwrap_or_default() {
            frame.taken += 1;
            let token = self.lexer.token();
            match *argument {
                Argument::Token(wanted) if wanted == token => {
                    if wanted == Token::Name {
                        self.push_token(frame.rule)?;
                    }
                    self.lexer.advance()?;
                }
                Argument::Rule(rule) | Argument::Optional(rule) if rule.begins_with(token) => {
                    self.frames.push(frame);
                    return self.enter(rule);
                }
                Argument::Optional(_) => self.results.push(Node::NULL),
                Argument::Token(_) | Argument::Rule(_) => return Err(self.unexpected_token()),
            }
        }
        self.finish_and(frame, row)
    }

    /// Makes the node of a sequence, unless a single child can replace it.
    fn finish_and(&mut self, frame: Frame, row: &Row) -> Result<(), Failure> {
        if frame.rule == Rule::ExprStmt && self.discard_lone_constant() {
            return self.finish_rule(Rule::PassStmt, frame.line, 0);
        }
        let is_child = |argument: &&Argument| !matches!(argument, Argument::Token(token) if *token != Token::Name);
        let mut count = row.arguments.iter().filter(is_child).count();
        if row.kind == Kind::AndIdent {
            let start = self.results.len().saturating_sub(count);
            let children = self.results.get(start..).unwrap_or_default();
            let mut present = children.iter().filter(|child| !child.is_null());
            if let (Some(&only), None) = (present.next(), present.next()) {
                self.results.truncate(start);
                self.results.push(only);
                return Ok(());
            }
        } else if row.kind == Kind::AndBlank {
            // A place for the compiler to keep the scope in.
            self.results.push(Node::NULL);
            count += 1;
        }
        self.finish_rule(frame.rule, frame.line, count)
    }

    /// Drops an expression statement that is only a constant, such as a documentation string.
    fn discard_lone_constant(&mut self) -> bool {
        let [.., expression, Node::NULL] = self.results.as_slice() else {
            return false;
        };
        let constant = (expression.is_leaf() && expression.as_id().is_none())
            || self.tree.is_rule(*expression, Rule::ConstObject);
        if constant {
            self.pop(2);
        }
        constant
    }

    fn run_list(&mut self, mut frame: Frame, row: &Row) -> Result<(), Failure> {
        let separated = row.kind != Kind::OneOrMore;
        loop {
            let is_separator = separated && frame.taken % 2 == 1;
            let argument = row.arguments.get(usize::from(is_separator)).copied();
            let token = self.lexer.token();
            frame.taken += 1;
            match argument {
                Some(Argument::Token(wanted)) if wanted == token => {
                    // Separators that are tokens leave no node.
                    if !is_separator {
                        self.push_token(frame.rule)?;
                    }
                    self.lexer.advance()?;
                }
                Some(Argument::Rule(rule)) if rule.begins_with(token) => {
                    self.frames.push(frame);
                    return self.enter(rule);
                }
                _ => break,
            }
        }
        self.finish_list(frame, row)
    }

    /// Makes the node of a list at its end; a list of one item is that item.
    fn finish_list(&mut self, frame: Frame, row: &Row) -> Result<(), Failure> {
        let separated = row.kind != Kind::OneOrMore;
        let after_separator = separated && frame.taken % 2 == 1;
        if after_separator && (row.kind == Kind::List || frame.taken == 1) {
            return Err(self.unexpected_token());
        }
        let mut count = frame.taken - 1;
        if separated && matches!(row.arguments.get(1), Some(Argument::Token(_))) {
            count = count.div_ceil(2);
        }
        if count == 1 && !after_separator {
            return Ok(());
        }
        self.finish_rule(frame.rule, frame.line, count as usize)
    }

    fn unexpected_token(&self) -> Failure {
        let code = match self.lexer.token() {
            Token::Indent => DiagnosticCode::UnexpectedIndent,
            Token::DedentMismatch => DiagnosticCode::UnmatchedUnindent,
            Token::MalformedFstring => DiagnosticCode::MalformedFString,
            Token::RawFstring => DiagnosticCode::RawFString,
            _ => DiagnosticCode::InvalidSyntax,
        };
        Failure {
            column: self.lexer.token_column(),
            ..Failure::in_line(code, self.lexer.token_line())
        }
    }

    /// Pushes the node of the current token.
    fn push_token(&mut self, rule: Rule) -> Result<(), Failure> {
        let line = self.lexer.token_line();
        let lexer = &self.lexer;
        let invalid = |error: number::LiteralError| Failure {
            column: lexer.token_column(),
            ..error.failure(line)
        };
        let text = self.lexer.text();
        let node = match self.lexer.token() {
            Token::Name => {
                let name = self.interner.intern(text)?;
                if name > Qstr::LAST_SHORT && self.tree.late_names_line == 0 {
                    self.tree.late_names_line = line;
                }
                match self.named_constants.get(&name).copied() {
                    Some(constant) if rule == Rule::Atom => self.constant_node(constant, line)?,
                    _ => Node::id(name),
                }
            }
            Token::Integer => {
                let value = number::parse_integer(text, self.options.rules).map_err(invalid)?;
                self.integer_node(&value, line)?
            }
            Token::FloatOrImag => {
                let mut decimal = number::parse_decimal(text).map_err(invalid)?;
                let floats = self.options.rules.floats;
                if floats != Floats::Extended {
                    let (Decimal::Real(value) | Decimal::Imaginary(value)) = &mut decimal;
                    *value = number::former_decimal_value(text, floats);
                }
                let constant = match decimal {
                    Decimal::Real(value) => self.tree.constants.float(value)?,
                    Decimal::Imaginary(value) => self.tree.constants.imaginary(value)?,
                };
                self.tree.add_constant(constant, line)?
            }
            Token::String => match known_string(self.interner, text)? {
                Some(text) => Node::text(text),
                None => {
                    let constant = self.tree.constants.text(text)?;
                    self.tree.add_constant(constant, line)?
                }
            },
            Token::Bytes => {
                // Up to 1.18 they are interned like strings, and then no node of a rule: they have no line.
                let is_leaf = !self.options.rules.bytes_are_objects
                    && known_string(self.interner, text)?.is_some();
                let constant = self.tree.constants.bytes(text)?;
                if is_leaf {
                    Node::bytes(constant)
                } else {
                    self.tree.add_constant(constant, line)?
                }
            }
            token => Node::token(token),
        };
        self.results.push(node);
        Ok(())
    }

    fn constant_node(&mut self, constant: NamedConstant, line: u32) -> Result<Node, Failure> {
        match constant {
            NamedConstant::SmallInteger(value) => self.integer_node(&Integer::Small(value), line),
            NamedConstant::Object(constant) => self.tree.add_constant(constant, line),
        }
    }

    /// Returns a node for an integer: a small one is a leaf if the target's small integers hold it.
    fn integer_node(&mut self, value: &Integer, line: u32) -> Result<Node, Failure> {
        if let Integer::Small(small) = value
            && (self.fits_small_int(*small) || !self.options.rules.wide_integers_are_objects)
        {
            return self.tree.small_integer(*small);
        }
        let constant = self.tree.constants.integer(value)?;
        self.tree.add_constant(constant, line)
    }

    fn fits_small_int(&self, value: i64) -> bool {
        fits_small_int(value, self.options.small_int_bits)
    }

    /// Returns the node `from_top` places below the newest.
    fn peek(&self, from_top: usize) -> Node {
        let index = self.results.len().checked_sub(from_top + 1);
        index
            .and_then(|index| self.results.get(index))
            .copied()
            .unwrap_or(Node::NULL)
    }

    fn pop(&mut self, count: usize) {
        self.results
            .truncate(self.results.len().saturating_sub(count));
    }

    /// Returns the rule `from_top` places below the one being finished.
    fn outer_rule(&self, from_top: usize) -> Option<Rule> {
        let index = self.frames.len().checked_sub(from_top + 1)?;
        self.frames.get(index).map(|frame| frame.rule)
    }

    /// Makes a node of `rule` from the newest `count` results, or something simpler.
    fn finish_rule(&mut self, rule: Rule, line: u32, mut count: usize) -> Result<(), Failure> {
        match rule {
            // Parentheses around one expression leave no trace.
            Rule::AtomParen => {
                let inner = self.peek(0);
                if !inner.is_null() && !self.tree.is_rule(inner, Rule::TestlistComp) {
                    return Ok(());
                }
            }
            Rule::TestlistComp => {
                if let Some(tail) = self.peek(0).as_struct() {
                    match self.tree.rule(tail) {
                        // One item and a comma.
                        Rule::TestlistComp3b => {
                            self.pop(1);
                            count -= 1;
                        }
                        // Many items: their node already holds the first.
                        Rule::TestlistComp3c => {
                            self.pop(1);
                            self.tree.set_rule(tail, rule);
                            return Ok(());
                        }
                        _ => {}
                    }
                }
            }
            // Takes the first item of the surrounding rule as well.
            Rule::TestlistComp3c => count += 1,
            _ => {}
        }
        if let Folded::Yes = self.fold_logic(rule, &mut count) {
            return Ok(());
        }
        if let Folded::Yes = self.fold_arithmetic(rule, count)? {
            return Ok(());
        }
        if let Folded::Yes = self.fold_tuple(rule, line, count)? {
            return Ok(());
        }
        let start = self.results.len().saturating_sub(count);
        let node = self
            .tree
            .add(rule, line, self.results.get(start..).unwrap_or_default())?;
        self.results.truncate(start);
        if rule == Rule::TestlistComp3c {
            // A node must replace the item that was removed from the outer rule.
            self.results.push(node);
        }
        self.results.push(node);
        Ok(())
    }
}

//! The parse tree: nodes in the shapes of the grammar's rules, packed into one buffer.

use super::grammar::Rule;
use crate::constants::{ConstantId, Constants};
use crate::diagnostic::Failure;
use crate::interner::Qstr;
use crate::token::Token;

/// A packed node: three bits of kind, 29 bits of payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Node(u32);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Nothing: an optional part that is not there.
    Null,
    /// A token that is its own value, such as `None` or an operator.
    Token(Token),
    /// An identifier.
    Id(Qstr),
    /// A string that is interned.
    Text(Qstr),
    /// Bytes that are interned, for MicroPython up to 1.18.
    Bytes(ConstantId),
    /// An integer that fits into a small integer of the board.
    SmallInteger(i64),
    /// The node of a rule.
    Struct(Struct),
}

/// A node of a rule: its place in the tree's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Struct(u32);

/// Bits of a node's payload.
const PAYLOAD_BITS: u32 = 29;
const PAYLOAD_LIMIT: u32 = 1 << PAYLOAD_BITS;
/// Small integers from here up to its negative are kept in the node.
const MINIMUM_INLINE: i64 = -(1 << (PAYLOAD_BITS - 1));
/// Words before a rule node's children: its line, then the rule and the number of children.
const HEADER: u32 = 2;

mod kind {
    pub(super) const TOKEN: u32 = 1;
    pub(super) const ID: u32 = 2;
    pub(super) const TEXT: u32 = 3;
    pub(super) const INTEGER: u32 = 4;
    pub(super) const WIDE_INTEGER: u32 = 5;
    pub(super) const STRUCT: u32 = 6;
    pub(super) const BYTES: u32 = 7;
}

impl Node {
    /// The node of nothing.
    pub const NULL: Node = Node(0);

    #[inline]
    const fn pack(kind: u32, payload: u32) -> Node {
        Node(kind << PAYLOAD_BITS | payload & (PAYLOAD_LIMIT - 1))
    }

    /// Returns the node of a token.
    #[inline]
    pub const fn token(token: Token) -> Node {
        Node::pack(kind::TOKEN, token as u32)
    }

    /// Returns the node of an identifier.
    ///
    /// Numbers of strings stay below the limit because each takes several bytes of source.
    #[inline]
    pub const fn id(name: Qstr) -> Node {
        Node::pack(kind::ID, name.0)
    }

    /// Returns the node of an interned string.
    #[inline]
    pub const fn text(text: Qstr) -> Node {
        Node::pack(kind::TEXT, text.0)
    }

    /// Returns the node of interned bytes.
    #[inline]
    pub(crate) const fn bytes(bytes: ConstantId) -> Node {
        Node::pack(kind::BYTES, bytes.0)
    }

    /// Returns whether this is the node of nothing.
    #[inline]
    pub fn is_null(self) -> bool {
        self == Node::NULL
    }

    /// Returns whether this is the node of `token`.
    #[inline]
    pub fn is_token(self, token: Token) -> bool {
        self == Node::token(token)
    }

    /// Returns the name, if the node is an identifier.
    #[inline]
    pub fn as_id(self) -> Option<Qstr> {
        (self.0 >> PAYLOAD_BITS == kind::ID).then(|| Qstr(self.payload()))
    }

    /// Returns the rule node, if the node is one.
    #[inline]
    pub fn as_struct(self) -> Option<Struct> {
        (self.0 >> PAYLOAD_BITS == kind::STRUCT).then(|| Struct(self.payload()))
    }

    /// Returns whether the node is neither null nor that of a rule.
    #[inline]
    pub fn is_leaf(self) -> bool {
        !self.is_null() && self.0 >> PAYLOAD_BITS != kind::STRUCT
    }

    /// Returns whether the node is a small integer.
    #[inline]
    pub fn is_small_integer(self) -> bool {
        matches!(self.0 >> PAYLOAD_BITS, kind::INTEGER | kind::WIDE_INTEGER)
    }

    #[inline]
    const fn payload(self) -> u32 {
        self.0 & (PAYLOAD_LIMIT - 1)
    }
}

impl From<Struct> for Node {
    #[inline]
    fn from(node: Struct) -> Node {
        Node::pack(kind::STRUCT, node.0)
    }
}

/// All nodes of a module, and the constants they name.
#[derive(Debug)]
pub struct Tree {
    words: Vec<u32>,
    /// Small integers that do not fit into a node.
    wide_integers: Vec<i64>,
    /// The constants that nodes name.
    pub constants: Constants,
    /// See [`Rules::any_truth`](crate::Rules::any_truth).
    any_truth: bool,
    /// The line of the first name with a number beyond [`Qstr::LAST_SHORT`]; 0 if there is none.
    pub late_names_line: u32,
}

impl Tree {
    /// Returns a tree without nodes.
    pub(crate) fn new(any_truth: bool) -> Tree {
        Tree {
            words: Vec::new(),
            wide_integers: Vec::new(),
            constants: Constants::new(),
            any_truth,
            late_names_line: 0,
        }
    }

    /// Returns what `node` is.
    #[inline]
    pub fn kind(&self, node: Node) -> NodeKind {
        let payload = node.payload();
        match node.0 >> PAYLOAD_BITS {
            kind::TOKEN => NodeKind::Token(Token::from_index(payload)),
            kind::ID => NodeKind::Id(Qstr(payload)),
            kind::TEXT => NodeKind::Text(Qstr(payload)),
            kind::INTEGER => NodeKind::SmallInteger(i64::from(payload) + MINIMUM_INLINE),
            kind::WIDE_INTEGER => {
                let value = self.wide_integers.get(payload as usize);
                NodeKind::SmallInteger(value.copied().unwrap_or(0))
            }
            kind::STRUCT => NodeKind::Struct(Struct(payload)),
            kind::BYTES => NodeKind::Bytes(ConstantId(payload)),
            _ => NodeKind::Null,
        }
    }

    /// Returns a node for a small integer.
    ///
    /// # Errors
    /// A [`Failure`] if the tree is too large for its own 32-bit tables.
    pub fn small_integer(&mut self, value: i64) -> Result<Node, Failure> {
        if let Ok(payload) = u32::try_from(value.saturating_sub(MINIMUM_INLINE))
            && payload < PAYLOAD_LIMIT
        {
            return Ok(Node::pack(kind::INTEGER, payload));
        }
        let index = index(self.wide_integers.len())?;
        self.wide_integers.push(value);
        Ok(Node::pack(kind::WIDE_INTEGER, index))
    }

    /// Adds a node of a rule.
    ///
    /// # Errors
    /// A [`Failure`] if the tree is too large for its own 32-bit tables.
    pub(crate) fn add(
        &mut self,
        rule: Rule,
        line: u32,
        children: &[Node],
    ) -> Result<Node, Failure> {
        let start = index(self.words.len())?;
        let count = u32::try_from(children.len())
            .ok()
            .filter(|&count| count < 1 << 24);
        let count = count.ok_or_else(Failure::too_large)?;
        self.words.push(line);
        self.words.push(rule as u32 | count << 8);
        self.words.extend(children.iter().map(|child| child.0));
        Ok(Struct(start).into())
    }

    /// Adds a node for a constant.
    ///
    /// # Errors
    /// A [`Failure`] if the tree is too large for its own 32-bit tables.
    pub(crate) fn add_constant(
        &mut self,
        constant: ConstantId,
        line: u32,
    ) -> Result<Node, Failure> {
        let start = index(self.words.len())?;
        self.words
            .extend([line, Rule::ConstObject as u32 | 1 << 8, constant.0]);
        Ok(Struct(start).into())
    }

    #[inline]
    fn word(&self, index: u32) -> u32 {
        self.words.get(index as usize).copied().unwrap_or(0)
    }

    /// Returns the line of a rule node.
    #[inline]
    pub fn line(&self, node: Struct) -> u32 {
        self.word(node.0)
    }

    /// Returns the line of a rule node, or `line` for a node of another kind.
    #[inline]
    pub fn line_or(&self, node: Node, line: u32) -> u32 {
        node.as_struct().map_or(line, |node| self.line(node))
    }

    /// Returns the rule of a rule node.
    #[inline]
    pub fn rule(&self, node: Struct) -> Rule {
        Rule::from_index(self.word(node.0 + 1).to_le_bytes()[0])
    }

    /// Returns the number of children of a rule node.
    #[inline]
    pub fn count(&self, node: Struct) -> u32 {
        self.word(node.0 + 1) >> 8
    }

    /// Returns child number `index` of a rule node, null if there is none.
    #[inline]
    pub fn child(&self, node: Struct, index: u32) -> Node {
        if index < self.count(node) {
            Node(self.word(node.0 + HEADER + index))
        } else {
            Node::NULL
        }
    }

    /// Returns the children of a rule node.
    #[inline]
    pub fn children(
        &self,
        node: Struct,
    ) -> impl DoubleEndedIterator<Item = Node> + ExactSizeIterator {
        let start = (node.0 + HEADER) as usize;
        let words = self
            .words
            .get(start..start + self.count(node) as usize)
            .unwrap_or_default();
        words.iter().map(|&word| Node(word))
    }

    /// Changes the rule of a rule node.
    pub(crate) fn set_rule(&mut self, node: Struct, rule: Rule) {
        if let Some(word) = self.words.get_mut(node.0 as usize + 1) {
            *word = *word & !0xff | rule as u32;
        }
    }

    /// Returns the rule node, if `node` is one of this rule.
    #[inline]
    pub fn as_rule(&self, node: Node, rule: Rule) -> Option<Struct> {
        node.as_struct().filter(|&node| self.rule(node) == rule)
    }

    /// Returns whether `node` is one of this rule.
    #[inline]
    pub fn is_rule(&self, node: Node, rule: Rule) -> bool {
        self.as_rule(node, rule).is_some()
    }

    /// Returns the constant that a constant node names.
    pub fn constant(&self, node: Node) -> Option<ConstantId> {
        let node = self.as_rule(node, Rule::ConstObject)?;
        Some(ConstantId(self.word(node.0 + HEADER)))
    }

    /// Returns the items of a list rule: its children, or `node` itself if it is not of that rule.
    #[inline]
    pub fn list(&self, node: Node, rule: Rule) -> List {
        match self.as_rule(node, rule) {
            Some(list) => List::Rule(list),
            None => List::Single(node),
        }
    }

    /// Returns the number of items of a list.
    #[inline]
    pub fn list_length(&self, list: List) -> u32 {
        match list {
            List::Rule(node) => self.count(node),
            List::Single(node) => u32::from(!node.is_null()),
        }
    }

    /// Returns item number `index` of a list, null if there is none.
    #[inline]
    pub fn list_item(&self, list: List, index: u32) -> Node {
        match list {
            List::Rule(list) => self.child(list, index),
            List::Single(node) if index == 0 => node,
            List::Single(_) => Node::NULL,
        }
    }

    /// Returns the truth of a constant node; none for other nodes (`mp_parse_node_is_const_true`
    /// and `..._false` of `py/parse.c`).
    pub fn truth(&self, node: Node) -> Option<bool> {
        if self.any_truth {
            return self.constant_truth(node);
        }
        match self.kind(node) {
            NodeKind::Token(Token::KwFalse) => Some(false),
            NodeKind::Token(Token::KwTrue) => Some(true),
            NodeKind::SmallInteger(value) => Some(value != 0),
            _ => None,
        }
    }

    /// Returns the truth of a constant node, whatever the release makes of it.
    fn constant_truth(&self, node: Node) -> Option<bool> {
        match self.kind(node) {
            NodeKind::Null | NodeKind::Id(_) => None,
            NodeKind::Token(token) => match token {
                Token::KwNone | Token::KwFalse => Some(false),
                Token::KwTrue | Token::Ellipsis => Some(true),
                _ => None,
            },
            NodeKind::Text(text) => Some(text != Qstr::EMPTY),
            NodeKind::Bytes(bytes) => Some(self.constants.is_true(bytes)),
            NodeKind::SmallInteger(value) => Some(value != 0),
            NodeKind::Struct(node) => match self.rule(node) {
                Rule::ConstObject => Some(
                    self.constants
                        .is_true(ConstantId(self.word(node.0 + HEADER))),
                ),
                Rule::AtomParen if self.child(node, 0).is_null() => Some(false),
                _ => None,
            },
        }
    }

    /// Returns whether a node is a constant.
    pub fn is_constant(&self, node: Node) -> bool {
        self.constant_truth(node).is_some()
    }
}

/// The items of a list rule, or the only item in its place.
#[derive(Clone, Copy, Debug)]
pub enum List {
    /// The children of a list rule's node.
    Rule(Struct),
    /// The only item, or nothing.
    Single(Node),
}

fn index(length: usize) -> Result<u32, Failure> {
    let index = u32::try_from(length)
        .ok()
        .filter(|&index| index < PAYLOAD_LIMIT);
    index.ok_or_else(Failure::too_large)
}

impl std::fmt::Debug for Node {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Node({}, {})",
            self.0 >> PAYLOAD_BITS,
            self.payload()
        )
    }
}

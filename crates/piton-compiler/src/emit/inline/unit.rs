//! What the inline assemblers have in common: the buffer, labels by name, operands, the last error.

use std::collections::HashMap;
use std::fmt::Write as _;

use piton_mpy::header::Arch;

use crate::emit::Label;
use crate::machine::{Assembler, Pass};
use crate::options::Options;
use piton_syntax::constants::Constant;
use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::interner::{Interner, Qstr};
use piton_syntax::number::Integer;
use piton_syntax::parse::{Node, NodeKind, Rule, Struct, Tree};
use piton_syntax::target::Rules;

/// The most bytes of machine code in a function.
const MAXIMUM_SIZE: usize = 1 << 24;

/// An assembler function while it is made.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) tree: &'a Tree,
    interner: &'a Interner,
    pub(super) assembler: Assembler,
    pub(super) arch: Option<Arch>,
    pub(super) arch_flags: u32,
    pub(super) rules: &'static Rules,
    /// The labels by name.
    labels: HashMap<Qstr, Label>,
    /// The error reported last.
    pub(super) error: Option<(DiagnosticCode, String)>,
}

/// An instruction.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) name: &'a [u8],
    pub(super) operands: &'a [Node],
}

impl Operation<'_> {
    /// Returns the name for a message.
    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }
}

impl<'a> Unit<'a> {
    pub(super) fn new(tree: &'a Tree, interner: &'a Interner, options: &Options) -> Unit<'a> {
        Unit {
            tree,
            interner,
            assembler: Assembler::default(),
            arch: options.arch,
            arch_flags: options.arch_flags,
            rules: options.target.rules(),
            labels: HashMap::new(),
            error: None,
        }
    }

    /// Begins a pass. Returns whether there is room for the code.
    pub(super) fn start_pass(&mut self, pass: Pass) -> bool {
        if pass == Pass::Compute {
            self.labels.clear();
        }
        if pass == Pass::Emit && self.assembler.offset() > MAXIMUM_SIZE {
            return false;
        }
        self.assembler.start_pass(pass);
        true
    }

    /// Returns whether the pass is the last one.
    pub(super) fn is_last_pass(&self) -> bool {
        self.assembler.pass() == Pass::Emit
    }

    /// Reports an error in place of any reported before.
    pub(super) fn fail(&mut self, code: DiagnosticCode, message: String) {
        self.error = Some((code, message));
    }

    /// Returns an instruction of the source.
    pub(super) fn operation<'o>(&self, name: Qstr, operands: &'o [Node]) -> Operation<'o>
    where
        'a: 'o,
    {
        Operation {
            name: self.interner.text(name),
            operands,
        }
    }

    /// Sets a label here. Returns false if the first pass has met its name before.
    pub(super) fn set_label(&mut self, label: Label, name: Qstr) -> bool {
        if !self.is_last_pass() && self.labels.insert(name, label).is_some() {
            return false;
        }
        self.assembler.assign(label);
        true
    }

    /// Returns the label of this name. In a pass that measures only those in front of this place are known.
    pub(super) fn label(&self, name: Qstr) -> Option<Label> {
        self.labels.get(&name).copied()
    }

    /// Returns the text of an operand that is a name, else nothing.
    pub(super) fn text(&self, operand: Node) -> &'a [u8] {
        operand.as_id().map_or(b"", |name| self.interner.text(name))
    }

    /// Returns the text of a name for a message.
    pub(super) fn shown(&self, name: Qstr) -> String {
        String::from_utf8_lossy(self.interner.text(name)).into_owned()
    }

    /// Returns an operand that is an integer, its low 64 bits.
    pub(super) fn integer(&self, operand: Node) -> Option<i64> {
        let value = self.big_integer(operand)?;
        let mut low = [0; 8];
        let bytes = match value {
            Integer::Small(value) => return Some(value),
            Integer::Big(_) => value.to_bytes(),
        };
        for (to, from) in low.iter_mut().zip(bytes) {
            *to = from;
        }
        Some(i64::from_le_bytes(low))
    }

    /// Returns an integer for `data()`, its low 64 bits.
    pub(super) fn data(&self, operand: Node) -> Option<i64> {
        let is_small = matches!(self.tree.kind(operand), NodeKind::SmallInteger(_));
        let takes = is_small || self.rules.native.any_assembler_data;
        self.integer(operand).filter(|_| takes)
    }

    /// Returns an operand that is an integer.
    pub(super) fn big_integer(&self, operand: Node) -> Option<Integer> {
        if let NodeKind::SmallInteger(value) = self.tree.kind(operand) {
            return Some(Integer::Small(value));
        }
        match self.tree.constants.get(self.tree.constant(operand)?) {
            Constant::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the children of an operand in brackets of two items, `[a, b]`.
    pub(super) fn pair(&self, operand: Node) -> Option<(Node, Node)> {
        let bracket = self.tree.as_rule(operand, Rule::AtomBracket)?;
        let list = self
            .tree
            .as_rule(self.tree.child(bracket, 0), Rule::TestlistComp)?;
        let pair = (self.tree.child(list, 0), self.tree.child(list, 1));
        (self.tree.count(list) == 2).then_some(pair)
    }

    /// Returns the items of an operand in braces, `{a, b, ...}`, if it has no values, no `for` and is not empty.
    pub(super) fn set(&self, operand: Node) -> Option<Vec<Node>> {
        let tree = self.tree;
        let content = tree.child(tree.as_rule(operand, Rule::AtomBrace)?, 0);
        if content.as_id().is_some() {
            return Some(vec![content]);
        }
        let maker = tree.as_rule(content, Rule::Dictorsetmaker)?;
        let rest: Struct = tree.as_rule(tree.child(maker, 1), Rule::DictorsetmakerList)?;
        let list = tree.list(tree.child(rest, 0), Rule::DictorsetmakerList2);
        let rest = (0..tree.list_length(list)).map(|index| tree.list_item(list, index));
        Some(std::iter::once(tree.child(maker, 0)).chain(rest).collect())
    }

    /// Appends halfwords, the low byte of each first.
    pub(super) fn halfwords(&mut self, halfwords: &[u32]) {
        for halfword in halfwords {
            let [low, high, ..] = halfword.to_le_bytes();
            self.assembler.emit(&[low, high]);
        }
    }
}

/// Returns a message that begins with the name of an instruction in quotation marks.
pub(super) fn quoted(operation: &Operation<'_>, rest: std::fmt::Arguments<'_>) -> String {
    let mut message = format!("'{}' ", operation.shown());
    // Writing to a string can't fail.
    let _ = message.write_fmt(rest);
    message
}

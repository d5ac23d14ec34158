//! Labels, and the numbers that listings have for them.
//!
//! Here a label is any number that the scope does not have yet. The listing of native code shows the numbers of the
//! official compiler, which counts labels as it comes to them: what is scheduled for later gets its number then.

use super::{Compiler, Instruction, Label, Step};
use piton_mpy::header::Arch;

/// Numbers in the listing by label, for a scope that is listed.
#[derive(Debug, Default)]
pub(super) struct LabelNumbers {
    numbers: Vec<u32>,
    next: u32,
}

impl Compiler<'_> {
    /// Returns whether labels get the official numbers.
    fn lists_labels(&self) -> bool {
        self.options.arch == Some(Arch::Debug) && self.is_native()
    }

    /// Returns a new label.
    pub(super) fn new_label(&mut self) -> Label {
        let label = self.unnumbered_label();
        self.number_label(label);
        label
    }

    /// Takes so many labels in a row for the emitter.
    pub(super) fn take_labels(&mut self, count: u32) {
        for _ in 0..count {
            self.new_label();
        }
    }

    /// Returns a new label that counts from this place of the plan on.
    pub(super) fn later_label(&mut self) -> Label {
        let label = self.unnumbered_label();
        if self.lists_labels() {
            self.push(Step::NumberLabel(label));
        }
        label
    }

    fn unnumbered_label(&mut self) -> Label {
        let label = Label(self.code.labels);
        self.code.labels += 1;
        label
    }

    /// Gives a label the next number.
    pub(super) fn number_label(&mut self, label: Label) {
        if !self.lists_labels() {
            return;
        }
        let LabelNumbers { numbers, next } = &mut self.label_numbers;
        let index = label.0 as usize;
        if numbers.len() <= index {
            numbers.resize(index + 1, 0);
        }
        if let Some(number) = numbers.get_mut(index) {
            *number = *next;
        }
        *next += 1;
    }

    /// Replaces the labels of the scope by their numbers, at its end.
    pub(super) fn number_labels(&mut self) {
        let LabelNumbers { numbers, .. } = std::mem::take(&mut self.label_numbers);
        if numbers.is_empty() {
            return;
        }
        let number = |label: u32| numbers.get(label as usize).copied().unwrap_or(label);
        for instruction in &mut self.code.instructions {
            match instruction {
                Instruction::Label(label)
                | Instruction::Jump(_, label)
                | Instruction::UnwindJump(_, label)
                | Instruction::LeaveExcept(label, _)
                | Instruction::CloseWith(label)
                | Instruction::JumpUnlessException(label) => label.0 = number(label.0),
                Instruction::OwnLabels(first) => *first = number(*first),
                _ => {}
            }
        }
    }
}

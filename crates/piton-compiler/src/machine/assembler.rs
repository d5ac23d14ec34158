//! Bytes and labels of the function that is being written (`py/asmbase.c`).

use crate::emit::Label;
use piton_syntax::diagnostic::DiagnosticCode;

/// The passes over a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Only offsets are computed (`MP_ASM_PASS_COMPUTE`).
    #[default]
    Compute,
    /// The bytes are written (`MP_ASM_PASS_EMIT`).
    Emit,
}

/// The offset of a label that is not assigned yet.
const UNASSIGNED: usize = usize::MAX;

/// The code of one function while it is written.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    pass: Pass,
    /// Whether what comes can't be reached.
    suppressed: bool,
    offset: usize,
    /// The bytes, in the last pass.
    code: Vec<u8>,
    /// Offsets of the labels.
    labels: Vec<usize>,
    error: Option<DiagnosticCode>,
    /// Whether the last pass came to another size than the one before.
    moved: bool,
}

impl Assembler {
    /// Begins a pass over a function.
    pub(crate) fn start_pass(&mut self, pass: Pass) {
        match pass {
            Pass::Compute => self.labels.clear(),
            // The size is that of the pass before; what is left out, for alignment, is zero.
            Pass::Emit => {
                self.code.clear();
                self.code.resize(self.offset, 0);
            }
        }
        self.pass = pass;
        self.suppressed = false;
        self.offset = 0;
        self.moved = false;
    }

    /// Returns the pass.
    pub(crate) fn pass(&self) -> Pass {
        self.pass
    }

    /// Returns where the next byte goes, in bytes from the start of the function.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Returns whether code can't be reached here, so that nothing is written.
    pub(crate) fn is_suppressed(&self) -> bool {
        self.suppressed
    }

    /// Appends bytes. Only the last pass keeps them.
    pub(crate) fn emit(&mut self, bytes: &[u8]) {
        if self.suppressed {
            return;
        }
        let end = self.offset.saturating_add(bytes.len());
        if self.pass == Pass::Emit {
            match self.code.get_mut(self.offset..end) {
                Some(place) => place.copy_from_slice(bytes),
                None => self.moved = true,
            }
        }
        self.offset = end;
    }

    /// Appends the low `size` bytes of a number, the lowest first.
    pub(crate) fn data(&mut self, size: u8, value: i64) {
        let bytes = value.to_le_bytes();
        self.emit(bytes.get(..size.into()).unwrap_or(&bytes));
    }

    /// Moves on to a multiple of any number, with zeros in the gap, as the official compiler does for `align()` of its inline assembler: where
    /// the number is no power of two, not to a multiple.
    pub(crate) fn align_like_c(&mut self, alignment: u32) {
        let end = (self.offset as u64).wrapping_add(alignment.into());
        let aligned = end.wrapping_sub(1) & !u64::from(alignment.wrapping_sub(1));
        self.offset = usize::try_from(aligned).unwrap_or(usize::MAX);
    }

    /// Appends `data()` of the inline assembler: any number of bytes, zeros after the eight of the value.
    pub(crate) fn data_like_c(&mut self, size: u32, value: i64) {
        let start = self.offset;
        self.skip(size as usize);
        let bytes = value.to_le_bytes();
        let length = bytes.len().min(size as usize);
        self.overwrite(start, bytes.get(..length).unwrap_or_default());
    }

    /// Leaves room for bytes, which are zero until they are overwritten.
    pub(crate) fn skip(&mut self, count: usize) {
        self.offset = self.offset.saturating_add(count);
    }

    /// Writes over bytes that the last pass has appended.
    pub(crate) fn overwrite(&mut self, offset: usize, bytes: &[u8]) {
        if self.pass == Pass::Emit {
            let place = self
                .code
                .get_mut(offset..offset.saturating_add(bytes.len()));
            match place {
                Some(place) => place.copy_from_slice(bytes),
                None => self.moved = true,
            }
        }
    }

    /// Assigns a label to this place. What follows can be reached.
    pub(crate) fn assign(&mut self, label: Label) {
        self.suppressed = false;
        let index = label.0 as usize;
        if self.labels.len() <= index {
            self.labels.resize(index + 1, UNASSIGNED);
        }
        if let Some(offset) = self.labels.get_mut(index) {
            if self.pass == Pass::Emit && *offset != self.offset {
                self.moved = true;
            }
            *offset = self.offset;
        }
    }

    /// Returns the offset of a label: in the last pass always, before only if it is assigned.
    pub(crate) fn label(&self, label: Label) -> Option<usize> {
        self.labels
            .get(label.0 as usize)
            .copied()
            .filter(|&offset| offset != UNASSIGNED)
    }

    /// Returns how far a label is from this place, in bytes; the official compiler's number for a label that is not
    /// assigned.
    pub(crate) fn distance(&self, label: Label) -> i64 {
        let target = self.label(label).unwrap_or(UNASSIGNED);
        target.wrapping_sub(self.offset) as i64
    }

    /// Leaves out what comes until the next label.
    pub(crate) fn suppress(&mut self) {
        self.suppressed = true;
    }

    /// Reports something that the machine can't encode. The first report counts.
    pub(crate) fn fail(&mut self, error: DiagnosticCode) {
        self.error.get_or_insert(error);
    }

    /// Returns what [`Assembler::fail`] reported.
    pub(crate) fn error(&self) -> Option<DiagnosticCode> {
        self.error
    }

    /// Returns the bytes that the last pass wrote; none if it came to other offsets than the pass before.
    pub(crate) fn take_code(&mut self) -> Option<Vec<u8>> {
        let moved = self.moved || self.offset != self.code.len();
        (!moved).then(|| std::mem::take(&mut self.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(assembler: &mut Assembler) {
        assembler.emit(&[1, 2]);
        assembler.suppress();
        assembler.emit(&[3; 9]);
        assembler.assign(Label(2));
        assembler.data(4, -2);
        assembler.align_like_c(4);
        assembler.emit(&[5]);
    }

    #[test]
    fn the_last_pass_writes_what_the_first_one_measured() {
        let mut assembler = Assembler::default();
        assembler.start_pass(Pass::Compute);
        assert_eq!(assembler.label(Label(2)), None);
        assert_eq!(assembler.distance(Label(2)), -1);
        write(&mut assembler);
        assert_eq!(assembler.offset(), 9);
        assembler.start_pass(Pass::Emit);
        assert_eq!(assembler.label(Label(2)), Some(2));
        write(&mut assembler);
        assert_eq!(assembler.distance(Label(2)), -7);
        let code = assembler.take_code();
        assert_eq!(code, Some(vec![1, 2, 0xfe, 0xff, 0xff, 0xff, 0, 0, 5]));
    }

    #[test]
    fn a_pass_that_comes_to_another_size_gives_no_code() {
        let mut assembler = Assembler::default();
        assembler.start_pass(Pass::Compute);
        write(&mut assembler);
        assembler.start_pass(Pass::Emit);
        write(&mut assembler);
        assembler.emit(&[6]);
        assert_eq!(assembler.take_code(), None);
    }
}

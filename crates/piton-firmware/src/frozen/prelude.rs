//! What stands before bytecode.

use std::fmt;

/// The signature of a function, as its bytecode begins with it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signature {
    pub(super) n_state: usize,
    pub(super) n_exc_stack: usize,
    pub(super) scope_flags: usize,
    pub(super) n_pos_args: usize,
    pub(super) n_kwonly_args: usize,
    pub(super) n_def_pos_args: usize,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "({}, {}, {}, {}, {}, {})",
            self.n_state,
            self.n_exc_stack,
            self.scope_flags,
            self.n_pos_args,
            self.n_kwonly_args,
            self.n_def_pos_args
        )
    }
}

/// What stands before bytecode, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct Prelude {
    pub(super) signature: Signature,
    pub(super) source_info: usize,
    pub(super) line_info: usize,
    pub(super) closure_info: usize,
    pub(super) opcodes: usize,
    /// The numbers of the function's name and its arguments'.
    pub(super) names: Vec<usize>,
}

/// Takes the beginning of a function's bytecode apart.
pub(super) fn read(bytes: &[u8], start: usize) -> Option<Prelude> {
    let mut at = start;
    let mut byte = || {
        let byte = bytes.get(at).copied().map(usize::from);
        at += 1;
        byte
    };
    let first = byte()?;
    let mut signature = Signature {
        n_state: (first >> 3) & 0xf,
        n_exc_stack: (first >> 2) & 1,
        scope_flags: 0,
        n_pos_args: first & 3,
        n_kwonly_args: 0,
        n_def_pos_args: 0,
    };
    let mut more = first & 0x80 != 0;
    let mut shift = 0;
    while more {
        let next = byte()?;
        if shift > 24 {
            return None;
        }
        signature.n_state |= (next & 0x30) << (2 * shift);
        signature.n_exc_stack |= (next & 2) << shift;
        signature.scope_flags |= ((next & 0x40) >> 6) << shift;
        signature.n_pos_args |= (next & 4) << shift;
        signature.n_kwonly_args |= ((next & 8) >> 3) << shift;
        signature.n_def_pos_args |= (next & 1) << shift;
        more = next & 0x80 != 0;
        shift += 1;
    }
    signature.n_state += 1;
    let (mut n_info, mut n_cell) = (0, 0);
    shift = 0;
    loop {
        let next = byte()?;
        if shift > 8 {
            return None;
        }
        n_info |= ((next & 0x7e) >> 1) << (6 * shift);
        n_cell |= (next & 1) << shift;
        if next & 0x80 == 0 {
            break;
        }
        shift += 1;
    }
    let mut prelude = Prelude {
        signature,
        ..Prelude::default()
    };
    for _ in 0..=(signature.n_pos_args + signature.n_kwonly_args) {
        let mut value = 0_usize;
        loop {
            let next = byte()?;
            value = value.checked_mul(128)? | (next & 0x7f);
            if next & 0x80 == 0 {
                break;
            }
        }
        prelude.names.push(value);
    }
    prelude.line_info = at;
    prelude.source_info = source_info(bytes, start)?;
    prelude.closure_info = prelude.source_info + n_info;
    prelude.opcodes = prelude.closure_info + n_cell;
    (prelude.opcodes <= bytes.len() && prelude.line_info <= prelude.opcodes).then_some(prelude)
}

/// Returns where the names begin: after the two numbers of a prelude.
fn source_info(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for _ in 0..2 {
        while bytes.get(at)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
    }
    Some(at)
}

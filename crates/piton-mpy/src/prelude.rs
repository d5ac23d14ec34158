//! What stands in front of the opcodes: sizes, names, lines, cells (py/bc.h).

use crate::line_info::LineInfo;

/// Scope flag: the function is a generator or a coroutine (py/runtime0.h).
pub const FLAG_GENERATOR: u32 = 0x01;
/// Scope flag: it takes `**kwargs`.
pub const FLAG_VAR_KEYWORDS: u32 = 0x02;
/// Scope flag: it takes `*args`.
pub const FLAG_VAR_ARGS: u32 = 0x04;
/// Scope flag: it has keyword-only arguments with defaults.
pub const FLAG_DEFAULT_KEYWORDS: u32 = 0x08;
/// Scope flag of CircuitPython: it is an `async def`.
pub const FLAG_ASYNC: u32 = 0x10;

/// The prelude of a bytecode or native function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prelude {
    /// The numbers of the signature.
    pub signature: Signature,
    /// The function's name: index into the module's qstr table.
    pub simple_name: u32,
    /// Argument names, positional ones first: indices into the qstr table. As many as the
    /// signature's `n_pos_args` plus `n_kwonly_args`.
    pub arg_names: Vec<u32>,
    /// The line table.
    pub line_info: LineInfo,
    /// The locals that become cells when the function starts.
    pub cells: Vec<u8>,
}

/// The numbers at the start of a prelude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Locals plus value stack, at least 1.
    pub n_state: u32,
    /// Nested exception handlers.
    pub n_exc_stack: u32,
    /// `FLAG_*`: four bits in MicroPython, five in CircuitPython.
    pub scope_flags: u32,
    /// Positional arguments, closed-over variables of the enclosing function among them.
    pub n_pos_args: u32,
    /// Keyword-only arguments.
    pub n_kwonly_args: u32,
    /// Positional arguments with a default.
    pub n_def_pos_args: u32,
}

impl Signature {
    /// How many extension bytes are read and written: enough for the largest `n_state`.
    pub(crate) const MAX_EXTENSIONS: u32 = 14;
    pub(crate) const MAX_EXC_STACK: u64 = (1 << (Signature::MAX_EXTENSIONS + 1)) - 1;
    pub(crate) const MAX_SCOPE_FLAGS: u64 = (1 << Signature::MAX_EXTENSIONS) - 1;
    pub(crate) const MAX_POS_ARGS: u64 = (1 << (Signature::MAX_EXTENSIONS + 2)) - 1;
    pub(crate) const MAX_KWONLY_ARGS: u64 = (1 << Signature::MAX_EXTENSIONS) - 1;
    pub(crate) const MAX_DEF_POS_ARGS: u64 = (1 << Signature::MAX_EXTENSIONS) - 1;

    /// How many arguments have a name in the prelude.
    pub fn n_args(&self) -> usize {
        self.n_pos_args as usize + self.n_kwonly_args as usize
    }

    /// Appends the signature: `xSSSSEAA`, then `xFSSKAED` while any bit is left, low bits first
    /// (`MP_BC_PRELUDE_SIG_ENCODE`, py/bc.h).
    pub fn push(&self, out: &mut Vec<u8>) {
        let mut s = self.n_state.saturating_sub(1);
        let mut e = self.n_exc_stack;
        let mut f = self.scope_flags;
        let mut a = self.n_pos_args;
        let mut k = self.n_kwonly_args;
        let mut d = self.n_def_pos_args;
        let mut byte = (s & 0xf) << 3 | (e & 1) << 2 | a & 3;
        (s, e, a) = (s >> 4, e >> 1, a >> 2);
        while s | e | f | a | k | d != 0 {
            out.push(byte as u8 | 0x80);
            byte = (f & 1) << 6 | (s & 3) << 4 | (k & 1) << 3 | (a & 1) << 2 | (e & 1) << 1 | d & 1;
            (s, e, f, a, k, d) = (s >> 2, e >> 1, f >> 1, a >> 1, k >> 1, d >> 1);
        }
        out.push(byte as u8);
    }
}

/// Appends the two sizes behind the signature: `xIIIIIIC`, low bits first
/// (`MP_BC_PRELUDE_SIZE_ENCODE`, py/bc.h).
///
/// `n_info` is the length in bytes of names and line table, `n_cell` the number of cells.
pub fn push_sizes(out: &mut Vec<u8>, mut n_info: usize, mut n_cell: usize) {
    loop {
        let byte = ((n_info & 0x3f) << 1 | n_cell & 1) as u8;
        (n_info, n_cell) = (n_info >> 6, n_cell >> 1);
        if n_info | n_cell == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

impl Prelude {
    /// Appends the whole prelude, as it stands in front of the opcodes.
    pub fn push(&self, out: &mut Vec<u8>) {
        let mut info = Vec::new();
        for &name in std::iter::once(&self.simple_name).chain(&self.arg_names) {
            crate::vuint::push(&mut info, name);
        }
        info.extend_from_slice(self.line_info.encoded());
        self.signature.push(out);
        push_sizes(out, info.len(), self.cells.len());
        out.extend_from_slice(&info);
        out.extend_from_slice(&self.cells);
    }
}

//! The prelude before the opcodes: sizes, names, lines, cells (py/bc.h).

use crate::cursor::{Cursor, invalid};
use crate::error::Error;
use crate::line_info::LineInfo;
use crate::module::Qstr;
use crate::show;

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

    /// Returns how many arguments have a name in the prelude.
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

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Signature, Error> {
        const FIELD: &str = "prelude signature";
        let start = cursor.at();
        let mut byte = u32::from(cursor.byte(FIELD)?);
        let (mut s, mut e, mut a) = (byte >> 3 & 0xf, byte >> 2 & 1, byte & 3);
        let (mut f, mut k, mut d) = (0, 0, 0);
        let mut n = 0;
        while byte & 0x80 != 0 {
            if n == Signature::MAX_EXTENSIONS {
                let expected = format!("at most {n} extension bytes");
                return Err(invalid(start, FIELD, expected, "more"));
            }
            byte = u32::from(cursor.byte(FIELD)?);
            if byte == 0 {
                return Err(invalid(
                    start,
                    FIELD,
                    "the shortest form",
                    "an extension byte of 0",
                ));
            }
            s |= (byte >> 4 & 3) << (4 + 2 * n);
            e |= (byte >> 1 & 1) << (1 + n);
            f |= (byte >> 6 & 1) << n;
            a |= (byte >> 2 & 1) << (2 + n);
            k |= (byte >> 3 & 1) << n;
            d |= (byte & 1) << n;
            n += 1;
        }
        let n_state = s
            .checked_add(1)
            .ok_or_else(|| invalid(start, FIELD, "n_state below 2^32", "2^32"))?;
        let signature = Signature {
            n_state,
            n_exc_stack: e,
            scope_flags: f,
            n_pos_args: a,
            n_kwonly_args: k,
            n_def_pos_args: d,
        };
        cursor.note(start, FIELD, || signature.describe());
        Ok(signature)
    }

    fn describe(&self) -> String {
        let numbers = [
            ("n_exc_stack", self.n_exc_stack),
            ("scope_flags", self.scope_flags),
            ("n_pos_args", self.n_pos_args),
            ("n_kwonly_args", self.n_kwonly_args),
            ("n_def_pos_args", self.n_def_pos_args),
        ];
        let mut description = format!("n_state {}", self.n_state);
        for (name, number) in numbers.into_iter().filter(|(_, number)| *number != 0) {
            description.push_str(&format!(", {name} {number}"));
        }
        description
    }
}

/// Appends the two sizes after the signature: `xIIIIIIC`, low bits first
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

/// How many bytes the sizes may take: enough for any that a board could load.
const MAX_SIZE_BYTES: u32 = 9;
/// The largest number of cells that fits in them.
pub(crate) const MAX_CELLS: u64 = (1 << MAX_SIZE_BYTES) - 1;

pub(crate) fn read_sizes(cursor: &mut Cursor<'_>) -> Result<(usize, usize), Error> {
    const FIELD: &str = "prelude sizes";
    let start = cursor.at();
    let (mut n_info, mut n_cell) = (0_u64, 0_u64);
    for n in 0..MAX_SIZE_BYTES {
        let byte = u64::from(cursor.byte(FIELD)?);
        if n > 0 && byte == 0 {
            return Err(invalid(
                start,
                FIELD,
                "the shortest form",
                "an extension byte of 0",
            ));
        }
        n_info |= (byte >> 1 & 0x3f) << (6 * n);
        n_cell |= (byte & 1) << n;
        if byte & 0x80 == 0 {
            cursor.note(start, FIELD, || {
                format!("names and lines {n_info}, cells {n_cell}")
            });
            return Ok((n_info as usize, n_cell as usize));
        }
    }
    Err(invalid(
        start,
        FIELD,
        format!("at most {MAX_SIZE_BYTES} bytes"),
        "more",
    ))
}

impl Prelude {
    /// Decodes the prelude at the start of `bytes`; returns it with its length. Names are not
    /// checked against a qstr table.
    ///
    /// # Errors
    /// [`Error::Truncated`] or [`Error::Invalid`], with addresses that count from the first byte.
    pub fn decode(bytes: &[u8]) -> Result<(Prelude, usize), Error> {
        let mut cursor = Cursor::new(bytes);
        let prelude = Prelude::read(&mut cursor, None)?;
        Ok((prelude, cursor.at()))
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>, qstrs: Option<&[Qstr]>) -> Result<Prelude, Error> {
        let signature = Signature::read(cursor)?;
        let (n_info, n_cell) = read_sizes(cursor)?;
        let outer = cursor.enter(n_info, "names and lines")?;
        let simple_name = read_name(cursor, "simple name", qstrs)?;
        let mut arg_names = Vec::new();
        for _ in 0..signature.n_args() {
            arg_names.push(read_name(cursor, "argument name", qstrs)?);
        }
        let start = cursor.at();
        let line_info = LineInfo::from_encoded(cursor.take_rest()).ok_or_else(|| {
            invalid(
                start,
                "line table",
                "whole entries",
                "half an entry of two bytes at its end",
            )
        })?;
        if !line_info.is_empty() {
            cursor.note(start, "line table", || describe_lines(&line_info));
        }
        cursor.leave(outer);
        let start = cursor.at();
        let cells = cursor.take(n_cell, "cells")?.to_vec();
        if n_cell > 0 {
            cursor.note(start, "cells", || format!("locals {cells:?}"));
        }
        Ok(Prelude {
            signature,
            simple_name,
            arg_names,
            line_info,
            cells,
        })
    }

    /// Appends the whole prelude.
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

fn read_name(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    qstrs: Option<&[Qstr]>,
) -> Result<u32, Error> {
    let start = cursor.at();
    let index = cursor.vuint(field)?;
    if let Some(qstrs) = qstrs {
        if index as usize >= qstrs.len() {
            let expected = format!("a qstr index below {}", qstrs.len());
            return Err(invalid(start, field, expected, index.to_string()));
        }
        cursor.note(start, field, || {
            format!("qstr {index} {}", show::qstr(qstrs, index))
        });
    }
    Ok(index)
}

/// `+3:1 +4:2`: bytes and lines of each entry.
fn describe_lines(line_info: &LineInfo) -> String {
    let skips: Vec<_> = line_info
        .skips()
        .map(|skip| format!("+{}:{}", skip.bytes, skip.lines))
        .collect();
    skips.join(" ")
}

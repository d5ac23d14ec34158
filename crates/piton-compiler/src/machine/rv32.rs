//! 32-bit RISC-V (`py/asmrv32.c`).

pub(crate) mod code;
pub(crate) mod encode;

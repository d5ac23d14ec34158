//! Xtensa (`py/asmxtensa.c`).

pub(crate) mod code;
pub(crate) mod encode;

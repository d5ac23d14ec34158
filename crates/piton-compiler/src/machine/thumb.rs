//! Thumb (`py/asmthumb.c`).

pub(crate) mod encode;

//! Tables of cases, each compared with the official compiler or with MicroPython: diagnostics, scopes, folding, jumps, line
//! tables, qstrs, and what programs print.
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "MicroPython imports modules from files"
)]

mod diagnostics;
mod folding;
mod jumps;
mod lines;
mod programs;
mod qstrs;
mod scopes;
mod support;

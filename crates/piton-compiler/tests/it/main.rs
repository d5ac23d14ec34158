//! Tables of cases, each compared with the official compiler or with MicroPython: diagnostics, scopes, folding, jumps, line
//! tables, qstrs, and what programs print.
#![expect(
    clippy::disallowed_methods,
    reason = "MicroPython imports modules from files"
)]

#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod folding;
#[cfg(test)]
mod jumps;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod machine_code;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod qstrs;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod support;

//! The values, functions and minified sources of this crate, compared with MicroPython's unix port.
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call MicroPython fails"
)]

#[cfg(test)]
mod arithmetic;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod literals;
#[cfg(test)]
mod minified;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod support;

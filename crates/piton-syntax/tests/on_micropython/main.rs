//! The values, functions and minified sources of this crate, compared with MicroPython's unix port.

#[cfg(test)]
mod arithmetic;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod floats;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod literals;
#[cfg(test)]
mod minified;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod support;

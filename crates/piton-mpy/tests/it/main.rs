//! Tests against the official compiler and on a real MicroPython, one module for each subject.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod former;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod merge;
#[cfg(test)]
mod official;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod writing;

//! The literal codec against real MicroPython: what we write evaluates there to the value that we meant, and what
//! boards print we read as that value.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod unix_port;
#[cfg(test)]
mod virtual_board;

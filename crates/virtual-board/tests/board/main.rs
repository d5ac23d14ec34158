//! The virtual board, driven over its line by tests that know the protocol from its documentation and
//! from boards, not from our own client.

mod faults;
mod files;
mod machine;
mod modules;
mod mpremote;
mod program;
mod repl;
mod serve;
mod stuck;
mod support;
mod versions;

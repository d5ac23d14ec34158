//! The virtual board, driven over its line by tests that know the protocol from its documentation and
//! from boards, not from our own client.

mod mpremote;
mod support;

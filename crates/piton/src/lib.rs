//! piton.

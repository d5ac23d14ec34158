//! piton-compiler.

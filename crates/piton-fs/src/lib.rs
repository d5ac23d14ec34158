//! piton-fs.

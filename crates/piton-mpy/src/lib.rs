//! piton-mpy.

//! What looks like the name of a board, and is none.

//! virtual-board.

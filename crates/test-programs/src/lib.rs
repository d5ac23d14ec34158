//! test-programs.

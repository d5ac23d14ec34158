//! The firmware that a source is for.

/// The firmware a module is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// MicroPython 1.29, and the format of 1.23 on.
    #[default]
    MicroPython,
    /// CircuitPython 9.
    CircuitPython9,
    /// CircuitPython 10.
    CircuitPython10,
}

impl Target {
    /// Returns whether the target is a CircuitPython release.
    #[must_use]
    pub fn is_circuitpython(self) -> bool {
        self != Target::MicroPython
    }
}

//! The Python side of the board: what is missing from the firmware, in `device/*.py`.

/// The start-up code, by file name.
const FILES: &[(&str, &[u8])] = &[
    ("startup.py", include_bytes!("../device/startup.py")),
    ("event_loop.py", include_bytes!("../device/event_loop.py")),
    ("machine.py", include_bytes!("../device/machine.py")),
];

/// Runs the start-up code; a module of its own, so that `__main__` stays empty.
pub(crate) const START: &str = "\
import sys
sys.path.insert(0, '/.virtual-board')
import startup
sys.path.pop(0)
del sys.modules['startup'], sys.modules['event_loop'], startup, sys
";

/// The content of a file of the start-up code.
pub(crate) fn file(name: &str) -> Option<&'static [u8]> {
    let file = FILES.iter().find(|(known, _)| *known == name);
    file.map(|(_, content)| *content)
}

//! The files that boards run by themselves when they start.
//!
//! ```
//! use piton_fs::start_files;
//!
//! assert!(start_files::sources(false).eq(["boot.py", "main.py", "code.py"]));
//! assert!(start_files::rank("main.py") > start_files::rank("boot.py"));
//! assert_eq!(start_files::rank("lib/main.py"), 0, "boards look at the top only");
//! ```

/// The sources that boards run by name, and never as `.mpy`: MicroPython's `boot.py` and `main.py`
/// (`shared/runtime/pyexec.c` is given these names by each port's `main.c`), and those of CircuitPython (its
/// `main.c`, `supervisor/shared/safe_mode.c`). They are written to a board in this order, after all other files, because
/// the last one starts the new program.
pub const SOURCES: [&str; 5] = ["safemode.py", "repl.py", "boot.py", "main.py", "code.py"];

/// Names that CircuitPython runs, and that are modules like any other for MicroPython.
const CIRCUITPYTHON_ONLY: [&str; 2] = ["safemode.py", "repl.py"];

/// Endings of start files. CircuitPython accepts `.txt` too; a `main.mpy` is run by firmwares that freeze one, and by
/// programs that import it at the start.
const ENDINGS: [&str; 3] = ["py", "mpy", "txt"];

/// Returns those of [`SOURCES`] that a board runs, by its firmware.
pub fn sources(is_circuitpython: bool) -> impl Iterator<Item = &'static str> + Clone {
    let names = SOURCES.into_iter();
    names.filter(move |name| is_circuitpython || !CIRCUITPYTHON_ONLY.contains(name))
}

/// Returns the position of a file among those that a board starts with: 0 for other files.
///
/// Start files are written last, in the order in which a board runs them: `boot.py`, then `main.py`. CircuitPython's
/// `main.c` runs the first that exists of `code.txt`, `code.py`, `main.txt`, `main.py`.
pub fn rank(path: &str) -> u8 {
    match path.rsplit_once('.') {
        Some(("safemode" | "repl" | "boot", ending)) if ENDINGS.contains(&ending) => 1,
        Some(("main" | "code", ending)) if ENDINGS.contains(&ending) => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_a_rank_and_the_order_follows_it() {
        let ranks = SOURCES.map(rank);
        assert!(ranks.is_sorted());
        assert!(!ranks.contains(&0));
        for (path, expected) in [
            ("boot.txt", 1),
            ("main.mpy", 2),
            ("code.txt", 2),
            ("main.pyc", 0),
            ("main", 0),
            ("mainly.py", 0),
            ("app/boot.py", 0),
            ("", 0),
        ] {
            assert_eq!(rank(path), expected, "{path}");
        }
    }

    #[test]
    fn circuitpython_runs_more_start_files() {
        assert!(sources(true).eq(SOURCES));
        assert!(sources(false).all(|name| !CIRCUITPYTHON_ONLY.contains(&name)));
    }
}

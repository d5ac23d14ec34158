//! What scripts written for Belay take for granted: the modules and classes that it imports on each board it connects to.

/// Returns the imports of Belay for an implementation, by `sys.implementation.name`; `None` for one that it does not know.
///
/// Modules and classes that a board may lack are left out there.
///
/// ```
/// use piton::Board;
/// use piton::device::startup_code;
///
/// let mut board = Board::connect(&"virtual".parse()?, &Default::default())?;
/// board.run(startup_code("micropython").expect("it is known").as_bytes())?;
/// assert!(board.eval::<bool>("'Pin' in globals()")?);
/// # Ok::<(), piton::Error>(())
/// ```
pub fn startup_code(implementation: &str) -> Option<&'static str> {
    match implementation {
        "micropython" => Some(include_str!("../../device/minified/startup_micropython.py")),
        "circuitpython" => Some(include_str!(
            "../../device/minified/startup_circuitpython.py"
        )),
        _ => None,
    }
}

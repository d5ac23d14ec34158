//! The programs that run on the board, from `device/`, and how they are called.

/// A program of `device/`: it defines one function, `_piton`.
#[derive(Clone, Copy)]
pub(crate) struct Program(&'static str);

pub(crate) const DISK_FREE: Program = Program(include_str!("../device/disk_free.py"));
pub(crate) const HASH: Program = Program(include_str!("../device/hash.py"));
pub(crate) const LIST: Program = Program(include_str!("../device/list.py"));
pub(crate) const READ: Program = Program(include_str!("../device/read.py"));
pub(crate) const STAT: Program = Program(include_str!("../device/stat.py"));
pub(crate) const TOUCH: Program = Program(include_str!("../device/touch.py"));
pub(crate) const TREE: Program = Program(include_str!("../device/tree.py"));
pub(crate) const WRITE: Program = Program(include_str!("../device/write.py"));

impl Program {
    /// The source without comments and blank lines, and with one space for each level of indentation. The
    /// programs have no strings over several lines.
    pub(crate) fn source(self) -> String {
        let mut source = String::with_capacity(self.0.len());
        for line in self.0.lines() {
            let code = line.trim_start();
            if code.is_empty() || code.starts_with('#') {
                continue;
            }
            let levels = (line.len() - code.len()) / 4;
            source.extend(std::iter::repeat_n(' ', levels));
            source.push_str(code);
            source.push('\n');
        }
        source
    }

    /// The source, and a call with these arguments, each a literal. The function does not stay on the board.
    pub(crate) fn call(self, arguments: &[&str]) -> Vec<u8> {
        let mut source = self.source();
        source.push_str("try:\n _piton(");
        source.push_str(&arguments.join(","));
        source.push_str(")\nfinally:\n del _piton\n");
        source.into_bytes()
    }
}

//! The programs that run on the board, from `device/`, and how they are called.
//!
//! They are embedded minified. `cargo xtask codegen` writes `device/minified/`; `cargo xtask tidy` fails while it is
//! out of date.

/// A program of `device/`, minified: it defines one function, `_piton`.
#[derive(Clone, Copy)]
pub(crate) struct Program(&'static str);

pub(crate) const BLOCKS: Program = Program(include_str!("../device/minified/blocks.py"));
pub(crate) const DISK_FREE: Program = Program(include_str!("../device/minified/disk_free.py"));
pub(crate) const HASH: Program = Program(include_str!("../device/minified/hash.py"));
pub(crate) const LIST: Program = Program(include_str!("../device/minified/list.py"));
pub(crate) const MOUNT: Program = Program(include_str!("../device/minified/mount.py"));
pub(crate) const PARCEL: Program = Program(include_str!("../device/minified/parcel.py"));
pub(crate) const PEEK: Program = Program(include_str!("../device/minified/peek.py"));
pub(crate) const PUT: Program = Program(include_str!("../device/minified/put.py"));
pub(crate) const READ: Program = Program(include_str!("../device/minified/read.py"));
pub(crate) const RECEIVE: Program = Program(include_str!("../device/minified/receive.py"));
pub(crate) const RENAME: Program = Program(include_str!("../device/minified/rename.py"));
pub(crate) const ROM_DEPLOY: Program = Program(include_str!("../device/minified/rom_deploy.py"));
pub(crate) const ROM_QUERY: Program = Program(include_str!("../device/minified/rom_query.py"));
pub(crate) const ROM_READ: Program = Program(include_str!("../device/minified/rom_read.py"));
pub(crate) const SEND: Program = Program(include_str!("../device/minified/send.py"));
pub(crate) const STAT: Program = Program(include_str!("../device/minified/stat.py"));
pub(crate) const SWAP: Program = Program(include_str!("../device/minified/swap.py"));
pub(crate) const SURVEY: Program = Program(include_str!("../device/minified/survey.py"));
pub(crate) const TOUCH: Program = Program(include_str!("../device/minified/touch.py"));
pub(crate) const TREE: Program = Program(include_str!("../device/minified/tree.py"));
pub(crate) const UMOUNT: Program = Program(include_str!("../device/minified/umount.py"));
pub(crate) const WRITE: Program = Program(include_str!("../device/minified/write.py"));
pub(crate) const WRITE_IN_PLACE: Program =
    Program(include_str!("../device/minified/write_in_place.py"));

impl Program {
    /// Returns the source; it ends with a newline.
    pub(crate) fn source(self) -> &'static str {
        self.0
    }

    /// Returns the source with a call; each argument is a literal. The function is deleted after the call.
    pub(crate) fn call(self, arguments: &[&str]) -> Vec<u8> {
        let mut source = self.0.to_owned();
        source.push_str("try:\n _piton(");
        source.push_str(&arguments.join(","));
        source.push_str(")\nfinally:\n del _piton\n");
        source.into_bytes()
    }
}

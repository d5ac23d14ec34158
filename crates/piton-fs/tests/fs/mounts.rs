//! File systems that are mounted below a folder.

use virtual_board::{BoardOptions, VmImage};

use crate::support::{Board, path, soon};

/// A file system of no files, mounted below the root and below a folder.
const MOUNT: &str = "
import os
class Empty:
 def mount(self, readonly, mkfs): pass
 def umount(self): pass
 def ilistdir(self, path): return iter(())
 def stat(self, path): return (0x4000,0,0,0,0,0,0,0,0,0)
os.mkdir('/lib')
os.mkdir('/lib/sub')
os.mount(Empty(), '/sd')
";

#[test]
fn mounted_file_systems_are_found_from_any_folder() {
    for version in ["1.25.0", "1.29.0-6"] {
        let image = VmImage::open(&test_programs::vm_version(version)).unwrap();
        let mut board = Board::with(&image, BoardOptions::default());
        let mut below = |folder: &str| {
            board
                .fs(|fs| fs.mounts_below(&path(folder), soon()))
                .unwrap()
        };
        assert_eq!(below(""), [""; 0], "{version}");
        board.run(MOUNT);
        let mut below = |folder: &str| {
            board
                .fs(|fs| fs.mounts_below(&path(folder), soon()))
                .unwrap()
        };
        for (folder, mounts) in [
            ("", &["sd"][..]),
            ("/", &["sd"]),
            ("lib/..", &["sd"]),
            ("/lib", &[]),
            ("/sd", &[]),
        ] {
            assert_eq!(below(folder), mounts, "{version}: {folder:?}");
        }
        board.run("os.mount(Empty(), '/lib/sub/card')\nos.chdir('/lib')");
        let mut below = |folder: &str| {
            board
                .fs(|fs| fs.mounts_below(&path(folder), soon()))
                .unwrap()
        };
        assert_eq!(below(""), ["sub/card"], "{version}");
        assert_eq!(below("./sub/"), ["card"], "{version}");
    }
}

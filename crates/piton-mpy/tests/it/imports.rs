//! The imports of a module, from what the official compiler makes of it.

use std::fmt::Write;

use piton_mpy::imports::imports;
use piton_mpy::reader;

use crate::official::compile_text;

const SOURCE: &str = "\
import a, b.c as d
from e import *
x = 7
try:
    from f.g import h, i as j
except ImportError:
    from . import k
class C:
    from .l import m
    def n(self):
        y = 3
        import o
        y = [5 for z in p]
        from ...q.r import s
        return y, 2
if x and C:
    import t
else:
    import u
for x in C:
    import v
while x:
    import w
with C:
    import xx
try:
    import yy
finally:
    import zz
def n():
    if x:
        return
    import aa
import bb
";

#[test]
fn every_import_is_found() {
    let mut text = format!("{SOURCE}----\n");
    for level in ["-O0", "-O3"] {
        let module = reader::read(&compile_text("a.py", SOURCE, &[level]).unwrap()).unwrap();
        text += &format!("{level}\n");
        for import in imports(&module) {
            let from = import.from.iter().map(|name| String::from_utf8_lossy(name));
            let from = from.collect::<Vec<_>>().join(", ");
            let name = String::from_utf8_lossy(&import.name);
            let dots = ".".repeat(import.level as usize);
            let when = if import.at_once { "at once" } else { "later" };
            let may = if import.optional { ", may fail" } else { "" };
            writeln!(text, "{dots}{name} ({from}) {when}{may}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_imports_of_machine_code_are_unknown() {
    let source = "import a\n@micropython.native\ndef f():\n    import b\n";
    let bytes = compile_text("a.py", source, &["-march=armv7m"]).unwrap();
    let found = imports(&reader::read(&bytes).unwrap());
    let names = found.iter().map(|import| import.name.as_slice());
    assert_eq!(names.collect::<Vec<_>>(), [b"a"]);
}

//! The strings that every MicroPython and CircuitPython firmware has under the same number.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A static qstr: its number, 1 to 165.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaticQstr(u8);

impl StaticQstr {
    /// Returns the static qstr with this number; `None` for 0 (the null qstr) and for numbers above 165.
    pub fn from_number(number: u32) -> Option<StaticQstr> {
        let number = u8::try_from(number).ok()?;
        let index = usize::from(number).checked_sub(1)?;
        TEXTS.get(index).map(|_| StaticQstr(number))
    }

    /// Returns the static qstr with this text.
    pub fn find(text: &[u8]) -> Option<StaticQstr> {
        static NUMBERS: LazyLock<HashMap<&[u8], StaticQstr>> = LazyLock::new(|| {
            TEXTS
                .iter()
                .map(|text| text.as_bytes())
                .zip((1..).map(StaticQstr))
                .collect()
        });
        NUMBERS.get(text).copied()
    }

    /// Returns the number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Returns the text.
    pub fn text(self) -> &'static str {
        TEXTS
            .get(usize::from(self.0) - 1)
            .copied()
            .unwrap_or_default()
    }
}

/// Number 1 first (`static_qstr_list`, py/makeqstrdata.py; the last is `QSTR_LAST_STATIC` of
/// py/persistentcode.c).
const TEXTS: [&str; 165] = [
    "",
    "__dir__",
    "\n",
    " ",
    "*",
    "/",
    "<module>",
    "_",
    "__call__",
    "__class__",
    "__delitem__",
    "__enter__",
    "__exit__",
    "__getattr__",
    "__getitem__",
    "__hash__",
    "__init__",
    "__int__",
    "__iter__",
    "__len__",
    "__main__",
    "__module__",
    "__name__",
    "__new__",
    "__next__",
    "__qualname__",
    "__repr__",
    "__setitem__",
    "__str__",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "EOFError",
    "Ellipsis",
    "Exception",
    "GeneratorExit",
    "ImportError",
    "IndentationError",
    "IndexError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "NameError",
    "NoneType",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "RuntimeError",
    "StopIteration",
    "SyntaxError",
    "SystemExit",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
    "abs",
    "all",
    "any",
    "append",
    "args",
    "bool",
    "builtins",
    "bytearray",
    "bytecode",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "clear",
    "close",
    "const",
    "copy",
    "count",
    "dict",
    "dir",
    "divmod",
    "end",
    "endswith",
    "eval",
    "exec",
    "extend",
    "find",
    "format",
    "from_bytes",
    "get",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "id",
    "index",
    "insert",
    "int",
    "isalpha",
    "isdigit",
    "isinstance",
    "islower",
    "isspace",
    "issubclass",
    "isupper",
    "items",
    "iter",
    "join",
    "key",
    "keys",
    "len",
    "list",
    "little",
    "locals",
    "lower",
    "lstrip",
    "main",
    "map",
    "micropython",
    "next",
    "object",
    "open",
    "ord",
    "pop",
    "popitem",
    "pow",
    "print",
    "range",
    "read",
    "readinto",
    "readline",
    "remove",
    "replace",
    "repr",
    "reverse",
    "rfind",
    "rindex",
    "round",
    "rsplit",
    "rstrip",
    "self",
    "send",
    "sep",
    "set",
    "setattr",
    "setdefault",
    "sort",
    "sorted",
    "split",
    "start",
    "startswith",
    "staticmethod",
    "step",
    "stop",
    "str",
    "strip",
    "sum",
    "super",
    "throw",
    "to_bytes",
    "tuple",
    "type",
    "update",
    "upper",
    "utf-8",
    "value",
    "values",
    "write",
    "zip",
];

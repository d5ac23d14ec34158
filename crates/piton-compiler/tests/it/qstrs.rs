//! The table of names and short strings: its order, and which strings are in it.

use piton_mpy::module::{ConstObject, Qstr};

use super::support::module;

/// Checks the qstr table of a source after the name of the file, and its strings among the objects. A static qstr, which
/// has the same number in every firmware, has a `!` in front.
#[track_caller]
fn check(source: &str, qstrs: &[&str], strings: &[&str]) {
    let module = module(source);
    let names = module.qstrs.iter().map(|qstr| {
        let text = String::from_utf8_lossy(qstr.bytes()).into_owned();
        match qstr {
            Qstr::Static(_) => format!("!{text}"),
            Qstr::New(_) => text,
        }
    });
    let names: Vec<String> = names.collect();
    assert_eq!(names[0], "<stdin>", "the name of the file is first");
    assert_eq!(names[1..], *qstrs, "{source}");
    let objects = module.objects.iter().filter_map(|object| match object {
        ConstObject::Str(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    assert_eq!(objects.collect::<Vec<String>>(), strings, "{source}");
}

#[test]
fn names_are_in_the_order_of_their_first_use() {
    for (source, qstrs) in [
        ("", &["!<module>"][..]),
        ("a = b\n", &["!<module>", "b", "a"]),
        ("a = a\n", &["!<module>", "a"]),
        ("x.y.z\n", &["!<module>", "y", "z", "x"]),
        ("x.y = z\n", &["!<module>", "y", "z", "x"]),
        ("x.append(y)\n", &["!<module>", "!append", "x", "y"]),
        ("print(len(x))\n", &["!<module>", "!print", "!len", "x"]),
        ("import a.b.c\n", &["!<module>", "a.b.c", "a"]),
        ("import a.b as c\n", &["!<module>", "a.b", "b", "c"]),
        ("from a import b as c\n", &["!<module>", "b", "a", "c"]),
    ] {
        check(source, qstrs, &[]);
    }
}

#[test]
fn functions_add_their_names_and_parameters() {
    for (source, qstrs) in [
        ("def f(): pass\n", &["!<module>", "f"][..]),
        ("def f(a, b): return b\n", &["!<module>", "f", "a", "b"]),
        ("def f(*, key): return key\n", &["!<module>", "f", "!key"]),
        ("x = lambda a: a\n", &["!<module>", "<lambda>", "x", "a"]),
        (
            "x = [a for a in b]\n",
            &["!<module>", "<listcomp>", "b", "x", "!*"],
        ),
        (
            "def f(a):\n  local = a\n  return local\n",
            &["!<module>", "f", "a"],
        ),
        (
            "def f(a):\n  return lambda: a\n",
            &["!<module>", "f", "<lambda>", "a", "!*"],
        ),
    ] {
        check(source, qstrs, &[]);
    }
}

#[test]
fn strings_of_at_most_ten_bytes_are_interned() {
    for (text, is_interned) in [
        ("abc", true),
        ("0123456789", true),
        ("0123456789a", false),
        ("with space", true),
        ("with spaces", false),
        ("äöüäö", true),
        ("äöüäöü", false),
        ("\\n\\t\\r\\0\\x01", true),
    ] {
        let source = format!("x = '{text}'\n");
        let value = text.replace("\\n\\t\\r\\0\\x01", "\n\t\r\0\x01");
        match is_interned {
            true => check(&source, &["!<module>", &value, "x"], &[]),
            false => check(&source, &["!<module>", "x"], &[&value]),
        }
    }
}

#[test]
fn longer_strings_are_interned_if_they_are_names_already() {
    // A name that the firmware has under a fixed number.
    check(
        "x = 'StopIteration'\n",
        &["!<module>", "!StopIteration", "x"],
        &[],
    );
    // A name in front of the string.
    let name = "a_name_of_many_letters";
    check(
        &format!("{name} = 1\nx = '{name}'\n"),
        &["!<module>", name, "x"],
        &[],
    );
    // A name after the string comes too late.
    check(
        &format!("x = '{name}'\n{name} = 1\n"),
        &["!<module>", "x", name],
        &[name],
    );
    // A name that is folded away is a name too.
    check(
        &format!("_{name} = const(1)\nx = '_{name}'\n"),
        &["!<module>", &format!("_{name}"), "x"],
        &[],
    );
    // Adjacent strings are joined before.
    check(
        "x = 'abcdef' 'ghijk'\n",
        &["!<module>", "x"],
        &["abcdefghijk"],
    );
    check("x = 'abc' 'def'\n", &["!<module>", "abcdef", "x"], &[]);
}

#[test]
fn equal_strings_are_one_object() {
    let long = "a string of many letters";
    check(
        &format!("x = '{long}'\ny = '{long}', '{long}'\nz = '{long}'\n"),
        &["!<module>", "x", "y", "z"],
        &[long],
    );
}

#[test]
fn docstrings_and_statements_without_effect_leave_no_strings() {
    check("'''a docstring of many letters'''\n", &["!<module>"], &[]);
    check(
        "def f():\n  'a docstring of many letters'\n",
        &["!<module>", "f"],
        &[],
    );
    check(
        "x\n'an expression of many letters'\n",
        &["!<module>", "x"],
        &[],
    );
}

#[test]
fn format_strings_use_the_method_format() {
    check(
        "x = f'{a}'\n",
        &["!<module>", "{}", "!format", "a", "x"],
        &[],
    );
    check(
        "x = f'{a!r:>5}'\n",
        &["!<module>", "{!r:>5}", "!format", "a", "x"],
        &[],
    );
    check("x = f'abc'\n", &["!<module>", "abc", "!format", "x"], &[]);
}

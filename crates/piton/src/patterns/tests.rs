use super::*;

/// Compares which of `paths` the patterns cover; a path that ends with a slash is a folder.
fn check(lines: &str, paths: &[(&str, bool)]) {
    let mut patterns = Patterns::new();
    patterns.add_lines(lines);
    for (path, covered) in paths {
        assert_eq!(
            patterns.covers(path.trim_end_matches('/'), path.ends_with('/')),
            *covered,
            "{path:?} by {lines:?}"
        );
    }
}

#[test]
fn a_name_fits_in_any_folder_and_a_path_from_the_top() {
    check(
        "*.log",
        &[("a.log", true), ("x/y/a.log", true), ("a.logs", false)],
    );
    check("/a.py", &[("a.py", true), ("x/a.py", false)]);
    check(
        "x/a.py",
        &[("x/a.py", true), ("y/x/a.py", false), ("a.py", false)],
    );
    check("doc", &[("doc", true), ("doc/a/b", true), ("docs", false)]);
}

#[test]
fn stars_stay_within_a_name_but_two_go_through_folders() {
    check(
        "a/*/c",
        &[("a/b/c", true), ("a/b/b/c", false), ("a/c", false)],
    );
    check(
        "a/**/c",
        &[("a/c", true), ("a/b/b/c", true), ("x/a/c", false)],
    );
    check("**/c", &[("c", true), ("a/b/c", true)]);
    check("a/**", &[("a/", false), ("a/b", true), ("a/b/c", true)]);
    check("a**b", &[("ab", true), ("axxb", true), ("a/b", false)]);
    check("?.py", &[("é.py", true), (".py", false), ("ab.py", false)]);
    check(
        "**/a/**/b",
        &[("a/b", true), ("x/a/y/a/b", true), ("b", false)],
    );
}

#[test]
fn folders_only_and_what_is_below_them() {
    check(
        "build/",
        &[
            ("build/", true),
            ("build", false),
            ("build/a", true),
            ("x/build/a", true),
        ],
    );
}

#[test]
fn the_last_pattern_counts_but_not_below_a_covered_folder() {
    check(
        "*.log\n!keep.log",
        &[("a.log", true), ("keep.log", false), ("x/keep.log", false)],
    );
    check("!keep.log\n*.log", &[("keep.log", true)]);
    check("x/\n!x/keep.log", &[("x/keep.log", true)]);
    check(
        "/x/*\n!/x/keep.log",
        &[("x/keep.log", false), ("x/a", true)],
    );
}

#[test]
fn classes_and_escapes() {
    check(
        "[a-c]?[!x]",
        &[("b1y", true), ("b1x", false), ("d1y", false)],
    );
    check("[]a]", &[("]", true), ("a", true), ("b", false)]);
    check("[[:digit:]x]", &[("7", true), ("x", true), ("d", false)]);
    check("[a", &[("[a", false), ("a", false)]);
    check("\\*\\?", &[("*?", true), ("ab", false)]);
    check("\\#a\n\\!b", &[("#a", true), ("!b", true)]);
    check("a\\", &[("a", false), ("a\\", false)]);
}

#[test]
fn comments_spaces_and_line_ends() {
    check(
        "\u{feff}# no\r\n\r\na.py  \r\nb\\ \n",
        &[("a.py", true), ("b ", true), ("# no", false), ("", false)],
    );
}

#[test]
fn a_file_of_patterns_holds_below_its_folder() {
    let mut patterns = Patterns::new();
    patterns.add_lines("*.log\n");
    patterns.add_lines_below("lib/sub", "/a.py\n!*.log\n");
    for (path, covered) in [
        ("lib/sub/a.py", true),
        ("lib/sub/x/a.py", false),
        ("a.py", false),
        ("lib/sub/b.log", false),
        ("lib/b.log", true),
    ] {
        assert_eq!(patterns.covers(path, false), covered, "{path}");
    }
}

#[test]
fn many_stars_take_no_time() {
    let mut patterns = Patterns::new();
    patterns.add(&"*a".repeat(40));
    patterns.add(&format!("{}c", "**/a/".repeat(40)));
    assert!(!patterns.covers(&format!("{}b", "a".repeat(400)), false));
    assert!(!patterns.covers(&"a/b/".repeat(100), false));
}

#[test]
fn a_file_is_named_letter_by_letter() {
    let mut patterns = Patterns::new();
    patterns.add_lines("*.key\ncerts/a.pem\nb.pem\nsecret/\n!old/b.pem\n");
    for (path, named) in [
        ("certs/a.pem", true),
        ("x/b.pem", true),
        ("old/b.pem", false),
        ("a.pem", false),
        ("a.key", false),
        ("secret/a.key", false),
    ] {
        assert_eq!(patterns.names_file(path), named, "{path}");
    }
}

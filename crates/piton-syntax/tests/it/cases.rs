//! Files with a case in each line: `source => expected`.

/// Returns the source and the expected text of each line.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .map(|line| line.split_once(" => ").expect("a line has an arrow"))
}

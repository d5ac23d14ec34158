//! Results as JUnit XML, the form that CI services read. There is no standard; this is what pytest writes with
//! `--junit-xml`, without properties.

use std::fmt::Write as _;

use super::{Counts, FileResult, Outcome, TestResult};

/// Returns the results as one XML document.
pub fn junit(files: &[FileResult]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites name=\"piton test\">\n",
    );
    for file in files {
        // Writing to a `String` cannot fail.
        let _ = write_file(&mut text, file);
    }
    text + "</testsuites>\n"
}

fn write_file(text: &mut String, file: &FileResult) -> std::fmt::Result {
    let counts = Counts::of([file]);
    let path = file.file.to_string_lossy();
    let name = escaped(&path);
    writeln!(
        text,
        "<testsuite name=\"{name}\" hostname=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        escaped(&file.board),
        counts.tests() + counts.errors,
        counts.failed,
        counts.errors,
        counts.skipped + counts.xfailed,
        seconds(file.milliseconds),
    )?;
    for test in &file.tests {
        write_test(text, &name, test)?;
    }
    if let Some(reason) = &file.skipped {
        let reason = escaped(reason);
        writeln!(
            text,
            "<testcase classname=\"{name}\" name=\"(file)\"><skipped message=\"{reason}\"/></testcase>"
        )?;
    }
    if let Some(problem) = &file.problem {
        let problem = escaped(problem);
        writeln!(
            text,
            "<testcase classname=\"{name}\" name=\"(file)\"><error message=\"{problem}\"/></testcase>"
        )?;
    }
    if !file.output.is_empty() {
        writeln!(text, "<system-out>{}</system-out>", escaped(&file.output))?;
    }
    writeln!(text, "</testsuite>")
}

fn write_test(text: &mut String, file: &str, test: &TestResult) -> std::fmt::Result {
    let message = escaped(&test.message);
    let (class, name) = match test.name.rsplit_once("::") {
        Some((class, name)) => (format!("{file}::{}", escaped(class)), name),
        None => (file.to_owned(), test.name.as_str()),
    };
    let line = test
        .place
        .as_ref()
        .map(|place| format!(" line=\"{}\"", place.line));
    write!(
        text,
        "<testcase classname=\"{class}\" name=\"{}\" file=\"{file}\"{} time=\"{}\">",
        escaped(name),
        line.unwrap_or_default(),
        seconds(test.milliseconds),
    )?;
    match test.outcome {
        Outcome::Passed => {}
        Outcome::Failed | Outcome::Xpassed => {
            write!(
                text,
                "<failure message=\"{message}\">{}</failure>",
                escaped(&test.traceback)
            )?;
        }
        Outcome::Skipped => write!(text, "<skipped message=\"{message}\"/>")?,
        Outcome::Xfailed => write!(text, "<skipped type=\"xfail\" message=\"{message}\"/>")?,
    }
    if !test.output.is_empty() {
        write!(text, "<system-out>{}</system-out>", escaped(&test.output))?;
    }
    writeln!(text, "</testcase>")
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Returns text for XML. Characters that XML 1.0 does not have become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_letters_that_xml_lacks_are_replaced() {
        assert_eq!(
            escaped("<a & \"b\">\n\u{1b}[1m\u{e9}"),
            "&lt;a &amp; &quot;b&quot;&gt;&#10;\u{fffd}[1m\u{e9}"
        );
    }
}

//! The shells: the form in which each passes a line and reads the candidates.

/// A shell with a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// Bash, from 3.2.
    Bash,
    /// Z shell.
    Zsh,
    /// Fish.
    Fish,
    /// PowerShell.
    Pwsh,
}

/// A line that the user is typing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its words without quotes: the program's name first, the unfinished word last.
    pub(super) words: Vec<String>,
    /// The length of the start of the last word that the shell keeps and does not want in a candidate, in bytes of the
    /// word as it is shown.
    kept: usize,
}

impl Shell {
    /// The shells' names on the command line.
    pub(crate) const NAMES: [&'static str; 4] = ["bash", "zsh", "fish", "powershell"];

    /// Returns the shell of this name.
    pub(crate) fn named(name: &str) -> Option<Shell> {
        match name {
            "bash" => Some(Shell::Bash),
            "zsh" => Some(Shell::Zsh),
            "fish" => Some(Shell::Fish),
            "powershell" => Some(Shell::Pwsh),
            _ => None,
        }
    }

    /// Returns the script that makes the shell call `piton __complete`.
    pub(crate) fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("scripts/piton.bash"),
            Shell::Zsh => include_str!("scripts/piton.zsh"),
            Shell::Fish => include_str!("scripts/piton.fish"),
            Shell::Pwsh => include_str!("scripts/piton.ps1"),
        }
    }

    /// Parses the line that the shell's script passes.
    pub(super) fn line(self, arguments: &[String]) -> Option<Line> {
        match (self, arguments) {
            // Bash passes its word breaks, and the line up to the cursor.
            (Shell::Bash, [breaks, line]) => {
                let (words, last) = split(line);
                // Bash completes what follows the last word break, and keeps what is before it.
                let kept = last.rfind(|c: char| ":=@".contains(c) && breaks.contains(c));
                Some(Line {
                    words,
                    kept: kept.map_or(0, |at| at + 1),
                })
            }
            (Shell::Bash, _) => None,
            // PowerShell before 7.3 drops empty arguments of programs, so its script puts `=` in front of the last
            // word.
            (Shell::Pwsh, [before @ .., last]) => {
                let mut words = before.to_vec();
                words.push(last.strip_prefix('=')?.to_owned());
                Some(Line { words, kept: 0 })
            }
            (_, words) => Some(Line {
                words: words.to_vec(),
                kept: 0,
            }),
        }
    }

    /// Formats a candidate as the shell's script reads it, with its line end. A name on a board must not have a meaning
    /// to the shell.
    pub(super) fn show(self, line: &Line, word: &str, remark: &str) -> String {
        match self {
            Shell::Bash => {
                let word = escape(word);
                format!("{}\n", word.get(line.kept..).unwrap_or_default())
            }
            // The scripts of these two shells quote.
            Shell::Zsh | Shell::Fish => format!("{word}\t{remark}\n"),
            Shell::Pwsh if word.chars().all(is_plain) => format!("{word}\t{remark}\n"),
            Shell::Pwsh => format!("'{}'\t{remark}\n", word.replace('\'', "''")),
        }
    }
}

/// Returns whether a character has no special meaning to a shell.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_./:%+,@=-".contains(c)
}

/// Puts a backslash before every character that has a meaning to a shell.
fn escape(word: &str) -> String {
    let mut escaped = String::new();
    for c in word.chars() {
        if !is_plain(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Splits a line into words by the rules of the Bourne shell. Returns also the last word as it is written. A quote may
/// be open.
fn split(line: &str) -> (Vec<String>, &str) {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut start = None;
    let mut quote = None;
    let mut letters = line.char_indices();
    while let Some((at, c)) = letters.next() {
        if c.is_whitespace() && quote.is_none() {
            if start.take().is_some() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        start.get_or_insert(at);
        match (c, quote) {
            ('\\', None | Some('"')) => word.extend(letters.next().map(|(_, c)| c)),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    let last = start.and_then(|start| line.get(start..));
    (words, last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_split(line: &str, words: &[&str], last: &str) {
        let (split_words, written) = split(line);
        assert_eq!(
            (split_words, written),
            (words.iter().map(ToString::to_string).collect(), last)
        );
    }

    #[test]
    fn a_line_of_bash_is_split_as_bash_does() {
        check_split("piton", &["piton"], "piton");
        check_split("piton ls ", &["piton", "ls", ""], "");
        check_split(
            r#"piton exec 'a "b"' "c\" d" e\ f :x"#,
            &["piton", "exec", "a \"b\"", "c\" d", "e f", ":x"],
            ":x",
        );
        check_split("piton cat 'my fi", &["piton", "cat", "my fi"], "'my fi");
        check_split("piton cat my\\", &["piton", "cat", "my"], "my\\");
    }

    /// Checks the candidate that bash gets for the last word of a line.
    #[track_caller]
    fn check_bash(line: &str, candidate: &str, expected: &str) {
        let arguments = [" \"'@><=;|&(:".to_owned(), line.to_owned()];
        let line = Shell::Bash.line(&arguments).unwrap();
        assert_eq!(
            Shell::Bash.show(&line, candidate, "remark"),
            format!("{expected}\n")
        );
    }

    #[test]
    fn bash_is_told_what_it_completes_and_nothing_it_would_run() {
        check_bash("piton l", "ls", "ls");
        check_bash("piton ls :li", ":lib/", "lib/");
        check_bash("piton connect ", "socket://", "socket://");
        check_bash("piton connect id:e6", "id:e6616", "e6616");
        check_bash("piton rm x", "x;$(reboot) é", r"x\;\$\(reboot\)\ é");
    }

    #[test]
    fn powershell_is_told_in_quotes() {
        let arguments = ["piton", "rm", "=x"].map(str::to_owned);
        let line = Shell::Pwsh.line(&arguments).unwrap();
        assert_eq!(line.words, ["piton", "rm", "x"]);
        let show = |word| Shell::Pwsh.show(&line, word, "");
        assert_eq!(show("x.py"), "x.py\t\n");
        assert_eq!(show("x;'$y"), "'x;''$y'\t\n");
        assert_eq!(Shell::Pwsh.line(&["piton".to_owned()]), None);
    }
}

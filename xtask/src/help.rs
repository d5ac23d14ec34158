//! The help of `piton` as data, as `piton --json help` prints it.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;

use crate::processes::output_of;

/// The whole help.
#[derive(Debug, Deserialize)]
pub(crate) struct Help {
    pub(crate) version: String,
    pub(crate) usage: String,
    /// The commands by topic.
    pub(crate) groups: Vec<Group>,
    /// Words that connect to a port.
    pub(crate) shortcuts: Vec<Described>,
    /// Options of the whole line.
    pub(crate) options: Vec<OptionHelp>,
}

/// Commands about one topic.
#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) commands: Vec<Topic>,
}

/// The help of a command.
#[derive(Debug, Deserialize)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) usage: String,
    /// Paragraphs beside the options; may be empty.
    pub(crate) details: String,
    pub(crate) arguments: Vec<Described>,
    pub(crate) options: Vec<OptionHelp>,
    pub(crate) subcommands: Vec<Described>,
    /// Lines, each with what it does.
    pub(crate) examples: Vec<Described>,
}

/// A word or a line, and what it means.
#[derive(Debug, Deserialize)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) help: String,
}

/// An option.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionHelp {
    /// `-r`, `--recursive`.
    pub(crate) names: Vec<String>,
    /// The name of its value.
    pub(crate) value: Option<String>,
    pub(crate) help: String,
    pub(crate) default: Option<String>,
    /// The values that it takes; empty if any is.
    pub(crate) values: Vec<String>,
}

impl Help {
    /// Asks a `piton` for its help.
    ///
    /// # Errors
    ///
    /// The program does not run, or prints something else.
    pub(crate) fn of(piton: &Path) -> anyhow::Result<Help> {
        // The settings of this computer's user are not part of it.
        let mut command = Command::new(piton);
        command.args(["--json", "help"]).env("PITON_CONFIG", "");
        let text = output_of(&mut command)?;
        serde_json::from_str(&text)
            .with_context(|| format!("`{} --json help` is not the help", piton.display()))
    }

    /// Returns all commands, in the order of the list of commands.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.groups.iter().flat_map(|group| &group.commands)
    }
}

impl OptionHelp {
    /// Returns the help with the default and the possible values after it.
    pub(crate) fn whole_help(&self) -> String {
        let mut text = self.help.clone();
        if !self.values.is_empty() {
            text.push_str(&format!(" [possible values: {}]", self.values.join(", ")));
        }
        if let Some(default) = &self.default {
            text.push_str(&format!(" [default: {default}]"));
        }
        text
    }

    /// Returns the option as it is typed: `-o, --output FILE`.
    pub(crate) fn typed(&self) -> String {
        let names = self.names.join(", ");
        match &self.value {
            Some(value) => format!("{names} {value}"),
            None => names,
        }
    }
}

/// A small help, for tests.
#[cfg(test)]
pub(crate) fn sample() -> Help {
    let described = |name: &str, help: &str| Described {
        name: name.to_owned(),
        help: help.to_owned(),
    };
    let option = |names: &[&str], value: Option<&str>, help: &str| OptionHelp {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        value: value.map(ToOwned::to_owned),
        help: help.to_owned(),
        default: value.map(|_| "a.out".to_owned()),
        values: Vec::new(),
    };
    Help {
        version: "1.2.3".to_owned(),
        usage: "piton [OPTIONS] [COMMAND]".to_owned(),
        groups: vec![Group {
            title: "Every day".to_owned(),
            commands: vec![Topic {
                name: "cp".to_owned(),
                about: "Copy files".to_owned(),
                usage: "piton cp [-r] SOURCE... DESTINATION".to_owned(),
                details: "A `:` marks a path on the board.\n\nA pattern `'*.py'` | more."
                    .to_owned(),
                arguments: vec![described("<SOURCE>...", "What to copy")],
                options: vec![
                    option(&["-r", "--recursive"], None, "Copy folders"),
                    option(&["--out"], Some("FILE"), "Where <x> goes, as `a|b`"),
                ],
                subcommands: Vec::new(),
                examples: vec![described("piton cp main.py :", "copy a file")],
            }],
        }],
        shortcuts: vec![described("a0 to a3", "Connect to `/dev/ttyACM0`")],
        options: vec![option(&["--json"], None, "Print JSON")],
    }
}

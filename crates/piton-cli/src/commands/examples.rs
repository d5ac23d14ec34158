//! Examples for each command: its help shows them, and so do the hints for wrong arguments.

/// A command line, and what it does.
pub(crate) type Example = (&'static str, &'static str);

/// Examples by command; file commands have their own names.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "connect",
        &[
            (
                "piton connect /dev/ttyACM0 ls",
                "list the files of the board at this port",
            ),
            (
                "piton connect virtual repl",
                "try MicroPython without a board",
            ),
        ],
    ),
    (
        "new",
        &[
            ("piton new lamp", "make a project in the folder `lamp`"),
            (
                "piton new --for esp32 lamp",
                "the same, with ESP32 modules known to the editor",
            ),
        ],
    ),
    (
        "select",
        &[(
            "piton select",
            "choose a board, blink an LED at it, and print how to name it",
        )],
    ),
    (
        "latency",
        &[
            ("piton latency", "measure 10 calls"),
            (
                "piton latency --count 100 --output latency.csv",
                "measure 100 calls, and keep the times",
            ),
        ],
    ),
    (
        "disconnect",
        &[(
            "piton connect a0 eval 1 disconnect connect a1 eval 2",
            "use one board, then another",
        )],
    ),
    (
        "resume",
        &[(
            "piton resume eval x",
            "print a variable that the last line has left on the board",
        )],
    ),
    (
        "soft-reset",
        &[("piton soft-reset repl", "restart MicroPython, and watch it")],
    ),
    (
        "reset",
        &[
            ("piton reset", "restart the board"),
            (
                "piton reset --lines repl",
                "restart an ESP board that hangs, and watch it",
            ),
        ],
    ),
    (
        "bootloader",
        &[(
            "piton bootloader",
            "make a Pico show its drive for `.uf2` files",
        )],
    ),
    ("eval", &[("piton eval \"2 ** 10\"", "print 1024")]),
    (
        "exec",
        &[(
            "piton exec \"import machine; print(machine.freq())\"",
            "print the board's clock rate",
        )],
    ),
    (
        "run",
        &[
            (
                "piton run blink.py",
                "run a script of this computer; nothing is stored on the board",
            ),
            ("piton run tool.py -- --fast 3", "the same with arguments"),
        ],
    ),
    (
        "mount",
        &[(
            "piton mount . exec \"import app\"",
            "run a program in the current folder",
        )],
    ),
    (
        "umount",
        &[(
            "piton mount . exec \"import app\" umount repl",
            "continue without the folder",
        )],
    ),
    (
        "repl",
        &[
            ("piton repl", "talk to the board; Ctrl-] leaves"),
            ("piton repl --capture log.txt", "save what it prints, too"),
        ],
    ),
    (
        "sleep",
        &[(
            "piton reset sleep 2 repl",
            "give the board two seconds to start",
        )],
    ),
    ("fs", &[("piton fs ls lib", "the same as `piton ls lib`")]),
    (
        "edit",
        &[("piton edit main.py", "change `main.py` of the board")],
    ),
    (
        "romfs",
        &[
            (
                "piton romfs build assets",
                "make `assets.romfs` of the folder `assets`",
            ),
            ("piton romfs deploy assets", "write it to the board"),
            (
                "piton romfs build --manifest manifest.py -o app.romfs",
                "make an image of what a manifest lists",
            ),
            ("piton romfs ls app.romfs", "list what is in it"),
        ],
    ),
    (
        "rtc",
        &[("piton rtc --set", "give the board this computer's time")],
    ),
    (
        "sync",
        &[
            (
                "piton sync app",
                "make the board's files like those of the folder `app`",
            ),
            (
                "piton sync --watch --follow app",
                "the same again after each change, and run it",
            ),
            (
                "piton sync : backup",
                "copy all files of the board into the folder `backup`",
            ),
        ],
    ),
    (
        "mip",
        &[
            (
                "piton mip install aioble",
                "install a package of micropython-lib",
            ),
            ("piton mip list", "list what is installed"),
            ("piton mip uninstall aioble", "remove it"),
        ],
    ),
    ("mip install", &[("piton mip install aioble", "")]),
    ("mip uninstall", &[("piton mip uninstall aioble", "")]),
    (
        "add",
        &[
            (
                "piton add aiohttp",
                "add a package of the index to the project",
            ),
            (
                "piton add github:org/repo@v1.2",
                "add a package of a repository, at a tag",
            ),
        ],
    ),
    (
        "remove",
        &[("piton remove aiohttp", "remove a package from the project")],
    ),
    (
        "lock",
        &[
            ("piton lock", "write down which versions the project has"),
            (
                "piton lock --locked",
                "check that the lock is that of `pyproject.toml`",
            ),
        ],
    ),
    (
        "update",
        &[("piton update aiohttp", "take the newest version that fits")],
    ),
    (
        "install",
        &[
            (
                "piton connect a0 install --main app.py",
                "install the project on a board, and start it",
            ),
            (
                "piton install --device a0 --device a1",
                "install the project on two boards",
            ),
        ],
    ),
    (
        "list",
        &[("piton list --tree", "draw which package needs which")],
    ),
    ("why", &[("piton why re", "show which packages need `re`")]),
    (
        "outdated",
        &[("piton outdated", "list packages with newer versions")],
    ),
    ("search", &[("piton search mqtt", "find packages for MQTT")]),
    (
        "vendor",
        &[(
            "piton vendor build/lib",
            "copy the packages into a folder, as a board has them",
        )],
    ),
    (
        "clean",
        &[(
            "piton clean --dry-run",
            "print what the project does not need",
        )],
    ),
    (
        "cache",
        &[
            ("piton cache info", "print where the cache is"),
            ("piton cache clear git", "remove cached repositories"),
        ],
    ),
    ("df", &[("piton df", "how full the board is")]),
    ("info", &[("piton info --json", "the same for programs")]),
    (
        "build",
        &[
            ("piton build", "build the folder `src` into `build`"),
            (
                "piton build app --target circuitpython-10",
                "build another folder for CircuitPython",
            ),
        ],
    ),
    (
        "verify",
        &[(
            "piton verify --board",
            "check the folder `build`, and whether the board loads it",
        )],
    ),
    (
        "deploy",
        &[
            ("piton deploy", "copy the folder `build` to the board"),
            (
                "piton deploy --to /media/me/CIRCUITPY",
                "copy it to a drive",
            ),
        ],
    ),
    (
        "keygen",
        &[(
            "piton keygen release.key",
            "make `release.key` and `release.pub`",
        )],
    ),
    (
        "compile",
        &[
            ("piton compile main.py", "make `main.mpy`"),
            ("piton compile src --out-dir build", "compile a folder"),
        ],
    ),
    (
        "minify",
        &[(
            "piton minify main.py -o small.py",
            "write a shorter `main.py`",
        )],
    ),
    (
        "freeze",
        &[
            (
                "piton freeze manifest.py --explain",
                "show why each file is in",
            ),
            ("piton freeze manifest.py --size", "show how large they are"),
        ],
    ),
    (
        "index",
        &[(
            "piton index build micropython-lib --output public/v2",
            "make the files that a web server of your own gives to `mip`",
        )],
    ),
    (
        "manifest",
        &[(
            "piton manifest manifest.py -v MPY_DIR=micropython",
            "print the files that it lists",
        )],
    ),
    (
        "inspect",
        &[("piton inspect main.mpy", "print its bytecode")],
    ),
    (
        "devs",
        &[("piton devs", "find out where the board is plugged in")],
    ),
    (
        "doctor",
        &[
            (
                "piton doctor",
                "find out why a board is not found, or may not be opened",
            ),
            (
                "piton connect a0 doctor",
                "also look at the board's firmware, memory and free space",
            ),
        ],
    ),
    (
        "completions",
        &[
            (
                "piton completions --install",
                "have the Tab key complete lines in your shell",
            ),
            ("piton completions bash", "print the script for Bash"),
        ],
    ),
    (
        "udev",
        &[(
            "piton udev --name sensor",
            "make the board known as `/dev/sensor`",
        )],
    ),
    (
        "micropython",
        &[
            ("piton micropython", "a prompt of MicroPython"),
            (
                "piton micropython script.py a b",
                "run `script.py` with the arguments `a` and `b`",
            ),
            (
                "piton micropython --firmware 1.25 -c \"print(1)\"",
                "the same with an older version",
            ),
        ],
    ),
    (
        "test",
        &[
            ("piton test", "all tests below the current folder"),
            (
                "piton test tests --firmware 1.25 --firmware 1.29",
                "on two versions of MicroPython",
            ),
            ("piton test tests/test_pins.py --device a0", "on a board"),
        ],
    ),
    (
        "virtual",
        &[(
            "piton virtual serve --tcp 127.0.0.1:2217",
            "a board for other programs on this computer",
        )],
    ),
    ("virtual serve", &[("piton virtual serve --pty", "")]),
    (
        "self",
        &[(
            "piton self check",
            "find out whether this is the newest release",
        )],
    ),
    ("self check", &[("piton self check", "")]),
    (
        "version",
        &[("piton version --json", "the same for programs")],
    ),
    ("help", &[("piton help cp", "explain `cp`")]),
    (
        "cat",
        &[("piton cat main.py", "print `main.py` of the board")],
    ),
    (
        "cp",
        &[
            ("piton cp main.py :", "copy a file to the board"),
            ("piton cp :data.csv .", "copy a file from the board"),
            ("piton cp -r lib :", "copy a folder to the board"),
        ],
    ),
    (
        "ls",
        &[
            ("piton ls", "list the root folder"),
            ("piton ls lib", "list the folder `lib`"),
        ],
    ),
    (
        "md5sum",
        &[("piton fs md5sum main.py", "print the MD5 of `main.py`")],
    ),
    (
        "mkdir",
        &[
            ("piton mkdir lib", "make the folder `lib`"),
            (
                "piton mkdir -p data/2026",
                "make `data` as well, if it does not exist",
            ),
        ],
    ),
    (
        "mv",
        &[("piton mv main.py old.py", "give `main.py` another name")],
    ),
    (
        "rm",
        &[
            ("piton rm main.py", "remove a file"),
            ("piton rm -r lib", "remove a folder and its contents"),
        ],
    ),
    (
        "rmdir",
        &[("piton rmdir data", "remove the empty folder `data`")],
    ),
    (
        "sha1sum",
        &[("piton fs sha1sum main.py", "print the SHA-1 of `main.py`")],
    ),
    (
        "sha256sum",
        &[("piton sha256sum main.py", "print the SHA-256 of `main.py`")],
    ),
    (
        "sha384sum",
        &[(
            "piton fs sha384sum main.py",
            "print the SHA-384 of `main.py`",
        )],
    ),
    (
        "sha512sum",
        &[(
            "piton fs sha512sum main.py",
            "print the SHA-512 of `main.py`",
        )],
    ),
    ("touch", &[("piton touch log.txt", "make an empty file")]),
    (
        "tree",
        &[("piton tree -h lib", "draw the folder `lib`, with sizes")],
    ),
];

/// Returns the examples for a command, a file command or a sub-command (`mip install`); empty for an unknown command.
pub(crate) fn examples(name: &str) -> &'static [Example] {
    let mut rows = EXAMPLES.iter();
    rows.find(|(command, _)| *command == name)
        .map_or(&[], |(_, examples)| examples)
}

/// Returns the first example for a command, a file command or a sub-command (`mip install`).
pub(crate) fn example(name: &str) -> Option<&'static str> {
    examples(name).first().map(|(line, _)| *line)
}

/// Returns the examples for a command as its help shows them; empty for an unknown command.
pub(crate) fn section(name: &str) -> String {
    let examples = examples(name);
    let Some(width) = examples.iter().map(|(line, _)| line.len()).max() else {
        return String::new();
    };
    let title = match examples {
        [_] => "Example:",
        _ => "Examples:",
    };
    let lines = examples
        .iter()
        .map(|(line, purpose)| format!("\n  {line:width$}  {purpose}"));
    std::iter::once(title.to_owned()).chain(lines).collect()
}

/// Adds the examples of a command to the end of its help.
pub(crate) fn with_examples(command: clap::Command) -> clap::Command {
    let examples = section(command.get_name());
    let text = match command.get_after_help() {
        Some(text) => format!("{text}\n\n{examples}"),
        None => examples,
    };
    command.after_help(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::chain::{End, parse};
    use crate::args::subcommands::sub_commands;
    use crate::commands::command_line;
    use crate::compatibility::Compatibility;
    use crate::config::Config;

    /// Returns the words of a line, in which some are in double quotes.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (index, part) in line.split('"').enumerate() {
            match index % 2 {
                1 => words.push(part.to_owned()),
                _ => words.extend(part.split_whitespace().map(str::to_owned)),
            }
        }
        words
    }

    #[test]
    fn every_example_is_understood() {
        let config = Config::default();
        for (command, examples) in EXAMPLES {
            for (line, _) in *examples {
                let words = words(line.strip_prefix("piton ").unwrap());
                let chain = parse(&words, Compatibility::PITON, &config);
                assert!(
                    matches!(chain.end, End::Complete),
                    "{line}: {:?}",
                    chain.end
                );
                assert!(
                    line.contains(command),
                    "{line} is not an example of {command}"
                );
            }
        }
    }

    #[test]
    fn every_command_has_an_example() {
        let line = command_line(Compatibility::PITON);
        let commands = line
            .get_subcommands()
            .map(|command| command.get_name().to_owned());
        let files = sub_commands("fs").unwrap().names().map(str::to_owned);
        let mut bare: Vec<String> = commands.chain(files).collect();
        bare.retain(|name| example(name).is_none());
        assert!(bare.is_empty(), "{bare:?}");
    }
}

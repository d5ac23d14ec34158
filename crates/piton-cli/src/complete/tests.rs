use super::*;

/// The candidates for a line, of which the last word is being typed. The board has `main.py` and `lib/` in each folder.
fn words_for(line: &str, compatibility: &Compatibility) -> Vec<String> {
    let config =
        Config::from_python("commands = {'mine': 'connect a1 exec', 'lsx': {'command': 'ls'}}");
    let mut before: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let current = before.pop().unwrap();
    let mut asked = Vec::new();
    let mut list = |situation: &Situation, _: &Config, question: Question<'_>| {
        let board = situation.connection.as_deref().unwrap_or("auto");
        let baud = situation.options.open.baud_rate;
        match question {
            Question::Folder(folder) => {
                asked.push(format!("(asked {board} at {baud} for '{folder}')"));
                vec!["main.py".to_owned(), "lib/".to_owned()]
            }
            Question::Packages => {
                asked.push(format!("(asked {board} for packages)"));
                vec!["aioble".to_owned(), "umqtt".to_owned()]
            }
        }
    };
    let found = candidates(&before, &current, compatibility, &config, &mut list);
    let words = found.into_iter().map(|candidate| candidate.word);
    words.chain(asked).collect()
}

#[test]
fn the_next_word_of_a_line_of_belay() {
    for (line, expected) in [
        ("ins", "install"),
        ("cache cl", "clear"),
        ("install virtual --wi", "--with"),
        ("install virt", "virtual virtual:"),
        ("install --main main.py soc", ""),
        ("info soc", "socket://"),
        ("run virtual ", ""),
        ("sync --ke", "--keep"),
    ] {
        let mut words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let current = words.pop().unwrap().into_string().unwrap();
        let found = of_belay(&words, &current, &Config::default()).into_iter();
        let found: Vec<String> = found.map(|candidate| candidate.word).collect();
        assert_eq!(found.join(" "), expected, "{line}");
    }
}

#[test]
fn the_next_word_of_a_line() {
    let mut table = String::new();
    for line in [
        "eva",
        "dev",
        "--q",
        "--baud 1",
        "--dtr ",
        "--baud 9600 ls :",
        "connect v",
        "connect ws",
        "connect /x ls l",
        "connect /x cat lib/m",
        "a1 resume cp :lib/",
        "cp ma",
        "cp a :",
        "fs t",
        "fs ls :x/",
        "rm --recur",
        "ls : + resu",
        "exec --no-fol",
        "exec 1 soft",
        "exec --no-follow 1 eva",
        "soft-reset eva",
        "help connec",
        "install --device v",
        "completions ",
        "mine 1 lsx",
        "mine 1 lsx li",
        "mine",
        "repl --capture ",
        "repl --esc",
        "frobnicate ",
        "mip ",
        "mip in",
        "mip install ",
        "a1 mip uninstall ",
        "mip uninstall aioble ",
        "mip update u",
        "romfs ",
        "virtual ",
        "fs sha",
        "build --target ",
        "build --target=circ",
        "compile --target micropython-",
        "compile --march armv7em",
        "sync --links ",
        "sync --keep ",
        "help ro",
        "completions --in",
        "run ",
    ] {
        table.push_str(&format!(
            "{line}| {}\n",
            words_for(line, Compatibility::PITON).join(" ")
        ));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_command_is_offered_once_under_each_name() {
    for compatibility in [Compatibility::PITON, Compatibility::MPREMOTE] {
        let words = words_for("", compatibility);
        for name in ["connect", "devs", "ls", "a0", "mine", "repl"] {
            let count = words.iter().filter(|word| *word == name).count();
            assert_eq!(count, 1, "{name} in {words:?}");
        }
        let baud = words_for("--ba", compatibility);
        assert_eq!(
            baud.len(),
            usize::from(compatibility.global_options),
            "{baud:?}"
        );
    }
}

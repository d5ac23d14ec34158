//! Names that piton keeps for its own records: nothing that comes from elsewhere has one, and what has one all the same
//! is not believed.

use serde_json::json;

use crate::support::{Outcome, Sandbox, words};
use crate::web::Web;

/// What the journals below would do if one of them were carried out: everything that is on the board goes.
const FORGED: [&str; 3] = [
    "-../main.py\0-../data/keep.txt\0/../data",
    "piton swap 1\0-../main.py\0-../data/keep.txt\0/../data\0.",
    "piton swap 1\0-/main.py\0-/data/keep.txt\0.",
];

/// Names that a package, a folder or a build may not bring.
const NAMES: [&str; 7] = [
    ".piton-swap",
    ".piton-swap.piton-next",
    ".PITON-SWAP",
    ".piton-swap.",
    ".piton-mip.json",
    "inno.py.piton-next",
    "PITON-~1",
];

/// A sandbox with a board whose files are in `board`, one of them in a folder.
fn place() -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, text) in [
        ("board/main.py", "print('mine')\n"),
        ("board/data/keep.txt", "precious\n"),
    ] {
        write(&sandbox, path, text);
    }
    sandbox
}

fn write(sandbox: &Sandbox, path: &str, text: &str) {
    let whole = sandbox.path().join(path);
    std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
    sandbox.write(path, text);
}

fn run(sandbox: &Sandbox, line: &str) -> Outcome {
    sandbox.run_words(&words(&format!("connect virtual:board {line}")))
}

/// All files below a folder.
fn files(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let root = sandbox.path().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() && !path.is_symlink() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                    found.push(name.replace('\\', "/"));
                }
            }
        }
    }
    found.sort();
    found
}

fn sha256(content: &str) -> String {
    let digest = piton::fs::hash::HashAlgorithm::Sha256.digest(content.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_package_brings_no_record() {
    let sandbox = place();
    let web = Web::start();
    write(&sandbox, "evil/inno.py", "x = 1\n");
    web.put_text("/evil/inno.py", "x = 1\n");
    let text = FORGED[0];
    for name in NAMES {
        write(&sandbox, "evil/j.bin", text);
        web.put_text("/evil/j.bin", text);
        let description = json!({
            "urls": [["inno.py", "inno.py"], [name, "j.bin"]],
            "version": "1.0",
        })
        .to_string();
        write(&sandbox, "evil/package.json", &description);
        web.put_text("/evil/package.json", description);
        let hash = &sha256(text)[..8];
        web.put_text(&format!("/pi/file/{}/{hash}", &hash[..2]), text);
        let description = json!({"hashes": [[name, hash]], "version": "1.0"});
        for folder in ["6", "py"] {
            web.put_text(
                &format!("/pi/package/{folder}/evil/latest.json"),
                description.to_string(),
            );
        }
        web.take_requests();
        let mut sources = vec!["./evil".to_owned()];
        if name == NAMES[0] {
            sources.push(web.url("/evil/package.json"));
            sources.push(format!("--index {} evil", web.url("/pi")));
        }
        for source in sources {
            let outcome = run(&sandbox, &format!("mip install {source}"));
            assert_eq!(outcome.code, Some(1), "{name}: {}", outcome.stderr());
            let said = outcome.stderr();
            assert!(
                said.contains("reserved for records that piton keeps"),
                "{said}"
            );
            assert!(said.contains("hint: nothing was installed"), "{said}");
            let outcome = sandbox.run_words(&words(&format!(
                "mpremote connect virtual:board mip install {source}"
            )));
            assert_ne!(outcome.code, Some(0), "{name}");
        }
        // Not even the files were fetched.
        assert!(
            web.take_requests()
                .iter()
                .all(|line| line.contains(".json"))
        );
        assert_eq!(files(&sandbox, "board"), ["data/keep.txt", "main.py"]);
    }
    write(&sandbox, "x.piton-next.py", "x = 1\n");
    assert_eq!(run(&sandbox, "mip install ./x.piton-next.py").code, Some(1));
    assert_eq!(files(&sandbox, "board"), ["data/keep.txt", "main.py"]);
}

#[test]
fn a_journal_of_somebody_else_is_left_alone() {
    for text in [FORGED[0], FORGED[1]] {
        let sandbox = place();
        write(&sandbox, "board/lib/.piton-swap", text);
        write(&sandbox, "good/a.py", "a = 1\n");
        write(
            &sandbox,
            "good/package.json",
            r#"{"urls": [["a.py", "a.py"]], "version": "1"}"#,
        );
        let outcome = run(&sandbox, "mip install ./good");
        let said = outcome.stderr();
        assert_eq!(outcome.code, Some(1), "{said}");
        assert!(
            said.contains("`/lib/.piton-swap` on the board has the name of piton's journal"),
            "{said}"
        );
        assert!(said.contains("rm :/lib/.piton-swap`"), "{said}");
        // A sync has nothing to do with it, says so, and does its work.
        let outcome = run(&sandbox, "sync --delete good :lib");
        let said = outcome.stderr();
        assert_eq!(outcome.code, Some(0), "{said}");
        assert!(
            said.contains("`:lib/.piton-swap` has the name of piton's journal"),
            "{said}"
        );
        assert_eq!(
            files(&sandbox, "board"),
            [
                "data/keep.txt",
                "lib/.piton-swap",
                "lib/a.py",
                "lib/package.json",
                "main.py"
            ]
        );
        // What the message says to do helps.
        assert_eq!(run(&sandbox, "rm :/lib/.piton-swap").code, Some(0));
        let outcome = run(&sandbox, "mip install ./good");
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        assert!(!files(&sandbox, "board").contains(&"lib/.piton-swap".to_owned()));
    }
}

#[test]
fn a_folder_brings_no_record_to_the_board() {
    let sandbox = place();
    write(&sandbox, "app/lib/a.py", "a = 1\n");
    for name in NAMES {
        write(&sandbox, &format!("app/lib/{name}"), FORGED[1]);
    }
    write(&sandbox, "app/.piton-swap.dir/a.py", "a = 1\n");
    // Patterns of the folder itself do not change that.
    write(&sandbox, "app/.pitonignore", "!.piton-*\n!*.piton-*\n");
    let outcome = run(&sandbox, "sync app :/");
    let said = outcome.stderr();
    assert_eq!(outcome.code, Some(0), "{said}");
    for name in NAMES {
        let note = format!("left out: `app/lib/{name}` has a name that is reserved");
        assert!(said.contains(&note), "{said}");
    }
    let after = ["data/keep.txt", "lib/a.py", "main.py"];
    assert_eq!(files(&sandbox, "board"), after);
    assert_eq!(run(&sandbox, "sync app :/").code, Some(0));
    assert_eq!(files(&sandbox, "board"), after);

    let sandbox = place();
    for name in NAMES {
        write(&sandbox, &format!("app/{name}"), FORGED[1]);
    }
    write(&sandbox, "app/a.py", "a = 1\n");
    for command in ["cp -r app :lib", "cp -r app/ :"] {
        let outcome = run(&sandbox, command);
        let said = outcome.stderr();
        assert_eq!(outcome.code, Some(0), "{said}");
        assert!(
            said.contains("left out: `app/.piton-swap` has a name that is reserved"),
            "{said}"
        );
    }
    assert_eq!(
        files(&sandbox, "board"),
        ["app/a.py", "data/keep.txt", "lib/a.py", "main.py"]
    );
}

#[test]
fn a_board_brings_no_record_to_this_computer() {
    let sandbox = place();
    let mine = "mine, and not on the board\n";
    write(&sandbox, "here/main.py", mine);
    // It says that the file here is a copy of the board's.
    let record = format!("{}  main.py\n", sha256(mine));
    for name in [
        ".piton-sync",
        ".PITON-SYNC",
        ".piton-part-build",
        ".PitonIgnore",
    ] {
        write(&sandbox, &format!("board/{name}"), &record);
    }
    write(&sandbox, "here/.pitonignore", "!.piton-sync\n");
    let before = files(&sandbox, "here");
    for command in ["sync :data here", "cp -r :/ here", "cp -r : here"] {
        let outcome = run(&sandbox, command);
        assert_eq!(outcome.code, Some(0), "{command}: {}", outcome.stderr());
        let _ = std::fs::remove_file(sandbox.path().join("here/keep.txt"));
        let _ = std::fs::remove_file(sandbox.path().join("here/data/keep.txt"));
        // cp was told to replace it.
        write(&sandbox, "here/main.py", mine);
        let _ = std::fs::remove_file(sandbox.path().join("here/.PitonIgnore"));
        let mut after = files(&sandbox, "here");
        after.retain(|name| name != ".piton-sync" || !command.starts_with("sync"));
        assert_eq!(after, before, "{command}");
        let _ = std::fs::remove_file(sandbox.path().join("here/.piton-sync"));
    }
    let outcome = run(&sandbox, "sync : here");
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr());
    assert!(
        outcome.stderr().contains("would be lost: main.py"),
        "{}",
        outcome.stderr()
    );
    let outcome = run(&sandbox, "sync --force : here");
    let said = outcome.stderr();
    assert_eq!(outcome.code, Some(0), "{said}");
    assert!(
        said.contains("left out: `:.PITON-SYNC` has a name that is reserved"),
        "{said}"
    );
    let after = files(&sandbox, "here");
    assert_eq!(
        after,
        [".piton-sync", ".pitonignore", "data/keep.txt", "main.py"]
    );
}

#[test]
fn a_build_with_a_record_is_refused() {
    let sandbox = place();
    write(&sandbox, "src/a.py", "a = 1\n");
    write(&sandbox, "src/main.py", "import a\n");
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    assert_eq!(sandbox.run_words(&words("build src")).code, Some(0));
    // As whoever builds by another tool might have it.
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    let path = "\"path\": \"a.mpy\"";
    assert!(manifest.contains(path));
    for name in [".piton-swap", ".piton-made", ".PITON-PART"] {
        let forged = manifest.replace(path, &format!("\"path\": \"{name}\""));
        sandbox.write("build/manifest.json", &forged);
        for line in [
            "verify build".to_owned(),
            "deploy build --to drive".to_owned(),
            "connect virtual:board deploy build".to_owned(),
        ] {
            let outcome = sandbox.run_words(&words(&line));
            assert_ne!(outcome.code, Some(0), "{line}");
            let said = outcome.stderr();
            assert!(
                said.contains("reserved for records that piton keeps"),
                "{line}: {said}"
            );
        }
    }
    assert!(files(&sandbox, "drive").is_empty());
    assert_eq!(files(&sandbox, "board"), ["data/keep.txt", "main.py"]);
    // Nor does one of our own take such a file along.
    write(&sandbox, "src/a.piton-next", "data");
    let outcome = sandbox.run_words(&words("build src --data *.piton-next"));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    assert!(!manifest.contains("piton-next"), "{manifest}");
}

#[cfg(unix)]
#[test]
fn what_is_left_of_a_build_is_no_link() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::new();
    write(&sandbox, "src/a.py", "a = 1\n");
    write(&sandbox, "home/precious.txt", "mine\n");
    let home = sandbox.path().join("home");
    for built in [false, true] {
        for name in [".build.piton-new", ".build.piton-old"] {
            let link = sandbox.path().join(name);
            symlink(&home, &link).unwrap();
            sandbox.write("src/a.py", format!("a = {built}\n"));
            let outcome = sandbox.run_words(&words("build src"));
            let said = outcome.stderr();
            assert_ne!(outcome.code, Some(0), "{said}");
            assert!(
                said.contains("is a link, which piton never makes"),
                "{said}"
            );
            assert_eq!(files(&sandbox, "home"), ["precious.txt"]);
            std::fs::remove_file(link).unwrap();
            assert_eq!(files(&sandbox, "home"), ["precious.txt"]);
        }
        assert_eq!(sandbox.run_words(&words("build src")).code, Some(0));
    }
    // The hidden folder of a drive.
    let drive = sandbox.path().join("drive");
    write(&sandbox, "home/new/0123456789abcdef", "mine\n");
    for (link, target) in [(".piton-part", "home"), (".piton-part/new", "home/new")] {
        std::fs::create_dir(&drive).unwrap();
        write(&sandbox, "drive/.piton-made", "");
        let link = drive.join(link);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(sandbox.path().join(target), &link).unwrap();
        let outcome = sandbox.run_words(&words("deploy build --to drive"));
        let said = outcome.stderr();
        assert_ne!(outcome.code, Some(0), "{said}");
        assert!(
            said.contains("is a link, which piton never makes"),
            "{said}"
        );
        assert_eq!(
            files(&sandbox, "home"),
            ["new/0123456789abcdef", "precious.txt"]
        );
        std::fs::remove_dir_all(&drive).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn the_record_of_a_sync_is_no_link() {
    let sandbox = place();
    write(&sandbox, "profile", "mine\n");
    std::fs::create_dir(sandbox.path().join("here")).unwrap();
    let link = sandbox.path().join("here/.piton-sync");
    std::os::unix::fs::symlink(sandbox.path().join("profile"), &link).unwrap();
    let outcome = run(&sandbox, "sync : here");
    let said = outcome.stderr();
    assert_ne!(outcome.code, Some(0), "{said}");
    assert!(
        said.contains("is a link, which piton never makes"),
        "{said}"
    );
    assert_eq!(sandbox.read("profile"), b"mine\n");
    assert_eq!(files(&sandbox, "here"), [".piton-sync"]);
}

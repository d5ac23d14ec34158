//! The wheel that puts Piton under the names of other tools on the path, for who asks for it (`pip install piton-mp[links]`).
//!
//! A wheel can't hold links. `mpremote` and `mpy-cross` are programs, since scripts start them often; the others are scripts of
//! a few lines that start the `piton` beside them: copies of the program would make the wheel several times larger.

use super::systems::System;
use super::wheel::Writer;
use super::{Programs, Release};
use crate::workspace::root;

/// The other tools: name of the command, the word by which `piton` knows it, and whether programs start it, which on Windows
/// find only programs.
const TOOLS: [(&str, &str, bool); 5] = [
    ("belay", "belay", true),
    ("makemanifest.py", "makemanifest", false),
    ("mpy-tool.py", "mpy-tool", false),
    ("mpy_ld.py", "mpy-ld", false),
    ("piton-python3", "piton-python3", false),
];

/// The texts that must come with the programs.
const LICENSES: [&str; 2] = ["LICENSE", "THIRD-PARTY-LICENSES"];

/// Returns the wheel of a system.
pub(super) fn of(
    system: &System,
    programs: &Programs,
    release: &Release,
    platform: &str,
) -> anyhow::Result<Vec<u8>> {
    let version = &release.version;
    let stem = format!("piton_mp_links-{version}");
    let mut writer = Writer::new();
    for (name, content) in commands(system, programs) {
        let path = format!("{stem}.data/scripts/{name}");
        writer.add(&path, &content, 0o755)?;
    }
    let metadata = format!(
        "Metadata-Version: 2.4\nName: piton-mp-links\nVersion: {version}\n\
         Summary: Piton under the names of mpremote, mpy-cross, belay and MicroPython's build tools\n\
         License-Expression: MIT\n{files}Requires-Python: >=3.9\nRequires-Dist: piton-mp=={version}\n",
        files = LICENSES
            .map(|name| format!("License-File: {name}\n"))
            .concat(),
    );
    let wheel = format!(
        "Wheel-Version: 1.0\nGenerator: piton\nRoot-Is-Purelib: false\n{}",
        tags(platform)
    );
    let info = format!("{stem}.dist-info");
    writer.add(&format!("{info}/METADATA"), metadata.as_bytes(), 0o644)?;
    writer.add(&format!("{info}/WHEEL"), wheel.as_bytes(), 0o644)?;
    for name in LICENSES {
        let text = fs_err::read(root().join(name))?;
        writer.add(&format!("{info}/licenses/{name}"), &text, 0o644)?;
    }
    writer.finish(&format!("{info}/RECORD"))
}

/// Returns the lines for the platforms of a file name, which dots separate: one line for each.
fn tags(platform: &str) -> String {
    let platforms = platform.split('.');
    platforms
        .map(|platform| format!("Tag: py3-none-{platform}\n"))
        .collect()
}

/// Returns the file names of the commands, and their contents.
fn commands(system: &System, programs: &Programs) -> Vec<(String, Vec<u8>)> {
    let mut commands = vec![
        (system.program("mpremote"), programs.piton.clone()),
        (system.program("mpy-cross"), programs.mpy_cross.clone()),
    ];
    commands.extend(TOOLS.map(|(name, word, starts_often)| {
        match (system.is_windows(), starts_often) {
            (true, true) => (system.program(name), programs.piton.clone()),
            (true, false) => (
                format!("{}.cmd", name.trim_end_matches(".py")),
                batch(word).into_bytes(),
            ),
            (false, _) => (name.to_owned(), shell(word).into_bytes()),
        }
    }));
    commands
}

/// Returns a script for a POSIX shell. It may have been reached through a link, as those of pipx are.
fn shell(word: &str) -> String {
    format!(
        "#!/bin/sh\n\
         here=$0\n\
         [ -L \"$here\" ] && here=$(readlink -f -- \"$here\")\n\
         exec \"${{here%/*}}/piton\" {word} \"$@\"\n"
    )
}

/// Returns a script for the command interpreter of Windows.
fn batch(word: &str) -> String {
    format!("@\"%~dp0piton.exe\" {word} %*\r\n")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;
    use crate::dist::systems::SYSTEMS;

    /// Returns the files of the wheel of a system: paths and contents.
    fn files(system: &str) -> Vec<(String, String)> {
        let programs = Programs {
            piton: b"piton".to_vec(),
            mpy_cross: b"the compiler".to_vec(),
        };
        let release = Release {
            version: "1.2.3".to_owned(),
            time: 0,
            files: Vec::new(),
        };
        let system = SYSTEMS.iter().find(|known| known.name == system).unwrap();
        let wheel = of(system, &programs, &release, "one_1_x86.two_1_x86").unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(wheel)).unwrap();
        let names: Vec<String> = zip.file_names().map(str::to_owned).collect();
        let read = |name: String| {
            let mut text = String::new();
            let mut file = zip.by_name(&name).unwrap();
            file.read_to_string(&mut text).unwrap();
            (name, text)
        };
        names.into_iter().map(read).collect()
    }

    fn commands_of(system: &str) -> Vec<String> {
        let files = files(system).into_iter();
        let commands = files.filter_map(|(path, _)| {
            let name = path.strip_prefix("piton_mp_links-1.2.3.data/scripts/")?;
            Some(name.to_owned())
        });
        commands.collect()
    }

    #[test]
    fn each_tool_that_piton_stands_for_has_a_command() {
        assert_eq!(
            commands_of("linux-armv7"),
            [
                "mpremote",
                "mpy-cross",
                "belay",
                "makemanifest.py",
                "mpy-tool.py",
                "mpy_ld.py",
                "piton-python3"
            ]
        );
        assert_eq!(
            commands_of("windows-x86_64"),
            [
                "mpremote.exe",
                "mpy-cross.exe",
                "belay.exe",
                "makemanifest.cmd",
                "mpy-tool.cmd",
                "mpy_ld.cmd",
                "piton-python3.cmd"
            ]
        );
    }

    #[test]
    fn the_wheel_names_each_of_its_platforms() {
        let files = files("linux-x86_64");
        let text = |end: &str| {
            let found = files.iter().find(|(path, _)| path.ends_with(end));
            found.unwrap().1.clone()
        };
        assert!(
            text("/WHEEL").ends_with("Tag: py3-none-one_1_x86\nTag: py3-none-two_1_x86\n"),
            "{}",
            text("/WHEEL")
        );
        assert!(text("/METADATA").contains("\nRequires-Dist: piton-mp==1.2.3\n"));
        assert!(text("/RECORD").contains("/scripts/belay,sha256="));
        assert!(text("/licenses/LICENSE").starts_with("MIT"));
        assert!(text("/METADATA").contains("\nLicense-File: THIRD-PARTY-LICENSES\n"));
    }

    /// The script is run, beside a `piton` that prints its arguments, and through a link from another folder.
    #[cfg(unix)]
    #[test]
    fn a_script_starts_the_program_beside_it() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("with space");
        fs_err::create_dir(&bin).unwrap();
        for (name, text) in [
            ("piton", "#!/bin/sh\nprintf '<%s>' \"$@\"\n".to_owned()),
            ("mpy_ld.py", shell("mpy-ld")),
        ] {
            fs_err::write(bin.join(name), text).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            fs_err::set_permissions(bin.join(name), mode).unwrap();
        }
        let link = folder.path().join("link");
        symlink("with space/mpy_ld.py", &link).unwrap();
        for path in [bin.join("mpy_ld.py"), link] {
            let mut command = std::process::Command::new(path);
            let output = command.args(["a b", "-c"]).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text, "<mpy-ld><a b><-c>");
        }
    }
}

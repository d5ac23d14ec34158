//! What installs a release: two scripts, and the descriptions that package managers read. Templates are in `templates/`;
//! words in `@` are replaced.

use anyhow::Context;

use super::{FileKind, Release};

/// A template: path of the result, and text.
const TEMPLATES: [(&str, &str); 7] = [
    ("install.sh", include_str!("templates/install.sh")),
    ("install.ps1", include_str!("templates/install.ps1")),
    ("homebrew/piton.rb", include_str!("templates/piton.rb")),
    ("scoop/piton.json", include_str!("templates/scoop.json")),
    (
        "winget/Piton.Piton.yaml",
        include_str!("templates/winget.version.yaml"),
    ),
    (
        "winget/Piton.Piton.installer.yaml",
        include_str!("templates/winget.installer.yaml"),
    ),
    (
        "winget/Piton.Piton.locale.en-US.yaml",
        include_str!("templates/winget.locale.yaml"),
    ),
];

/// Returns path and text of each description. `base` is the address of the folder that the archives are in.
///
/// A system that was not built has no checksum, and the word stays away: the lines of a template that need it are left out.
///
/// # Errors
///
/// A template has a word that nothing replaces.
pub(crate) fn of(release: &Release, base: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let words = words(release, base.trim_end_matches('/'));
    TEMPLATES
        .into_iter()
        .map(|(path, template)| {
            let text = filled(template, &words).with_context(|| format!("template of `{path}`"))?;
            Ok((path, text))
        })
        .collect()
}

/// Returns the words and what replaces them; `None` for what this release does not have.
fn words(release: &Release, base: &str) -> Vec<(String, Option<String>)> {
    let mut words = vec![
        ("@VERSION@".to_owned(), Some(release.version.clone())),
        ("@BASE_URL@".to_owned(), Some(base.to_owned())),
    ];
    for system in &super::systems::SYSTEMS {
        let archive = release
            .files
            .iter()
            .find(|file| file.kind == FileKind::Archive && file.system == system.name);
        let name = system.name.to_uppercase().replace('-', "_");
        let sum = archive.map(|file| file.sha256.clone());
        words.push((format!("@SHA256_{name}@"), sum));
    }
    words
}

/// Returns a template with its words replaced, without the lines whose words have no value.
fn filled(template: &str, words: &[(String, Option<String>)]) -> anyhow::Result<String> {
    let mut text = String::new();
    for line in template.lines() {
        let missing = words
            .iter()
            .any(|(word, value)| value.is_none() && line.contains(word.as_str()));
        if missing {
            continue;
        }
        let mut line = line.to_owned();
        for (word, value) in words {
            line = line.replace(word.as_str(), value.as_deref().unwrap_or_default());
        }
        let unknown = line
            .split('@')
            .any(|part| part.len() > 2 && part.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
        anyhow::ensure!(!unknown, "nothing replaces a word in `{line}`");
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::ReleaseFile;
    use crate::dist::systems::SYSTEMS;

    fn release(systems: &[&str]) -> Release {
        let file = |system: &&str| ReleaseFile {
            name: format!("piton-1.2.3-{system}.tar.gz"),
            system: (*system).to_owned(),
            kind: FileKind::Archive,
            size: 1,
            sha256: format!("sum-of-{system}"),
        };
        Release {
            version: "1.2.3".to_owned(),
            time: 0,
            files: systems.iter().map(file).collect(),
        }
    }

    fn text_of<'a>(texts: &'a [(&str, String)], path: &str) -> &'a str {
        let found = texts.iter().find(|(name, _)| *name == path);
        &found.unwrap().1
    }

    #[test]
    fn every_description_names_version_address_and_checksums() {
        let all = SYSTEMS.map(|system| system.name);
        let texts = of(&release(&all), "https://example.com/v1.2.3/").unwrap();
        for (path, text) in &texts {
            assert!(text.contains("1.2.3"), "{path}");
            assert!(
                !text.contains('@') || path.ends_with(".ps1"),
                "{path}: {text}"
            );
        }
        let script = text_of(&texts, "install.sh");
        assert!(script.contains("sum-of-linux-armv7"));
        assert!(script.contains("'https://example.com/v1.2.3'"));
        let scoop = text_of(&texts, "scoop/piton.json");
        let scoop: serde_json::Value = serde_json::from_str(scoop).unwrap();
        assert_eq!(
            scoop["architecture"]["64bit"]["hash"],
            "sum-of-windows-x86_64"
        );
    }

    #[test]
    fn a_system_without_a_build_is_not_listed() {
        let texts = of(&release(&["linux-x86_64"]), "https://example.com").unwrap();
        let script = text_of(&texts, "install.sh");
        assert!(script.contains("sum-of-linux-x86_64"));
        assert!(!script.contains("linux-armv7)"), "{script}");
    }

    /// `cargo binstall` finds the archives by what the crate says of them.
    #[test]
    fn the_crate_of_the_program_names_each_archive() {
        let manifest = crate::workspace::root().join("crates/piton-cli/Cargo.toml");
        let manifest = fs_err::read_to_string(manifest).unwrap();
        for system in &SYSTEMS {
            let end = if system.is_windows() { "zip" } else { "tar.gz" };
            let archive = format!(
                "/v{{ version }}/piton-{{ version }}-{}.{end}\"",
                system.name
            );
            assert_eq!(manifest.matches(&archive).count(), 1, "{archive}");
        }
    }

    #[test]
    fn a_word_that_nothing_replaces_is_an_error() {
        assert!(filled("a @NO_SUCH_WORD@ b", &[]).is_err());
        assert!(filled("mail to someone@example.com", &[]).is_ok());
    }

    /// Runs the installer for this computer in a folder. A program named `curl` in it copies from the folder `web`.
    #[cfg(unix)]
    fn install(folder: &std::path::Path, script: &str) -> std::process::Output {
        use std::os::unix::fs::PermissionsExt as _;

        let bin = folder.join("bin");
        fs_err::create_dir_all(&bin).unwrap();
        let curl = "#!/bin/sh\n\
            while [ \"$1\" != --output ]; do shift; done\n\
            cp \"$WEB/${3##*/}\" \"$2\"\n";
        fs_err::write(bin.join("curl"), curl).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(bin.join("curl"), mode).unwrap();
        fs_err::write(folder.join("install.sh"), script).unwrap();
        let path = std::env::var("PATH").unwrap();
        std::process::Command::new("sh")
            .arg(folder.join("install.sh"))
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("WEB", folder.join("web"))
            .env("PITON_INSTALL_DIR", folder.join("installed"))
            .output()
            .unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn the_installer_puts_checked_programs_into_a_folder() {
        use crate::dist::{Papers, Programs, archive};

        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let system = SYSTEMS.iter().find(|system| system.is_this_computer());
        let system = system.unwrap();
        let programs = Programs {
            piton: b"the program".to_vec(),
            mpy_cross: b"the compiler".to_vec(),
        };
        let mut release = release(&[]);
        let (name, bytes) = archive::of(system, &programs, &Papers(Vec::new()), &release).unwrap();
        let web = folder.join("web");
        fs_err::create_dir(&web).unwrap();
        release
            .add(&web, system, FileKind::Archive, name.clone(), &bytes)
            .unwrap();
        let texts = of(&release, "https://example.com").unwrap();
        let script = text_of(&texts, "install.sh");
        let installed = folder.join("installed");

        let output = install(folder, script);
        assert!(output.status.success(), "{output:?}");
        for (name, content) in [("piton", "the program"), ("mpy-cross", "the compiler")] {
            assert_eq!(
                fs_err::read_to_string(installed.join(name)).unwrap(),
                content
            );
        }
        // A program that is there already is replaced only by one that is what the release says.
        fs_err::write(installed.join("piton"), "older").unwrap();
        fs_err::write(web.join(name), "damaged").unwrap();
        let output = install(folder, script);
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("nothing was installed"), "{message}");
        assert_eq!(
            fs_err::read_to_string(installed.join("piton")).unwrap(),
            "older"
        );
        assert_eq!(fs_err::read_dir(&installed).unwrap().count(), 2);
    }
}

//! `cargo xtask dist`: the files of a release.
//!
//! For each system: the programs, built with the VM file of the virtual board inside; an archive with them; wheels with the
//! Python package and the program. For all of them: a list of SHA-256 sums, which a key in minisign's format can sign,
//! a list of what the programs are made of (CycloneDX), and, where the address of the archives is known, installers and
//! the descriptions that package managers read. All of it comes from one [`Release`].

mod archive;
mod bill;
mod descriptions;
mod links;
mod systems;
mod wheel;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use piton_shipment::signature::{KeyFile, Password};
use serde::{Deserialize, Serialize};
use test_programs::cache::{self, sha256_hex};
use test_programs::locate;
use test_programs::pins::Environment;

use crate::help::Help;
use crate::man;
use crate::platforms;
use crate::processes::output_of;
use crate::setup::python;
use crate::workspace::{Profile, build_piton, root};
use systems::System;

/// Make the files of a release: archives, wheels, checksums, installers
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder that gets the files
    #[arg(long, value_name = "FOLDER", default_value = "target/dist")]
    out: PathBuf,
    /// System to build for, such as `linux-aarch64`; may be given several times. By default all that this computer can
    /// build for
    #[arg(long = "system", value_name = "SYSTEM")]
    systems: Vec<String>,
    /// Address of the folder that the archives will be downloaded from: installers and the descriptions for package
    /// managers are written too
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Secret key, as `piton keygen` writes it, that signs the list of checksums; its password, if it has one, is in
    /// `PITON_SIGN_PASSWORD`
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Folder with the files of a release for other systems, which another computer made: nothing is built, and the files
    /// of all such folders become one release. May be given several times
    #[arg(long = "join", value_name = "FOLDER", conflicts_with_all = ["systems", "no_wheels"])]
    joined: Vec<PathBuf>,
    /// Leave out the wheels
    #[arg(long)]
    no_wheels: bool,
}

/// The one description that installers and package managers' files are made from. It is written as `release.json`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Release {
    /// The version, as in `Cargo.toml`.
    version: String,
    /// Seconds since 1970 of the commit: all files in archives have this time.
    time: u64,
    /// The files, in the order of their names.
    files: Vec<ReleaseFile>,
}

/// A file of a release.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ReleaseFile {
    name: String,
    /// The system, such as `linux-aarch64`.
    system: String,
    kind: FileKind,
    size: u64,
    /// In lower-case hexadecimal.
    sha256: String,
}

/// What a file of a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileKind {
    /// The programs, licenses, man pages and completions.
    Archive,
    /// The Python package, with the program.
    Wheel,
    /// Links to the program under the names of other tools, for pip.
    LinksWheel,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let out = root().join(&args.out);
    fs_err::create_dir_all(&out)?;
    let mut release = Release {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: commit_time()?,
        files: Vec::new(),
    };
    if args.joined.is_empty() {
        release.build(&out, args)?;
    }
    for folder in &args.joined {
        release.join(&out, &root().join(folder))?;
    }
    release.files.sort_by(|a, b| a.name.cmp(&b.name));
    release.write_lists(&out, args)?;
    let count = release.files.len();
    println!("\n{count} files are in `{}`", out.display());
    Ok(())
}
/// Returns the systems with these names, or all that this computer can build for.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static System>> {
    if names.is_empty() {
        return Ok(systems::SYSTEMS
            .iter()
            .filter(|system| system.is_built_here())
            .collect());
    }
    let all = systems::SYSTEMS.map(|system| system.name).join(", ");
    let find = |name: &String| {
        let system = systems::SYSTEMS.iter().find(|system| system.name == name);
        let system = system.with_context(|| format!("`{name}` is not a system; they are {all}"))?;
        ensure!(
            system.is_built_here(),
            "programs for `{name}` are built on macOS only: they need its libraries"
        );
        Ok(system)
    };
    names.iter().map(find).collect()
}

/// Checks that the toolchain has the standard libraries of the systems' platforms: a build stops at the first that lacks.
fn check_platforms(systems: &[&System], with_wheels: bool) -> anyhow::Result<()> {
    let mut platforms: Vec<&'static str> = Vec::new();
    for system in systems {
        platforms.push(system.programs);
        if with_wheels {
            platforms.extend(system.wheels.iter().map(|wheel| wheel.module));
        }
    }
    platforms.sort_unstable();
    platforms.dedup();
    let missing = platforms::missing(&platforms)?;
    ensure!(
        missing.is_empty(),
        "no standard library for {}\n\nhint: run `rustup target add {}`",
        missing.join(", "),
        missing.join(" ")
    );
    Ok(())
}

/// The tools that build for other systems: a Python environment, made at the first release.
pub(crate) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Returns a command with the tools in front of everything else on the path.
    fn command(&self, program: &str) -> anyhow::Result<Command> {
        let mut folders = vec![
            self.folder
                .join(if cfg!(windows) { "Scripts" } else { "bin" }),
        ];
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command
            .current_dir(root())
            .env("PATH", std::env::join_paths(folders)?);
        Ok(command)
    }
}

fn tools() -> anyhow::Result<Tools> {
    let cache = cache::cache_dir()?;
    let folder = cache::python_environment(&cache, Environment::Release);
    if !python::works(&cache, Environment::Release) {
        println!("  fetching  the tools that build for other systems");
        python::make_environment(&cache, Environment::Release)?;
    }
    Ok(Tools { folder })
}

/// The programs of a system.
pub(crate) struct Programs {
    /// `piton`.
    piton: Vec<u8>,
    /// The small program that is the official compiler's command line.
    mpy_cross: Vec<u8>,
}

/// What comes with the programs, the same for all systems: paths such as `man/piton.1`, and texts.
pub(crate) struct Papers(Vec<(String, String)>);

impl Papers {
    /// Asks a `piton` that runs on this computer.
    fn of(piton: &Path) -> anyhow::Result<Papers> {
        let mut papers = Vec::new();
        for (shell, name) in [
            ("bash", "piton.bash"),
            ("fish", "piton.fish"),
            ("powershell", "piton.ps1"),
            ("zsh", "_piton"),
        ] {
            let text = output_of(Command::new(piton).args(["completions", shell]))?;
            papers.push((format!("completions/{name}"), text));
        }
        let pages = man::pages(&Help::of(piton)?).into_iter();
        papers.extend(pages.map(|(name, text)| (format!("man/{name}"), text)));
        papers.sort();
        Ok(Papers(papers))
    }

    /// Returns name and text of each man page.
    fn man_pages(&self) -> impl Iterator<Item = (&str, &str)> {
        let papers = self.0.iter();
        papers.filter_map(|(path, text)| Some((path.strip_prefix("man/")?, text.as_str())))
    }
}

/// Builds the programs of a system.
fn build(system: &System, tools: &Tools) -> anyhow::Result<Programs> {
    let triple = system.programs;
    let mut cargo = tools.command("cargo")?;
    cargo
        .arg(if system.needs_zig() {
            "zigbuild"
        } else {
            "build"
        })
        .args(["--release", "--locked", "--target", triple])
        .args(["--package", "piton-cli", "--package", "piton-mpy-cross"])
        .env("PITON_EMBED_VM", locate("vm")?)
        .env("RUSTFLAGS", flags());
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(status.success(), "the programs for {triple} can't be built");
    let read = |name: &str| fs_err::read(built_program(system, name));
    Ok(Programs {
        piton: read("piton")?,
        mpy_cross: read("mpy-cross")?,
    })
}

/// Returns where cargo writes a program of a system.
fn built_program(system: &System, name: &str) -> PathBuf {
    let folder = target_folder().join(system.programs).join("release");
    folder.join(system.program(name))
}

/// Returns flags for the Rust compiler that keep this computer's folders out of the programs: two computers write the same
/// bytes.
fn flags() -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = format!("--remap-path-prefix={}=/piton", root().display());
    if let Some(home) = home {
        flags.push_str(&format!(" --remap-path-prefix={}=/cargo", home.display()));
    }
    flags
}

fn target_folder() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    folder.unwrap_or_else(|| root().join("target"))
}

/// Returns the time of the last commit, or that of `SOURCE_DATE_EPOCH`, in seconds since 1970.
fn commit_time() -> anyhow::Result<u64> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return time.parse().context("SOURCE_DATE_EPOCH is not a number");
    }
    let mut git = Command::new("git");
    git.current_dir(root()).args(["log", "-1", "--format=%ct"]);
    let time = output_of(&mut git).context("git does not know when the last commit was made")?;
    Ok(time.trim().parse()?)
}

impl Release {
    /// Builds the programs and packs them.
    fn build(&mut self, out: &Path, args: &Args) -> anyhow::Result<()> {
        let systems = chosen(&args.systems)?;
        check_platforms(&systems, !args.no_wheels)?;
        let tools = tools()?;
        // Those for this computer are built first, and once: they print the man pages.
        let own = systems.iter().find(|system| system.is_this_computer());
        let mut built = own.map(|system| build(system, &tools)).transpose()?;
        let piton = match own {
            Some(system) => built_program(system, "piton"),
            None => build_piton(Profile::Dev)?,
        };
        let papers = Papers::of(&piton)?;
        for system in systems {
            println!("\n==> {}", system.name);
            let ready = built.take_if(|_| system.is_this_computer());
            let programs = ready.map_or_else(|| build(system, &tools), Ok)?;
            let (name, bytes) = archive::of(system, &programs, &papers, self)?;
            self.add(out, system, FileKind::Archive, name, &bytes)?;
            if !args.no_wheels {
                let wheels = wheel::of(system, &programs, &papers, &tools, self)?;
                for (kind, name, bytes) in wheels {
                    self.add(out, system, kind, name, &bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Takes over the files of a release that another computer made for other systems, if they are what its list says.
    fn join(&mut self, out: &Path, folder: &Path) -> anyhow::Result<()> {
        let list = fs_err::read_to_string(folder.join("release.json"))?;
        let part: Release = serde_json::from_str(&list)
            .with_context(|| format!("`{}` has no list of a release", folder.display()))?;
        ensure!(
            part.version == self.version && part.time == self.time,
            "`{}` is of version {} and time {}, expected {} and {}",
            folder.display(),
            part.version,
            part.time,
            self.version,
            self.time
        );
        for file in part.files {
            let bytes = fs_err::read(folder.join(&file.name))?;
            let found = sha256_hex(&bytes);
            ensure!(
                found == file.sha256,
                "`{}` has the SHA-256 {found}, expected {}",
                file.name,
                file.sha256
            );
            ensure!(
                self.files.iter().all(|other| other.name != file.name),
                "`{}` is in two folders",
                file.name
            );
            fs_err::write(out.join(&file.name), bytes)?;
            self.files.push(file);
        }
        Ok(())
    }

    /// Writes a file and takes it into the list.
    fn add(
        &mut self,
        out: &Path,
        system: &System,
        kind: FileKind,
        name: String,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        fs_err::write(out.join(&name), bytes)?;
        println!("  {name} ({} bytes)", bytes.len());
        self.files.push(ReleaseFile {
            name,
            system: system.name.to_owned(),
            kind,
            size: bytes.len() as u64,
            sha256: sha256_hex(bytes),
        });
        Ok(())
    }

    /// Writes the lists, their signature, and what package managers read.
    fn write_lists(&self, out: &Path, args: &Args) -> anyhow::Result<()> {
        fs_err::write(out.join("release.json"), json(self)?)?;
        let bill = bill::of(&self.version, self.time)?;
        fs_err::write(out.join("piton.cdx.json"), json(&bill)?)?;
        let sums = self.sums();
        fs_err::write(out.join("SHA256SUMS"), &sums)?;
        if let Some(key) = &args.key {
            let comment = format!("piton {}", self.version);
            let signature = sign(key, sums.as_bytes(), &comment)?;
            fs_err::write(out.join("SHA256SUMS.minisig"), signature)?;
        }
        if let Some(base) = &args.base_url {
            for (name, text) in descriptions::of(self, base)? {
                let path = out.join(name);
                if let Some(folder) = path.parent() {
                    fs_err::create_dir_all(folder)?;
                }
                fs_err::write(path, text)?;
            }
        }
        Ok(())
    }

    /// Returns the list of checksums, as `sha256sum --check` reads it.
    fn sums(&self) -> String {
        let lines = self.files.iter();
        lines
            .map(|file| format!("{}  {}\n", file.sha256, file.name))
            .collect()
    }
}

fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Signs content with the key in a file.
fn sign(key: &Path, content: &[u8], comment: &str) -> anyhow::Result<String> {
    let text = fs_err::read_to_string(key)?;
    let key = match KeyFile::parse(&text)? {
        KeyFile::Open(key) => key,
        KeyFile::Protected(key) => match std::env::var("PITON_SIGN_PASSWORD") {
            Ok(password) => key.open(&Password::new(password))?,
            Err(_) => bail!("the key has a password; put it into `PITON_SIGN_PASSWORD`"),
        },
    };
    Ok(key.sign(content, comment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(time: u64) -> Release {
        Release {
            version: "1.2.3".to_owned(),
            time,
            files: Vec::new(),
        }
    }

    /// Writes a part of a release that another computer made: one archive.
    fn part(folder: &Path, system: &System, time: u64) {
        fs_err::create_dir_all(folder).unwrap();
        let mut part = release(time);
        let name = format!("piton-1.2.3-{}.tar.gz", system.name);
        part.add(folder, system, FileKind::Archive, name, b"archive")
            .unwrap();
        fs_err::write(folder.join("release.json"), json(&part).unwrap()).unwrap();
    }

    #[test]
    fn parts_of_two_computers_become_one_release() {
        let folder = tempfile::tempdir().unwrap();
        let [linux, macos, out] = ["linux", "macos", "out"].map(|name| folder.path().join(name));
        part(&linux, &systems::SYSTEMS[0], 7);
        part(&macos, &systems::SYSTEMS[4], 7);
        fs_err::create_dir_all(&out).unwrap();
        let mut joined = release(7);
        joined.join(&out, &linux).unwrap();
        joined.join(&out, &macos).unwrap();
        let sum = sha256_hex(b"archive");
        assert_eq!(
            joined.sums(),
            format!(
                "{sum}  piton-1.2.3-linux-x86_64.tar.gz\n{sum}  piton-1.2.3-macos-aarch64.tar.gz\n"
            )
        );
        assert!(out.join("piton-1.2.3-macos-aarch64.tar.gz").exists());
        // The same part twice, a part of another commit, and a file that its list does not describe.
        assert!(joined.join(&out, &macos).is_err());
        assert!(release(8).join(&out, &linux).is_err());
        fs_err::write(linux.join("piton-1.2.3-linux-x86_64.tar.gz"), "other").unwrap();
        assert!(release(7).join(&out, &linux).is_err());
    }

    #[test]
    fn checksums_are_signed_with_a_key_of_keygen() {
        let folder = tempfile::tempdir().unwrap();
        let key = piton_shipment::signature::SecretKey::generate().unwrap();
        let path = folder.path().join("release.key");
        fs_err::write(&path, key.to_text()).unwrap();
        let signature = sign(&path, b"sums", "piton 1.2.3").unwrap();
        let public = piton_shipment::signature::PublicKey::parse(&key.public_text()).unwrap();
        public.check(b"sums", &signature).unwrap();
        assert!(public.check(b"other", &signature).is_err());
    }
}

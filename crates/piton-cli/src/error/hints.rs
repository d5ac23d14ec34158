//! Hints: what the user can do about a failure.

use std::io::{self, ErrorKind};

use piton::board_format::Unusable;
use piton::building::BuildError;
use piton::error::{BoardError, FsError, MountError, VmError};
use piton::http::HttpError;
use piton::mip::MipError;
use piton::mip::resolve::ResolveError;
use piton::path::BoardPath;
use piton::project::mip::package::PackageError;
use piton::shipment::ShipmentError;
use piton::shipment::archive::ArchiveError;
use piton::shipment::to_drive::ToDriveError;
use piton::transport::webrepl::MAX_PASSWORD;
use piton::vm::{self, VmFileError};
use piton::workspace::PackageError as ProjectError;

use super::mpremote;
use crate::compatibility::Compatibility;
use crate::config::UNREAD_HINT;
use crate::suggest::{did_you_mean, nearest, quoted};
use crate::usage::UsageError;

pub(super) fn usage_hints(error: &UsageError) -> Vec<String> {
    match error {
        UsageError::NotACommand { hints, .. } | UsageError::Wrong { hints, .. } => hints.clone(),
        UsageError::NotAFileCommand { nearest, .. } => {
            nearest.as_deref().map(did_you_mean).into_iter().collect()
        }
        UsageError::NotAMipCommand { .. } => {
            vec![MIP_COMMANDS.to_owned()]
        }
        UsageError::UnreadShortcut { .. } => vec![UNREAD_HINT.to_owned()],
        _ => Vec::new(),
    }
}

/// Returns the hints for a failure of the library.
pub(super) fn library_hints(error: &piton::Error, compatibility: &Compatibility) -> Vec<String> {
    use piton::Error;
    let name = compatibility.program;
    if let Some(board) = error.board() {
        let mut hints = board_hints(board, name);
        if compatibility.speaks_mpremote() {
            hints.splice(0..0, mpremote::unopened_reason(board));
        }
        return hints;
    }
    if let Some(FsError::NotAJournal { path }) = error.fs() {
        return vec![foreign_journal_hint(path, name)];
    }
    match error {
        Error::Mount(MountError::Unsupported { .. }) => vec![MOUNT_NEEDS.to_owned()],
        Error::Sync(error) => sync_hints(error),
        Error::Mip(MipError::NoLibrary) if !compatibility.speaks_mpremote() => {
            vec!["`--target` names a folder on the board".to_owned()]
        }
        Error::Mip(error) => mip_hints(error, name),
        Error::Package(error) => package_hints(error, name),
        Error::Build(error) => build_hints(error, name),
        Error::Shipment(error) => shipment_hints(error, name),
        Error::Deploy(error) => deploy_hints(error),
        Error::VmFile(error) => vm_file_hints(error),
        Error::Vm(VmError::Flash { path, source }) if source.kind() == ErrorKind::NotFound => {
            vec![format!(
                "make the folder first: `mkdir {}`; the board's files stay in it",
                path.display()
            )]
        }
        Error::VmImage { .. } => vec![format!(
            "the VM file is `{}` of the npm package `{}`; without `--vm` and PITON_VM, piton fetches it",
            vm::FILE_NAME,
            vm::PACKAGE
        )],
        _ => Vec::new(),
    }
}

fn board_hints(error: &BoardError, name: &str) -> Vec<String> {
    match error {
        BoardError::NoBoard { skipped } => {
            let mut hints = skipped
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<String>>();
            hints.push(format!(
                "plug in a board, or name one with `{name} connect PORT`; `{name} devs` lists the ports, and \
                 `{name} connect virtual` needs no board"
            ));
            hints
        }
        BoardError::NoSuchSerialNumber { .. } => vec![format!("`{name} devs` lists the ports")],
        BoardError::NoSuchPort { available, .. } if available.is_empty() => {
            vec!["there are no serial ports: is the board plugged in, with a cable that carries data?".to_owned()]
        }
        BoardError::NoSuchPort { available, .. } => {
            vec![format!("the ports are {}", available.join(", "))]
        }
        BoardError::PortBusy { port, holder } => vec![format!(
            "{} has {port} open: close it there",
            holder.as_deref().unwrap_or("another program")
        )],
        BoardError::PortPermission { port } if cfg!(target_os = "linux") => vec![
            format!(
                "join the group that owns {port}: `sudo usermod -aG {} $USER`, then log in again",
                group_of(port).unwrap_or_else(|| "dialout".to_owned())
            ),
            "or let everybody at this computer use its boards: see `piton udev`".to_owned(),
        ],
        BoardError::NoControlLines { .. } => vec![
            "a reset through the lines needs a serial port, here or behind `rfc2217://`".to_owned(),
        ],
        BoardError::PasswordNeeded { .. } => vec![format!(
            "give it with `--password WORD`, or in the environment variable {}",
            crate::environment::WEBREPL_PASSWORD
        )],
        BoardError::PasswordRefused { .. } => vec![format!(
            "it was set by `import webrepl_setup` on the board, has at most {MAX_PASSWORD} characters, and stands in its \
             `webrepl_cfg.py`"
        )],
        BoardError::Open { address, source }
            if address.starts_with("ws://")
                && source.kind() == io::ErrorKind::ConnectionRefused =>
        {
            vec![
                "WebREPL does not run there: `import webrepl; webrepl.start()` on the board starts it, `import \
                 webrepl_setup` does so at each start"
                    .to_owned(),
            ]
        }
        BoardError::Disconnected { source, .. } if source.get_ref().is_some() => {
            vec![source.to_string()]
        }
        BoardError::Disconnected { .. } => vec!["was the board unplugged, or reset?".to_owned()],
        BoardError::NoRawRepl { received, .. } if received.is_empty() => vec![
            "a board that says nothing at all: is it MicroPython's port, and the rate right (`--baud`)?".to_owned(),
            "a program that ignores Ctrl-C ends with a reset: press the button and try again at once, or let `piton \
             --reset-on-connect` do it where DTR and RTS are wired so"
                .to_owned(),
        ],
        BoardError::NoRawRepl { .. } => vec![
            "is it MicroPython's port, and the rate right (`--baud`)? `-vv` shows every byte".to_owned(),
            "if a program holds the board, press its reset button and try again at once".to_owned(),
            "where DTR and RTS are wired to reset (most ESP boards), `piton --reset-on-connect` does that".to_owned(),
        ],
        _ => Vec::new(),
    }
}

fn sync_hints(error: &piton::sync::Error) -> Vec<String> {
    use piton::fs::plan::Conflict;
    use piton::sync::Error;
    let hint = match error {
        Error::InTheWay { conflicts } => {
            let may_go =
                |conflict: &Conflict| !matches!(conflict, Conflict::ProtectedInTheWay { .. });
            if !conflicts.iter().all(may_go) {
                return Vec::new();
            }
            "`--delete` removes the entries in the way"
        }
        Error::WouldBeLost { .. } => {
            "`--force` replaces and removes them, `--keep PATTERN` keeps them"
        }
        Error::TooBroad { .. } => "name a folder of its own for the board's files",
        Error::Circle { .. } => "`--links skip` leaves links out",
        Error::NoMpy { .. } => "without `--compile`, sources are sent unchanged",
        Error::NotText { .. } => "`--ignore PATTERN` leaves it out",
        Error::Read { path, source } if source.kind() == ErrorKind::NotADirectory => {
            let path = quoted(&path.display().to_string());
            return vec![format!(
                "`sync` takes a folder; `piton cp {path} :` copies a file"
            )];
        }
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

/// Returns the name of the group that a port belongs to: `dialout` in Debian, `uucp` in Arch.
#[cfg(target_os = "linux")]
fn group_of(port: &str) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let number = std::fs::metadata(port).ok()?.gid();
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    group_named(&groups, number)
}

/// Returns the name of a group in the text of `/etc/group`: name, password, number, members.
#[cfg(target_os = "linux")]
fn group_named(groups: &str, number: u32) -> Option<String> {
    let fields = groups.lines().map(|line| line.split(':'));
    let mut names = fields.filter_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == number.to_string()).then(|| name.to_owned())
    });
    // A port of the group `root` is not opened by joining a group.
    names.next().filter(|name| name != "root")
}

#[cfg(not(target_os = "linux"))]
fn group_of(_port: &str) -> Option<String> {
    None
}

const MOUNT_NEEDS: &str = "a mount needs file systems in Python, `select` and `micropython.kbd_intr`: \
                                      MicroPython 1.12 or later on most boards";

const MIP_COMMANDS: &str = "its commands are `install`, `list`, `uninstall` and `update`";

pub(super) const ONLINE: &str =
    "is this computer online? A proxy is named by HTTPS_PROXY or HTTP_PROXY";

pub(super) const PATIENCE: &str = "try again later; `--timeout 3` waits three times as long";

/// Returns the hint for a write that the system refused, if the cause is known.
fn write_hint(error: &io::Error, full: &str, refused: &str) -> Vec<String> {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => refused,
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

/// The hint for a FAT drive on which two names share one place.
const MEND: &str = "unmount the drive and have its file system mended (`fsck.fat -a`, `chkdsk /f`, First Aid of Disk \
                    Utility), then do it again";

fn build_hints(error: &BuildError, name: &str) -> Vec<String> {
    let hint = match error {
        BuildError::NoSource { .. } | BuildError::NoFiles { .. } => format!(
            "`{name} build FOLDER` names the folder of the sources, and so does `source` in `[tool.piton.build]` of \
             `pyproject.toml`"
        ),
        BuildError::UnclearSource { candidates, .. } => {
            let known = match candidates.as_slice() {
                [] => String::new(),
                names => {
                    let names = names
                        .iter()
                        .take(10)
                        .map(|name| format!("`{}`", name.escape_debug()));
                    format!(
                        "; Python is in {}",
                        names.collect::<Vec<String>>().join(", ")
                    )
                }
            };
            format!(
                "`{name} build FOLDER` names the folder of the sources, and so does `source` in `[tool.piton.build]` of \
                 `pyproject.toml`{known}"
            )
        }
        BuildError::NoNamedFile { .. } | BuildError::List { .. } => format!(
            "mend the list, or `source = \".\"` in `[tool.piton.build]` of `pyproject.toml` has `{name} build` take the \
             whole folder"
        ),
        BuildError::SecretKey { .. } => {
            "keep it out of the folder of the sources, or leave it out with `--exclude`".to_owned()
        }
        BuildError::OldCircuitPython { .. } => {
            "update the board, or name a target with `--target circuitpython-9`".to_owned()
        }
        BuildError::Name { .. } | BuildError::SameOutput { .. } => {
            "give it another name, or leave it out with `--exclude`".to_owned()
        }
        BuildError::Epoch { .. } => {
            "unset it to use the time of the commit, or set it to `git log -1 --format=%ct`"
                .to_owned()
        }
        BuildError::Write { source, .. } => {
            return write_hint(
                source,
                "the last results are unchanged; make room there, or name another folder with `--out`",
                "the last results are unchanged; `--out` names a folder that can be written",
            );
        }
        BuildError::OutHoldsSource { .. } | BuildError::OutIsNotAFolder { .. } => {
            "`--out` names another folder".to_owned()
        }
        BuildError::NotOurs { .. } => {
            "name another folder with `--out`, or remove this one if it is not needed".to_owned()
        }
        BuildError::Shared { .. } => MEND.to_owned(),
        BuildError::Busy { .. } => {
            "wait until it is done, or name another folder with `--out`".to_owned()
        }
        _ => return Vec::new(),
    };
    vec![hint]
}

fn shipment_hints(error: &ShipmentError, name: &str) -> Vec<String> {
    let hint = match error {
        ShipmentError::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
            format!(
                "`{name} build` makes the folder `build`, and it takes another one or an archive as well"
            )
        }
        ShipmentError::NoManifest { .. } => {
            format!("`{name} build` makes it, beside the folder `mpy`")
        }
        ShipmentError::Archive {
            source: ArchiveError::Unknown | ArchiveError::Damaged { .. },
            ..
        } => "it may be incomplete: fetch it again".to_owned(),
        ShipmentError::Archive { .. } => {
            format!("`{name} build` makes no such archive: do not use it")
        }
        ShipmentError::Http(HttpError::Unreachable { .. }) => ONLINE.to_owned(),
        ShipmentError::Http(HttpError::Timeout { .. } | HttpError::TooSlow { .. }) => {
            PATIENCE.to_owned()
        }
        ShipmentError::Http(HttpError::NotFound { url }) if !url.contains(".json") => {
            "the address of a folder ends in `/`".to_owned()
        }
        _ => return Vec::new(),
    };
    vec![hint]
}

fn deploy_hints(error: &ToDriveError) -> Vec<String> {
    const READ_ONLY: &str = "the board may keep the drive to itself (`storage.remount` in its `boot.py`), or the system \
                             took it read-only because it was unplugged too early: unplug it, plug it in, and do it again";
    let hint = match error {
        ToDriveError::NoFolder { .. } => {
            "is the board plugged in, and its drive mounted? `--to` names the folder of the drive"
        }
        ToDriveError::Name { .. } => {
            "give it another name, or leave it out with `--exclude` of `build`"
        }
        ToDriveError::NoFolderInside { .. } => {
            "the drive of a board has no links: is it the right folder? Remove what is there, and do it again"
        }
        ToDriveError::SameName { .. } => "give one of them another name, and build again",
        ToDriveError::NoSpace { .. } => {
            "nothing was written; delete there what is not needed, and do it again"
        }
        // `EIO`: the driver's answer for a folder that a power cut damaged.
        ToDriveError::Write { source, .. } if cfg!(unix) && source.raw_os_error() == Some(5) => {
            MEND
        }
        ToDriveError::Write { source, .. } => {
            return write_hint(
                source,
                "each file there is the old one or the new one; delete what is not needed, and do it again",
                READ_ONLY,
            );
        }
        ToDriveError::Shared { .. } => MEND,
        ToDriveError::ReadBack { .. } => {
            "unplug it, plug it in, have the system check its file system, and do it again"
        }
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

fn foreign_journal_hint(path: &BoardPath, name: &str) -> String {
    let path = path.as_str().escape_debug();
    format!(
        "`{name} cat :{path}` shows what is in it; if it is of no use, `{name} rm :{path}` removes it"
    )
}

fn package_hints(error: &ProjectError, name: &str) -> Vec<String> {
    use piton::project::project::ProjectError as SettingsError;
    let hint = match error {
        ProjectError::Http(HttpError::Unreachable { .. }) => {
            format!("{ONLINE}; `--offline` takes everything from the cache")
        }
        ProjectError::Http(HttpError::Timeout { .. } | HttpError::TooSlow { .. }) => {
            PATIENCE.to_owned()
        }
        ProjectError::Project(SettingsError::NoProject { .. }) => format!(
            "a project has a `pyproject.toml`: make one here, or go to its folder; `{name} mip` is for packages on a board \
             without a project"
        ),
        ProjectError::NotLocked => format!("`{name} lock` makes one"),
        ProjectError::Stale { .. } => format!("`{name} lock` brings it up to date"),
        ProjectError::Lock { .. } => {
            format!("restore it, or remove it: `{name} lock` makes it again, with the newest versions")
        }
        ProjectError::Different { .. } => format!(
            "`{name} lock` restores the files of the lock; changes of your own belong into a dependency of a folder, with \
             `develop = true`"
        ),
        ProjectError::Changed { name: package, .. } => format!(
            "look what was changed; `{name} update {package}` takes the new files"
        ),
        ProjectError::Hash { .. } => {
            "nothing was written; if it stays so, ask the publisher of the package".to_owned()
        }
        ProjectError::Conflict(_) => {
            "a board can have one of them only: remove one of the packages, or install their groups on different boards"
                .to_owned()
        }
        ProjectError::Offline { .. } => "do it once without `--offline`".to_owned(),
        ProjectError::NoReference { names, .. } if !names.is_empty() => {
            let shown = names.iter().take(8).cloned().collect::<Vec<_>>();
            format!("it has {}", shown.join(", "))
        }
        ProjectError::Unknown { kind, known, .. } if known.is_empty() => {
            format!("the project has no {kind}")
        }
        ProjectError::Unknown {
            name: word, known, ..
        } => match nearest(word, known.iter().map(String::as_str)) {
            Some(near) => did_you_mean(&near),
            None => {
                let shown = known.iter().take(8).cloned().collect::<Vec<_>>();
                format!("the project has {}", shown.join(", "))
            }
        },
        ProjectError::Exists { name: word, .. } => {
            format!("`{name} remove {word}` removes it")
        }
        ProjectError::Busy { .. } => "try again when it has ended".to_owned(),
        ProjectError::Meanwhile { .. } => "nothing was written; do it again".to_owned(),
        _ => return Vec::new(),
    };
    vec![hint]
}

fn mip_hints(error: &MipError, name: &str) -> Vec<String> {
    let hint = match error {
        MipError::Http(HttpError::Unreachable { .. }) => {
            format!("{ONLINE}; packages in folders of this computer need no network")
        }
        MipError::Http(HttpError::Timeout { .. } | HttpError::TooSlow { .. }) => PATIENCE.to_owned(),
        MipError::NoPackage { location } if location.to_string().ends_with(".json") => {
            "is the name spelled right? A folder or file here is named with a `/`: `./NAME`"
                .to_owned()
        }
        MipError::Gone { .. } => {
            "nothing was installed; see that no other program writes to the board, and do it again".to_owned()
        }
        MipError::Unusable {
            source: Unusable::NativeSource { .. },
            ..
        } => "nothing was installed; such a package needs a board whose firmware has a native emitter; `cp` copies files as they are"
            .to_owned(),
        MipError::Unusable { .. } => {
            "nothing was installed; `--no-mpy` installs the sources, if the package has them".to_owned()
        }
        MipError::Hash { .. } => "nothing was installed; try again later".to_owned(),
        MipError::Record { path, .. } => {
            format!("`{name} rm :{path}` lets piton forget what it installed; the packages stay")
        }
        MipError::NotInstalled { installed, .. } if installed.is_empty() => {
            "piton has installed nothing there; what mpremote installed is not on record".to_owned()
        }
        MipError::NotInstalled { installed, .. } => {
            format!("it has installed {}", installed.join(", "))
        }
        MipError::Read { path, source }
            if path.ends_with("package.json") && source.kind() == ErrorKind::NotFound =>
        {
            "a package in a folder has a `package.json`, or a `manifest.py` as in micropython-lib".to_owned()
        }
        MipError::Resolve(ResolveError::Package {
            source: PackageError::Manifest(_),
            ..
        }) => "a manifest is understood here if it has only calls such as `module(\"NAME.py\")`; `cp` copies the files \
               as they are, and a `package.json` beside it comes first"
            .to_owned(),
        MipError::Needed { by, .. } => format!("uninstall {} first", by.join(", ")),
        MipError::Resolve(ResolveError::Package {
            source: PackageError::Path(error),
            ..
        }) if error.is_reserved() => {
            "nothing was installed; a package has no business with such a file: ask its author, or do not use it".to_owned()
        }
        _ => return Vec::new(),
    };
    vec![hint]
}

fn vm_file_hints(error: &VmFileError) -> Vec<String> {
    match error {
        VmFileError::Damaged { path, .. } => vec![format!(
            "delete `{}`, and the next run fetches it again",
            path.display()
        )],
        VmFileError::Named { .. } => vec![format!(
            "without `--vm` and PITON_VM, piton uses version {}, and fetches it once",
            vm::VERSION
        )],
        VmFileError::Fetch { release, place, .. } => vec![
            format!(
                "on a computer with network: `npm pack {}@{}`, then `tar xzf *.tgz package/{}`",
                vm::PACKAGE,
                release.version,
                vm::FILE_NAME
            ),
            format!(
                "put `{}` to `{}`, or name it with `--vm FILE`",
                vm::FILE_NAME,
                place.display()
            ),
        ],
        VmFileError::NoCacheFolder => vec!["set PITON_CACHE_DIR to a folder".to_owned()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;

    /// The message and hints under the name `piton`.
    fn message_of(error: BoardError) -> String {
        CommandError::from(error)
            .message(Compatibility::PITON)
            .unwrap_or_default()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_without_permission_names_its_group() {
        let groups = "root:x:0:\nuucp:x:14:ann,bob\nbroken\ndialout:x:20:\n";
        let name = |number| group_named(groups, number);
        assert_eq!(name(20).as_deref(), Some("dialout"));
        assert_eq!(name(14).as_deref(), Some("uucp"));
        assert_eq!((name(0), name(2)), (None, None));
        let port = "/no/such/port".to_owned();
        insta::assert_snapshot!(message_of(BoardError::PortPermission { port }));
    }

    #[test]
    fn a_board_that_does_not_come_to_its_raw_repl() {
        let silent = BoardError::NoRawRepl {
            sent: b"\x03\x01".to_vec(),
            received: Vec::new(),
        };
        let chatty = BoardError::NoRawRepl {
            sent: b"\x03\x01".to_vec(),
            received: b"again\r\n".to_vec(),
        };
        insta::assert_snapshot!([silent, chatty].map(message_of).join("\n"));
    }

    #[test]
    fn a_disk_that_does_not_take_it() {
        let messages = [
            ErrorKind::StorageFull,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::Other,
        ]
        .map(|kind| {
            let (path, source) = ("build/x".into(), kind.into());
            let build = CommandError::from(BuildError::Write { path, source });
            let (path, source) = ("D:/x".into(), kind.into());
            let deploy = CommandError::from(ToDriveError::Write { path, source });
            [build, deploy].map(|error| error.message(Compatibility::PITON).unwrap_or_default())
        });
        insta::assert_snapshot!(messages.concat().join("\n"));
    }
}

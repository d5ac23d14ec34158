//! What the tests of the Python package find around them: boards that run, and programs that serve boards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Command;

use serde::Serialize;
use test_programs::cache;
use test_programs::pins::Environment;

use crate::setup::python::interpreter;
use crate::workspace::{Profile, build_piton};

/// The file that the tests read.
#[derive(Clone, Default, Serialize)]
pub(super) struct Surroundings {
    /// `piton`, which serves virtual boards.
    piton: PathBuf,
    /// The Python that can import `belay`.
    belay: PathBuf,
    /// The VM files by version.
    vms: BTreeMap<String, PathBuf>,
    /// Ports of the boards that run, by name.
    boards: BTreeMap<&'static str, String>,
    /// Programs by name.
    programs: BTreeMap<&'static str, Program>,
}

/// How a program is started.
#[derive(Clone, Serialize)]
struct Program {
    /// The program and its first arguments.
    words: Vec<String>,
    /// Variables that it needs.
    environment: BTreeMap<String, String>,
}

impl Surroundings {
    /// Returns what is the same for all tests.
    fn new() -> anyhow::Result<Surroundings> {
        let peers = cache::python_environment(&cache::cache_dir()?, Environment::Peers);
        let vms = test_programs::VM_VERSIONS
            .iter()
            .map(|version| ((*version).to_owned(), test_programs::vm_version(version)));
        Ok(Surroundings {
            piton: build_piton(Profile::Dev)?,
            belay: interpreter(&peers),
            vms: vms.collect(),
            ..Surroundings::default()
        })
    }
}

impl Program {
    #[cfg(unix)]
    fn of(command: &Command) -> Program {
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        let variables = command.get_envs();
        Program {
            words: std::iter::once(command.get_program())
                .chain(command.get_args())
                .map(text)
                .collect(),
            environment: variables
                .filter_map(|(name, value)| Some((text(name), text(value?))))
                .collect(),
        }
    }
}

/// What [`with_each`] runs tests with.
pub(super) struct Part<'p> {
    /// A word for its files.
    pub(super) name: &'static str,
    /// pytest's expression of marks.
    pub(super) marks: &'static str,
    pub(super) surroundings: &'p Surroundings,
}

/// Runs the tests with the boards that they are for, in two parts at the same time. `run` runs one. An emulator keeps a core busy, and
/// the tests of other boards mostly wait for one process.
///
/// # Errors
///
/// Those of `run`, and of boards that cannot be started.
#[cfg(unix)]
pub(super) fn with_each(
    folder: &Path,
    run: impl Fn(&Part<'_>) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    use test_programs::{EmulatedPico, Microbit};

    let surroundings = Surroundings::new()?;
    std::thread::scope(|scope| {
        let emulated = scope.spawn(|| {
            let microbit = Microbit::start();
            let pico = EmulatedPico::start();
            let boards = [
                ("microbit", microbit.port().to_owned()),
                ("pico", pico.port().to_owned()),
            ];
            run(&Part {
                name: "emulated",
                marks: "microbit or pico",
                surroundings: &Surroundings {
                    boards: BTreeMap::from(boards),
                    ..surroundings.clone()
                },
            })
        });
        let others = with_others(folder, &surroundings, &run);
        let emulated = emulated.join();
        others.and(emulated.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Runs the tests that are not for an emulated board.
#[cfg(unix)]
fn with_others(
    folder: &Path,
    surroundings: &Surroundings,
    run: impl Fn(&Part<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    use crate::served_board::ServedBoard;
    use test_programs::UnixBoard;

    let files = folder.join("unix");
    fs_err::create_dir(&files)?;
    let webrepl = Path::new("crates/test-programs/device/webrepl.py");
    let programs = [
        ("ser2net", Program::of(&test_programs::ser2net())),
        (
            "webrepl",
            Program::of(
                test_programs::micropython_unix().arg(crate::workspace::root().join(webrepl)),
            ),
        ),
        (
            "micropython",
            Program::of(&test_programs::micropython_unix_current()),
        ),
    ];
    let served = ServedBoard::start(&surroundings.piton, [""; 0])?;
    let unix = UnixBoard::start(&files);
    let boards = [
        ("virtual", served.port.clone()),
        ("unix", unix.port().to_owned()),
    ];
    run(&Part {
        name: "others",
        marks: "not microbit and not pico",
        surroundings: &Surroundings {
            boards: BTreeMap::from(boards),
            programs: BTreeMap::from(programs),
            ..surroundings.clone()
        },
    })
}

/// Without pseudo-terminals there are virtual boards alone.
#[cfg(not(unix))]
pub(super) fn with_each(
    _: &Path,
    run: impl Fn(&Part<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    run(&Part {
        name: "others",
        marks: "not unix and not microbit and not pico",
        surroundings: &Surroundings::new()?,
    })
}

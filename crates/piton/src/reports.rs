//! Reports: the results of operations as data, for a fleet, a log or a web page. `--json` prints them on stdout.
//!
//! Each module has the type of its own report. Names in JSON are those of the fields, but where a field says otherwise. The
//! pages of the commands list them: docs/compile.md, docs/build.md, docs/mip.md and docs/sync.md. What happens on the way to a
//! result is [`events`](crate::events).
//!
//! ```
//! use piton::compile::{Output, Settings, plan, run, sources};
//! use piton::reports::CompileReport;
//! use piton::{compiler::Options, deadline::Cancel};
//!
//! # let folder = tempfile::tempdir()?;
//! let source = folder.path().join("main.py");
//! std::fs::write(&source, "print('hello')\n")?;
//! let plan = plan(&sources(&[source])?, &Output::Beside)?;
//! let outcomes = run(&plan, &Settings::new(Options::new("")), &Cancel::new(), &|_| {});
//! let json = serde_json::to_value(CompileReport::new(&plan, &outcomes))?;
//! assert_eq!((json["compiled"].as_u64(), json["failed"].as_u64()), (Some(1), Some(0)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use crate::building::{BuildFailure, BuildReport, BuiltTarget, ProjectReport, SourceAsIs};
pub use crate::compile::{CompileReport, CompiledFile, SourceError};
pub use crate::mip::{InstallReport, InstalledPackage, UninstallReport};
pub use crate::shipment::keys::NewKey;
pub use crate::shipment::to_drive::{DriveAction, DrivePlan, DriveStep};
pub use crate::shipment::{Finding, VerifyReport};
pub use piton_fs::plan::{Action, Plan, Step};

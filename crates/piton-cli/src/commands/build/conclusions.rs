//! Describes what a build concluded from the files of the project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use piton::building::project::{Layout, Sign};
use piton::building::{LeftOut, Report, Settings, Written};
use piton::deadline::Cancel;
use piton::shipment::{self, Demands, FindingKind, Places, Purpose, Reading};

use super::settings::Read;
use super::{native_by_source, plural};

/// The most names that a line lists.
const SHOWN: usize = 5;

/// Returns the lines before the results: every setting that was concluded and not given.
pub(super) fn lines(read: &Read) -> Vec<String> {
    let project = &read.project;
    let mut lines = Vec::new();
    match &project.layout {
        Layout::Folder | Layout::Program => {}
        Layout::List(path) => {
            let files = project.files.as_ref().map_or(0, Vec::len);
            lines.push(format!(
                "building the {files} file{} that `{}` names",
                plural(files),
                shown(path)
            ));
        }
        Layout::Package(name) => lines.push(format!("building the package `{name}`")),
        Layout::Modules => lines.push("building the modules of this folder".to_owned()),
    }
    let (firmware, elsewhere) = project
        .elsewhere
        .iter()
        .map(String::as_str)
        .partition::<Vec<&str>, _>(|name| name.starts_with("$("));
    if !elsewhere.is_empty() {
        lines.push(format!(
            "not on this computer, so not in the build: {}; `mip install` installs them on a board",
            listed(elsewhere.into_iter())
        ));
    }
    if !firmware.is_empty() {
        lines.push(format!(
            "parts of a firmware, so not in the build: {}",
            listed(firmware.into_iter())
        ));
    }
    if let Some(sign) = &project.circuitpython
        && read.is_target_found
    {
        let targets = read.settings.targets.iter().map(ToString::to_string);
        lines.push(format!(
            "`{}` {}: building for {}",
            shown(sign.path()),
            match sign {
                Sign::BootOut { version, .. } => format!("is of CircuitPython {version}"),
                Sign::File(_) => "is for CircuitPython".to_owned(),
            },
            targets.collect::<Vec<String>>().join(", "),
        ));
    }
    lines
}

fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

/// Returns the lines about sources with machine code.
pub(super) fn native_lines(report: &Report) -> Vec<String> {
    let native = native_by_source(report);
    let lines = native.values().map(|native| {
        let line = native
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        format!(
            "`{}{line}` asks for native code: {NATIVE}",
            native.path.display()
        )
    });
    lines.collect()
}

/// The remark for a source with machine code.
pub(super) const NATIVE: &str = "the source is included unchanged, and the board compiles it";

/// Returns the lines about files that are not sources.
pub(super) fn data_lines(read: &Read, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if read.settings.all_data && !report.data.is_empty() {
        let kinds = kinds(report.data.iter().map(|path| path.extension()));
        lines.push(format!("data files among these: {kinds}"));
    }
    if !report.other.is_empty() {
        lines.push(format!(
            "{} data file{} left out: {}; `--data PATTERN` includes them",
            report.other.len(),
            if report.other.len() == 1 {
                " is"
            } else {
                "s are"
            },
            listed(report.other.iter().map(|path| path.as_str())),
        ));
    }
    lines
}

/// Returns the line about files that boards do not read.
pub(super) fn for_others_line(paths: &[PathBuf]) -> Option<String> {
    let endings = paths
        .iter()
        .map(|path| path.extension().and_then(|ending| ending.to_str()));
    (!paths.is_empty()).then(|| {
        format!(
            "left out, as no board reads them: {}; `--data PATTERN` includes them",
            kinds(endings)
        )
    })
}

/// Returns the lines about files that import files that are left out: such a build cannot be deployed.
pub(super) fn missing_lines(settings: &Settings, report: &Report) -> BTreeSet<String> {
    let is_written = !matches!(report.written, Written::Refused(_));
    if report.failures.is_empty() || !is_written {
        return BTreeSet::new();
    }
    let reading = Reading {
        places: &Places::default(),
        purpose: Purpose::Check,
        cancel: &Cancel::new(),
    };
    let shipments = shipment::read(&settings.out, &reading).unwrap_or_default();
    let findings = shipments
        .iter()
        .flat_map(|shipment| shipment.check(&Demands::default()));
    let missing = findings.filter(|finding| matches!(finding.kind, FindingKind::LeftOut { .. }));
    missing
        .map(|finding| format!("{finding}; `deploy` refuses that"))
        .collect()
}

/// Counts files by kind.
fn kinds<'a>(endings: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut kinds = BTreeMap::new();
    for ending in endings {
        let kind = ending.unwrap_or("without ending").to_ascii_lowercase();
        *kinds.entry(kind).or_insert(0_usize) += 1;
    }
    let kinds = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.escape_debug()));
    kinds.collect::<Vec<String>>().join(", ")
}

/// Returns the reason why a file is left out.
pub(super) fn reason(why: LeftOut) -> &'static str {
    match why {
        LeftOut::Private => {
            "such a file usually holds passwords or secret keys; `--data` includes it if the pattern is its full name"
        }
        LeftOut::ForOthers => "no board reads it",
        LeftOut::HasSource => "its source is in the same folder",
        LeftOut::FolderLink => "links to folders are not followed",
        LeftOut::DanglingLink => "it is a link without a target",
        LeftOut::Special => "it is not a file",
    }
}

/// Returns a list of the first names.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let mut text = names
        .take(SHOWN)
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect::<Vec<String>>()
        .join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

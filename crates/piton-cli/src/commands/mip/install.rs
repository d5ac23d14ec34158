//! `mip install`, with mpremote's lines.

use piton::mip::source::{Location, Source};
use piton::mip::{FetchOptions, Fetched, Installation, Library, MipEvent, RecordUse};
use piton::repl::RawRepl;
use serde::Serialize;

use super::{Args, show_removal, sources};
use crate::args::Face;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::Ui;

/// What was done for one package, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    target: &'a str,
    packages: Vec<PackageReport<'a>>,
    files_written: usize,
    files_removed: usize,
}

#[derive(Serialize)]
struct PackageReport<'a> {
    name: &'a str,
    version_before: Option<&'a str>,
    version: Option<&'a str>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let options = args.fetch_options();
    let sources = sources(&args.packages)?.into_iter();
    let requests: Vec<Request> = sources
        .map(|source| Request {
            source,
            options: options.clone(),
        })
        .collect();
    let Context {
        session,
        ui,
        cancel,
        face,
        ..
    } = ctx;
    let mut raw = session.raw_repl()?;
    let Some(first) = requests.first() else {
        return Ok(());
    };
    ui.step(&first.announcement())?;
    let library = Library::find(&mut raw, args.target.as_deref())?;
    let job = Job {
        requests: &requests,
        library: &library,
        ui,
        face: *face,
        names_same: true,
    };
    // As there, what comes before a package that cannot be had is installed.
    let (fetched, failure) = job.fetch(cancel);
    let failure = match failure {
        Some(failure) if matches!(failure.error, CommandError::Interrupted) => {
            return Err(failure.error);
        }
        failure => failure,
    };
    let mut done = 0;
    let installed = job.install(&mut raw, &fetched, &mut |event| match event {
        MipEvent::Request { index: 0 } => Ok(()),
        MipEvent::Request { index } => match requests.get(index) {
            Some(request) => ui.step(&request.announcement()),
            None => Ok(()),
        },
        MipEvent::Installed { installation, .. } => {
            done += 1;
            ui.step("Done")?;
            job.report(installation)
        }
        _ => Ok(()),
    });
    if let (Ok(()), Some(failure)) = (&installed, &failure) {
        if let Some(request) = requests.get(done).filter(|_| done > 0) {
            ui.step(&request.announcement())?;
        }
        for line in &failure.lines {
            ui.step(line)?;
        }
    }
    let result = installed.and(failure.map_or(Ok(()), |failure| Err(failure.error)));
    if result.is_err() && *face == Face::Mpremote {
        // Never true here, but scripts look for it.
        ui.step("Package may be partially installed")?;
    }
    result
}

/// A package that is asked for.
pub(super) struct Request {
    pub(super) source: Source,
    pub(super) options: FetchOptions,
}

impl Request {
    fn announcement(&self) -> String {
        format!("Install {}", without_version(&self.source))
    }
}

/// Why a package cannot be had.
pub(super) struct Failure {
    /// What there is to say of how far it came.
    pub(super) lines: Vec<String>,
    pub(super) error: CommandError,
}

/// Packages on their way.
pub(super) struct Job<'a> {
    pub(super) requests: &'a [Request],
    pub(super) library: &'a Library,
    pub(super) ui: &'a Ui,
    pub(super) face: Face,
    /// Whether files that stay as they are are worth a line.
    pub(super) names_same: bool,
}

/// The source as it was typed, less its version.
fn without_version(source: &Source) -> String {
    let text = source.to_string();
    match source.version() {
        Some(version) => text
            .strip_suffix(version)
            .and_then(|text| text.strip_suffix('@'))
            .unwrap_or(&text)
            .to_owned(),
        None => text,
    }
}

impl Job<'_> {
    /// Gets all files of all packages, up to the first package that cannot be had.
    pub(super) fn fetch(
        &self,
        cancel: &piton::deadline::Cancel,
    ) -> (Vec<Fetched>, Option<Failure>) {
        let mut all = Vec::new();
        for request in self.requests {
            match self.fetch_one(request, cancel) {
                Ok(fetched) => all.push(fetched),
                Err(failure) => return (all, Some(*failure)),
            }
        }
        (all, None)
    }

    fn fetch_one(
        &self,
        request: &Request,
        cancel: &piton::deadline::Cancel,
    ) -> Result<Fetched, Box<Failure>> {
        let Request { source, options } = request;
        let mut lines = Vec::new();
        let mut looking = |event: MipEvent<'_>| match event {
            MipEvent::Looking { source, location } => {
                lines.extend(self.header(options, source, location));
            }
            MipEvent::Fetched { done, of } => self.ui.fetched(done, of),
            _ => {}
        };
        let fetched = piton::mip::fetch(source, self.library, options, cancel, &mut looking);
        self.ui.clear_progress();
        fetched.map_err(|error| {
            if lines.is_empty() {
                let location = source.location(&options.index, None);
                lines.extend(self.header(options, source, &location));
            }
            Box::new(Failure {
                lines,
                error: error.into(),
            })
        })
    }

    /// Puts all files on the board. `requests` gets the events about whole requests.
    pub(super) fn install(
        &self,
        raw: &mut RawRepl<'_>,
        fetched: &[Fetched],
        requests: &mut dyn FnMut(MipEvent<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let record_use = match self.face {
            Face::Piton => RecordUse::Keep,
            Face::Mpremote => RecordUse::IfPresent,
        };
        let mut shown = Ok(());
        let mut again = false;
        let mut options = self.requests.first().map(|request| &request.options);
        let installed = piton::mip::install(raw, self.library, fetched, record_use, &mut |event| {
            let line = match event {
                MipEvent::Package { visit, package } => {
                    again = visit.again;
                    match options.filter(|_| !self.skips(again)) {
                        Some(options) => self.header(options, &visit.source, &package.location),
                        None => None,
                    }
                }
                MipEvent::File { path, same, hashed } => {
                    self.ui.clear_progress();
                    // mpremote sends the files that no hash is given for each time.
                    let exists = same && (hashed || self.face == Face::Piton);
                    let word = if exists { "Exists" } else { "Installing" };
                    let is_shown = !self.skips(again) && (self.names_same || !exists);
                    is_shown.then(|| format!("{word}: {path}"))
                }
                MipEvent::Wrote { bytes, of } => {
                    self.ui.progress(bytes, of);
                    None
                }
                MipEvent::Request { index } => {
                    options = self.requests.get(index).map(|request| &request.options);
                    keep_first(&mut shown, requests(event));
                    None
                }
                MipEvent::Installed { .. } => {
                    self.ui.clear_progress();
                    keep_first(&mut shown, requests(event));
                    None
                }
                event => {
                    keep_first(&mut shown, show_removal(self.ui, event));
                    None
                }
            };
            if let Some(line) = line {
                keep_first(&mut shown, self.ui.step(&line));
            }
        });
        self.ui.clear_progress();
        installed?;
        shown
    }

    /// mpremote goes through a package as often as it is needed.
    fn skips(&self, again: bool) -> bool {
        again && self.face == Face::Piton
    }

    /// What mpremote says before it looks for a package.
    fn header(
        &self,
        options: &FetchOptions,
        source: &Source,
        location: &Location,
    ) -> Option<String> {
        let target = self.library.target();
        Some(match source {
            Source::Index { name, version } => format!(
                "Installing {name} ({}) from {} to {target}",
                version.as_deref().unwrap_or("latest"),
                options.index,
            ),
            // There, a package of this computer is not announced.
            Source::Local(_) if self.face == Face::Mpremote => return None,
            _ if source.is_file() => {
                format!("Downloading {} to {target}", without_version(source))
            }
            _ => format!("Installing {location} to {target}"),
        })
    }

    /// The same as JSON.
    pub(super) fn report(&self, installed: &Installation) -> Result<(), CommandError> {
        if !self.ui.json() {
            return Ok(());
        }
        let packages = installed.packages.iter();
        self.ui.json_line(&Report {
            target: self.library.target(),
            packages: packages
                .map(|(name, before, version)| PackageReport {
                    name,
                    version_before: before.as_deref(),
                    version: version.as_deref(),
                })
                .collect(),
            files_written: installed.written,
            files_removed: installed.removed,
        })
    }
}

/// Keeps the first error.
fn keep_first(result: &mut Result<(), CommandError>, next: Result<(), CommandError>) {
    if result.is_ok() {
        *result = next;
    }
}

//! `mip install`, with mpremote's lines.

use std::ops::ControlFlow::Continue;

use piton::events::BoardEvent;
use piton::http::HttpError;
use piton::mip::source::{Location, Source};
use piton::mip::{
    Described, FetchOptions, Fetched, Installation, Library, Looked, MipError, MipEvent, Packages,
    RecordUse,
};
use piton::reports::InstallReport;

use super::{Args, show_removal, sources};
use crate::compatibility::Compatibility;
use crate::context::Context;
use crate::error::CommandError;
use crate::output_sink::OutputSink;
use crate::ui::Ui;

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
        compatibility,
        ..
    } = ctx;
    let board = session.board()?.device_name().to_owned();
    let raw = session.raw_repl()?;
    let Some(first) = requests.first() else {
        return Ok(());
    };
    ui.step(&first.announcement())?;
    let mut packages = Packages::open(raw, args.target.as_deref())?;
    let library = packages.library().clone();
    let job = Job {
        requests: &requests,
        library: &library,
        board: &board,
        ui,
        compatibility,
        names_same: true,
    };
    // As in mpremote, the packages before one that cannot be fetched are installed.
    let Ready {
        fetched,
        looked,
        failure,
    } = job.fetch(&mut packages, cancel)?;
    let failure = match failure {
        Some(failure) if failure.error.is_interrupted() => {
            return Err(failure.error);
        }
        failure => failure,
    };
    let mut installed_count = 0;
    let installed = job.install(&mut packages, &fetched, looked, &mut |event| match event {
        MipEvent::Request { index: 0 } => Ok(()),
        MipEvent::Request { index } => match requests.get(index) {
            Some(request) => ui.step(&request.announcement()),
            None => Ok(()),
        },
        MipEvent::Installed { installation, .. } => {
            installed_count += 1;
            ui.step("Done")?;
            job.report(installation)
        }
        _ => Ok(()),
    });
    if let (Ok(()), Some(failure)) = (&installed, &failure) {
        if let Some(request) = requests
            .get(installed_count)
            .filter(|_| installed_count > 0)
        {
            ui.step(&request.announcement())?;
        }
        for line in &failure.lines {
            ui.step(line)?;
        }
    }
    let result = installed.and(failure.map_or(Ok(()), |failure| Err(failure.error)));
    if result.is_err() && !compatibility.extended_mip {
        // An installation here is complete or undone, so this line is never true. Scripts look for it.
        ui.step("Package may be partially installed")?;
    }
    result
}

/// A requested package.
pub(super) struct Request {
    pub(super) source: Source,
    pub(super) options: FetchOptions,
}

impl Request {
    fn announcement(&self) -> String {
        format!("Install {}", without_version(&self.source))
    }
}

/// The reason why a package cannot be fetched.
pub(super) struct Failure {
    /// The lines to print before the error.
    pub(super) lines: Vec<String>,
    pub(super) error: CommandError,
}

/// The packages that can be installed.
pub(super) struct Ready {
    pub(super) fetched: Vec<Fetched>,
    pub(super) looked: Looked,
    /// The failure that ended the list.
    pub(super) failure: Option<Failure>,
}

/// An installation.
pub(super) struct Job<'a> {
    pub(super) requests: &'a [Request],
    pub(super) library: &'a Library,
    /// The board's name, for events.
    pub(super) board: &'a str,
    pub(super) ui: &'a Ui,
    pub(super) compatibility: &'static Compatibility,
    /// Whether unchanged files are listed.
    pub(super) names_same: bool,
}

/// Returns the source as it was typed, without its version.
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
    /// Fetches the files of all packages that the board lacks, up to the first package that cannot be fetched.
    ///
    /// # Errors
    ///
    /// The board cannot be asked for its files.
    pub(super) fn fetch(
        &self,
        packages: &mut Packages<'_>,
        cancel: &piton::deadline::Cancel,
    ) -> Result<Ready, CommandError> {
        let mut described = Vec::new();
        let mut headers = Vec::new();
        let mut failure = None;
        for request in self.requests {
            let mut lines = Vec::new();
            match self.describe(request, cancel, &mut lines) {
                Ok(one) => described.push(one),
                Err(error @ MipError::Http(HttpError::Cancelled)) => return Err(error.into()),
                Err(error) => {
                    failure = Some(self.failure(request, lines, error));
                    break;
                }
            }
            headers.push(lines);
        }
        let looked = match described.is_empty() {
            true => Looked::default(),
            false => self.look(packages, &described)?,
        };
        let mut fetched = Vec::new();
        for ((request, one), lines) in self.requests.iter().zip(described).zip(headers) {
            let result = piton::mip::fetch(one, &looked, cancel, &mut |event| {
                self.event(event);
                if let MipEvent::Fetched { done, of } = event {
                    self.ui.fetched(done, of);
                }
                Continue(())
            });
            self.ui.clear_progress();
            match result {
                Ok(one) => fetched.push(one),
                Err(error) => {
                    failure = Some(self.failure(request, lines, error));
                    break;
                }
            }
        }
        Ok(Ready {
            fetched,
            looked,
            failure,
        })
    }

    fn describe(
        &self,
        request: &Request,
        cancel: &piton::deadline::Cancel,
        lines: &mut Vec<String>,
    ) -> Result<Described, MipError> {
        let Request { source, options } = request;
        let mut looking = |event: MipEvent<'_>| {
            self.event(event);
            if let MipEvent::Looking { source, location } = event {
                lines.extend(self.header(options, source, location));
            }
            Continue(())
        };
        let mut options = options.clone();
        options.format = Some(self.library.format.clone());
        piton::mip::describe(source, &options, cancel, &mut looking)
    }

    /// Asks the board for its files of these packages.
    fn look(
        &self,
        packages: &mut Packages<'_>,
        described: &[Described],
    ) -> Result<Looked, CommandError> {
        let mut output = OutputSink::default();
        let record_use = self.record_use();
        let looked = packages.look(described, record_use, &mut |event| {
            self.event(event);
            output.flow(show_removal(self.ui, event))
        });
        output.finish(looked)
    }

    fn failure(&self, request: &Request, mut lines: Vec<String>, error: MipError) -> Failure {
        if lines.is_empty() {
            let Request { source, options } = request;
            let location = source.location(&options.index, None);
            lines.extend(self.header(options, source, &location));
        }
        Failure {
            lines,
            error: error.into(),
        }
    }

    fn record_use(&self) -> RecordUse {
        match self.compatibility.extended_mip {
            true => RecordUse::Keep,
            false => RecordUse::IfPresent,
        }
    }

    /// Installs all files on the board. `requests` gets the events about whole requests.
    pub(super) fn install(
        &self,
        packages: &mut Packages<'_>,
        fetched: &[Fetched],
        looked: Looked,
        requests: &mut dyn FnMut(MipEvent<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let mut output = OutputSink::default();
        let mut again = false;
        let mut options = self.requests.first().map(|request| &request.options);
        let mut report = |event: MipEvent<'_>| {
            self.event(event);
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
                    // mpremote sends files without a hash each time.
                    let exists = same && (hashed || self.compatibility.extended_mip);
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
                    return output.flow(requests(event));
                }
                MipEvent::Installed { .. } => {
                    self.ui.clear_progress();
                    return output.flow(requests(event));
                }
                event => return output.flow(show_removal(self.ui, event)),
            };
            output.flow(line.map_or(Ok(()), |line| self.ui.step(&line)))
        };
        let record_use = self.record_use();
        let installed = packages.install(fetched, Some(looked), record_use, &mut report);
        self.ui.clear_progress();
        output.finish(installed).map(drop)
    }

    /// Returns whether a package is left out because it is there already. mpremote goes through a package as often as
    /// it is needed.
    fn skips(&self, again: bool) -> bool {
        again && self.compatibility.extended_mip
    }

    /// Returns mpremote's line before it looks for a package.
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
            // mpremote does not announce a package of this computer.
            Source::Local(_) if !self.compatibility.extended_mip => return None,
            _ if source.is_file() => {
                format!("Downloading {} to {target}", without_version(source))
            }
            _ => format!("Installing {location} to {target}"),
        })
    }

    /// Prints the installation as JSON.
    pub(super) fn report(&self, installed: &Installation) -> Result<(), CommandError> {
        match self.ui.json() {
            true => self
                .ui
                .json_line(&InstallReport::new(self.library, installed)),
            false => Ok(()),
        }
    }

    /// Prints an event for programs.
    fn event(&self, event: MipEvent<'_>) {
        let board = self.board;
        self.ui.event(&BoardEvent { board, event });
    }
}

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
    let sources = sources(&args.packages)?;
    let options = args.fetch_options();
    let Context {
        session,
        ui,
        cancel,
        face,
        ..
    } = ctx;
    let mut raw = session.raw_repl()?;
    let mut library = None;
    for source in sources {
        ui.step(&format!("Install {}", without_version(&source)))?;
        let library = match &library {
            Some(library) => library,
            None => library.insert(Library::find(&mut raw, args.target.as_deref())?),
        };
        let job = Job {
            source: &source,
            library,
            options: &options,
            ui,
            face: *face,
            names_same: true,
        };
        let installed = job
            .fetch(cancel)
            .and_then(|fetched| job.install(&mut raw, &fetched));
        if installed.is_err() && *face == Face::Mpremote {
            // Never true here, but scripts look for it.
            ui.step("Package may be partially installed")?;
        }
        let installed = installed?;
        ui.step("Done")?;
        job.report(&installed)?;
    }
    Ok(())
}

/// One package on its way.
pub(super) struct Job<'a> {
    pub(super) source: &'a Source,
    pub(super) library: &'a Library,
    pub(super) options: &'a FetchOptions,
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
    /// Get all files. Where that fails, the lines say how far it came.
    pub(super) fn fetch(&self, cancel: &piton::deadline::Cancel) -> Result<Fetched, CommandError> {
        let mut lines = Vec::new();
        let mut looking = |event: MipEvent<'_>| match event {
            MipEvent::Looking { source, location } => lines.extend(self.header(source, location)),
            MipEvent::Fetched { done, of } => self.ui.fetched(done, of),
            _ => {}
        };
        let fetched = piton::mip::fetch(
            self.source,
            self.library,
            self.options,
            cancel,
            &mut looking,
        );
        self.ui.clear_progress();
        if fetched.is_err() {
            if lines.is_empty() {
                let location = self.source.location(&self.options.index, None);
                lines.extend(self.header(self.source, &location));
            }
            for line in lines {
                self.ui.step(&line)?;
            }
        }
        Ok(fetched?)
    }

    /// Put all files on the board.
    pub(super) fn install(
        &self,
        raw: &mut RawRepl<'_>,
        fetched: &Fetched,
    ) -> Result<Installation, CommandError> {
        let record_use = match self.face {
            Face::Piton => RecordUse::Keep,
            Face::Mpremote => RecordUse::IfPresent,
        };
        let mut shown = Ok(());
        let mut again = false;
        let installed = piton::mip::install(raw, self.library, fetched, record_use, &mut |event| {
            let line = match event {
                MipEvent::Package { visit, package } => {
                    again = visit.again;
                    match self.skips(again) {
                        true => None,
                        false => self.header(&visit.source, &package.location),
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
                event => {
                    let line = show_removal(self.ui, event);
                    shown = std::mem::replace(&mut shown, Ok(())).and(line);
                    None
                }
            };
            if let Some(line) = line {
                let line = self.ui.step(&line);
                shown = std::mem::replace(&mut shown, Ok(())).and(line);
            }
        });
        self.ui.clear_progress();
        let installed = installed?;
        shown.map(|()| installed)
    }

    /// mpremote goes through a package as often as it is needed.
    fn skips(&self, again: bool) -> bool {
        again && self.face == Face::Piton
    }

    /// What mpremote says before it looks for a package.
    fn header(&self, source: &Source, location: &Location) -> Option<String> {
        let target = self.library.target();
        Some(match source {
            Source::Index { name, version } => format!(
                "Installing {name} ({}) from {} to {target}",
                version.as_deref().unwrap_or("latest"),
                self.options.index,
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

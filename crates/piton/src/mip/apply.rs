//! A planned change of packages, carried out: each line is announced when it is due, each request is reported when all files
//! are in their places.

use std::iter::Peekable;

use piton_fs::remote::RemoteFs;
use piton_path::PortablePath;
use piton_project::mip::record::Record;
use piton_project::mip::resolve::{Package, Visit};

use super::change::{Change, FileEvent};
use super::install::Job;
use super::{Installation, MipError, MipEvent};

/// A change of packages that is to be carried out.
pub(super) struct Planned<'j> {
    pub(super) job: Job<'j>,
    pub(super) change: Change<'j>,
    /// What there is to announce.
    pub(super) lines: Vec<Line<'j>>,
    /// How many files each request brings.
    pub(super) written: Vec<usize>,
    /// What was on record before.
    pub(super) old: Record,
}

impl Planned<'_> {
    /// Carries the change out. `announced` is how many lines an earlier try has announced, and becomes how many are announced now.
    ///
    /// # Errors
    ///
    /// As for [`Change::carry_out`].
    pub(super) fn carry_out(
        self,
        remote: &mut RemoteFs<'_, '_>,
        announced: &mut usize,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<Vec<Installation>, MipError> {
        let Planned {
            job,
            change,
            lines,
            written,
            old,
        } = self;
        let mut announcer = Announcer {
            lines: lines.into_iter().peekable(),
            announced_before: std::mem::take(announced),
            announced,
            events,
        };
        change.carry_out(remote, &mut |event| match event {
            FileEvent::Moved { index, bytes, of } => {
                announcer.up_to(Until::File(index));
                (announcer.events)(MipEvent::Wrote { bytes, of });
            }
            FileEvent::Done { index } => announcer.up_to(Until::File(index)),
        })?;
        let mut installations = Vec::new();
        for (index, (fetched, written)) in job.fetched.iter().zip(written).enumerate() {
            announcer.up_to(Until::EndOfRequest);
            let goes_with = |path: &PortablePath| owner(&job, &old, path) == index;
            let removed = change.report(&goes_with, announcer.events);
            let packages = fetched.packages().iter().map(|package| {
                let name = package.source.name();
                let before = old.find(&name).and_then(|old| old.version.clone());
                (name, before, package.version.clone())
            });
            let installation = Installation {
                written,
                removed,
                packages: packages.collect(),
            };
            (announcer.events)(MipEvent::Installed {
                index: job.first + index,
                installation: &installation,
            });
            installations.push(installation);
        }
        Ok(installations)
    }
}

/// Returns which of the requests a file of an earlier version goes with.
fn owner(job: &Job<'_>, old: &Record, path: &PortablePath) -> usize {
    let mut packages = old.packages.iter();
    let package = packages.find(|package| package.files.iter().any(|(file, _)| file == path));
    let owner = package.and_then(|old| {
        job.fetched.iter().position(|fetched| {
            let mut packages = fetched.packages().iter();
            packages.any(|package| package.source.name() == old.name)
        })
    });
    owner.unwrap_or_default()
}

/// What is announced, in this order.
pub(super) enum Line<'f> {
    /// One of those that were asked for is next: its number.
    Request(usize),
    Package(&'f Visit, &'f Package),
    File {
        shown: String,
        hashed: bool,
        /// Its number among the files that are written, if the board lacks it.
        index: Option<usize>,
    },
    EndOfRequest,
}

/// How far lines are due.
#[derive(Clone, Copy)]
enum Until {
    /// To the file with this number among those that are written. What follows the end of a request waits until all
    /// files are in their places: nothing is called done before that.
    File(usize),
    /// To the end of the request, all files being in their places.
    EndOfRequest,
}

/// Sends each line when it is due.
struct Announcer<'t, 'f, L: Iterator<Item = Line<'f>>> {
    lines: Peekable<L>,
    /// How many lines an earlier try announced.
    announced_before: usize,
    /// How many are announced now, those included.
    announced: &'t mut usize,
    events: &'t mut dyn FnMut(MipEvent<'_>),
}

impl<'f, L: Iterator<Item = Line<'f>>> Announcer<'_, 'f, L> {
    fn up_to(&mut self, until: Until) {
        let is_due = |line: &Line<'_>| match (line, until) {
            (Line::EndOfRequest, _) => false,
            (
                Line::File {
                    index: Some(own), ..
                },
                Until::File(index),
            ) => *own <= index,
            _ => true,
        };
        while let Some(line) = self.lines.next_if(is_due) {
            *self.announced += 1;
            if *self.announced <= self.announced_before {
                continue;
            }
            (self.events)(match &line {
                Line::Request(index) => MipEvent::Request { index: *index },
                Line::Package(visit, package) => MipEvent::Package { visit, package },
                Line::File {
                    shown,
                    hashed,
                    index,
                } => MipEvent::File {
                    path: shown,
                    same: index.is_none(),
                    hashed: *hashed,
                },
                Line::EndOfRequest => continue,
            });
        }
        if matches!(until, Until::EndOfRequest) {
            let _ = self
                .lines
                .next_if(|line| matches!(line, Line::EndOfRequest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mip::RecordUse;
    use crate::mip::tests::{fetched, file, installed, library, path};

    fn line(text: &str) -> Line<'static> {
        let line_of = |name: &str, index| Line::File {
            shown: name.to_owned(),
            hashed: file(name).hash.is_some(),
            index,
        };
        match text.split_once(' ') {
            None if text == "end" => Line::EndOfRequest,
            None => line_of(text, None),
            Some(("request", number)) => Line::Request(number.parse().unwrap()),
            Some((name, number)) => line_of(name, Some(number.parse().unwrap())),
        }
    }

    /// Announces lines step by step. `before` of them were announced by an earlier try.
    fn announced(lines: &[&str], before: usize, steps: &[Until]) -> Vec<String> {
        let said = std::cell::RefCell::new(String::new());
        let mut events = |event: MipEvent<'_>| {
            let text = match event {
                MipEvent::Request { index } => format!("request {index} "),
                MipEvent::File {
                    path, same: true, ..
                } => format!("={path} "),
                MipEvent::File { path, .. } => format!("+{path} "),
                other => format!("{other:?} "),
            };
            said.borrow_mut().push_str(&text);
        };
        let mut count = 0;
        let mut announcer = Announcer {
            lines: lines.iter().map(|text| line(text)).peekable(),
            announced_before: before,
            announced: &mut count,
            events: &mut events,
        };
        let mut parts = Vec::new();
        for step in steps {
            announcer.up_to(*step);
            parts.push(said.borrow_mut().split_off(0).trim_end().to_owned());
        }
        parts
    }

    const LINES: [&str; 9] = [
        "request 0",
        "a",
        "b 0",
        "c 1",
        "end",
        "request 1",
        "d",
        "e 2",
        "end",
    ];

    #[test]
    fn a_file_is_announced_when_its_content_moves() {
        let steps = [Until::File(0), Until::File(1), Until::File(2)];
        assert_eq!(
            announced(&LINES, 0, &steps),
            // The second request waits until the first one is in its place.
            ["request 0 =a +b", "+c", ""]
        );
    }

    #[test]
    fn the_next_request_begins_when_all_files_are_in_their_places() {
        let steps = [Until::File(2), Until::EndOfRequest, Until::EndOfRequest];
        assert_eq!(
            announced(&LINES, 0, &steps),
            ["request 0 =a +b +c", "", "request 1 =d +e"]
        );
        // A request whose files the board has already.
        let lines = ["request 0", "a", "end"];
        assert_eq!(
            announced(&lines, 0, &[Until::EndOfRequest]),
            ["request 0 =a"]
        );
    }

    #[test]
    fn a_second_try_announces_only_what_the_first_did_not() {
        let steps = [Until::File(1), Until::EndOfRequest, Until::EndOfRequest];
        assert_eq!(announced(&LINES, 3, &steps), ["+c", "", "request 1 =d +e"]);
        assert_eq!(announced(&LINES, 4, &steps), ["", "", "request 1 =d +e"]);
        assert_eq!(announced(&LINES, 99, &steps), ["", "", ""]);
    }

    #[test]
    fn a_removed_file_is_reported_with_the_request_that_replaced_its_package() {
        let packages = [fetched(&[("a", &[])]), fetched(&[("b", &[]), ("c", &[])])];
        let library = library();
        let job = Job {
            library: &library,
            all: &packages,
            fetched: &packages,
            first: 0,
            record_use: RecordUse::Keep,
        };
        let old = Record {
            packages: vec![
                installed("a", &["a.py=1"], None),
                installed("c", &["c.py=1"], None),
                installed("d", &["d.py=1"], None),
            ],
            projects: Vec::new(),
        };
        for (name, request) in [("a.py", 0), ("c.py", 1), ("d.py", 0), ("none.py", 0)] {
            assert_eq!(owner(&job, &old, &path(name)), request, "{name}");
        }
    }
}

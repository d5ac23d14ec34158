//! Listing trees of the board in one exchange, with sizes, and with hashes of files whose size is unchanged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use data_encoding::BASE64;
use piton_board::deadline::Deadline;
use piton_board::literal::{from_literal, py_str};
use piton_path::BoardPath;
use tracing::debug;

use crate::device;
use crate::error::Error;
use crate::hash::HashAlgorithm;
use crate::listing::Kind;
use crate::read::Hex;
use crate::remote::{self, RemoteFs, quoted};
use crate::swap;
use crate::write::{MOVED_SUFFIX, TEMPORARY_SUFFIX};

/// Bytes of names in one exchange of [`RemoteFs::look`], approximately.
const LOOK_LENGTH: usize = 4096;

/// A file whose hash is requested if it has this size on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The path: a root of the survey, or a root joined with the path below it.
    pub path: BoardPath,
    /// Size in bytes.
    pub size: u64,
}

/// The result of [`RemoteFs::survey`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The roots that exist and all that is below them, each folder followed by its contents, names in order.
    pub entries: Vec<SurveyEntry>,
    /// Files with [`TEMPORARY_SUFFIX`], left over from interrupted transfers. They are not among the entries.
    pub leftovers: Vec<BoardPath>,
    /// Folders with interrupted changes, which [`RemoteFs::settle_swap`] settles.
    pub unfinished: BTreeSet<BoardPath>,
    /// The space on the file system of the first root, if the board can report it.
    pub space: Option<Space>,
}

/// A file or folder of a [`Survey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyEntry {
    /// The root, or the root joined with the path below it.
    pub path: BoardPath,
    /// File or folder.
    pub kind: Kind,
    /// Size of a file in bytes; 0 for folders.
    pub size: u64,
    /// Whether another file system is mounted here. Its contents are not listed.
    pub is_mount: bool,
    /// Digest of a candidate of the right size, if the file could be read.
    pub digest: Option<ShortDigest>,
}

/// When [`RemoteFs::look`] requests the digest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashing {
    /// Never.
    Never,
    /// If the file has so many bytes.
    IfSize(u64),
    /// Always.
    Always,
}

/// Free space of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes of a block. A file takes whole blocks.
    pub block: u64,
    /// Free bytes.
    pub free: u64,
}

/// The first 12 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortDigest([u8; 12]);

impl ShortDigest {
    /// Returns whether it belongs to content with this SHA-256.
    pub fn matches(&self, sha256: &[u8]) -> bool {
        sha256.starts_with(&self.0)
    }

    /// Returns whether it belongs to content with this SHA-256, in lower-case hexadecimal.
    pub fn matches_text(&self, sha256: &str) -> bool {
        sha256.starts_with(&self.to_string())
    }

    /// Returns whether it can belong to content whose SHA-256 begins with these digits of lower-case hexadecimal.
    pub fn agrees_with(&self, digits: &str) -> bool {
        let own = self.to_string();
        own.starts_with(digits) || digits.starts_with(&own)
    }
}

/// Writes 24 digits of lower-case hexadecimal.
impl fmt::Display for ShortDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

/// Maximum number of attempts to get an undamaged answer.
const SURVEY_TRIES: u32 = 4;

impl RemoteFs<'_, '_> {
    /// Lists files and folders below several roots, with the hashes of candidates whose size is right. A root can be a
    /// file, and one that does not exist is left out.
    ///
    /// One exchange; on boards that inflate programs it usually takes two turns. Boards without SHA-256 need one more
    /// exchange for each candidate of the right size, whose content is sent to the host.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] when the answer is garbled, [`Error::Board`].
    pub fn survey(
        &mut self,
        roots: &[BoardPath],
        candidates: &[Candidate],
        deadline: Deadline,
    ) -> Result<Survey, Error> {
        self.survey_in_full(roots, candidates, false, deadline)
    }

    /// As [`RemoteFs::survey`], and asks for the free space too. A littlefs reads all of its folders to find it out: 18 ms on an
    /// RP2040.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::survey`].
    pub fn survey_with_space(
        &mut self,
        roots: &[BoardPath],
        candidates: &[Candidate],
        deadline: Deadline,
    ) -> Result<Survey, Error> {
        self.survey_in_full(roots, candidates, true, deadline)
    }

    fn survey_in_full(
        &mut self,
        roots: &[BoardPath],
        candidates: &[Candidate],
        measures_space: bool,
        deadline: Deadline,
    ) -> Result<Survey, Error> {
        let mut tries = SURVEY_TRIES;
        let mut survey = loop {
            tries -= 1;
            match self.survey_by_board(roots, candidates, measures_space, deadline) {
                // The answer was damaged on its way.
                Err(Error::Answer { .. }) if tries > 0 => {}
                survey => break survey?,
            }
        };
        let sizes: HashMap<&BoardPath, u64> = candidates
            .iter()
            .map(|candidate| (&candidate.path, candidate.size))
            .collect();
        for entry in &mut survey.entries {
            let is_wanted = entry.kind == Kind::File && sizes.get(&entry.path) == Some(&entry.size);
            if !is_wanted || entry.digest.is_some() {
                continue;
            }
            debug!(path = %entry.path, "the board has no SHA-256, the host reads the content");
            entry.digest = match self.hash(&entry.path, HashAlgorithm::Sha256, deadline) {
                Ok(digest) => digest.first_chunk().copied().map(ShortDigest),
                // A file that cannot be read counts as changed. Replacing it will show the error.
                Err(error) if error.os_error_number().is_some() => None,
                Err(error) => return Err(error),
            };
        }
        Ok(survey)
    }

    /// Does the work of [`RemoteFs::survey`], with the digests that the board can calculate.
    fn survey_by_board(
        &mut self,
        roots: &[BoardPath],
        candidates: &[Candidate],
        measures_space: bool,
        deadline: Deadline,
    ) -> Result<Survey, Error> {
        // The board keeps the names in memory, and a long list fails with `MemoryError`. So with many files the board
        // first lists the existing files, and then calculates the digests of those with the right size, in parts.
        let names: usize = candidates.iter().map(|one| one.path.as_str().len()).sum();
        if names > LOOK_LENGTH {
            debug!(
                files = candidates.len(),
                "the names may not fit the board's memory at once, files are looked up in parts"
            );
            return self.survey_in_parts(roots, candidates, measures_space, deadline);
        }
        let base = common_start(candidates);
        let wanted = candidates.iter().map(|Candidate { path, size }| {
            let rest = path.as_str().get(base.len()..).unwrap_or_default();
            format!("({},{size})", py_str(rest))
        });
        let wanted: Vec<String> = wanted.collect();
        let kind = match measures_space {
            true => "False,True",
            false => "False",
        };
        let answer = self.ask_survey(roots, base, &wanted, kind, deadline)?;
        let wanted = |number: usize| {
            let Candidate { path, size } = candidates.get(number)?;
            Some((path.clone(), Some(*size)))
        };
        let mut survey = read(&answer, roots, wanted).ok_or_else(|| Error::Answer {
            path: roots.first().cloned().unwrap_or_default(),
            received: answer,
        })?;
        for entry in std::mem::take(&mut survey.entries) {
            let SurveyEntry { path, kind, .. } = &entry;
            let suffixes = [TEMPORARY_SUFFIX, MOVED_SUFFIX];
            let is_leftover = suffixes
                .iter()
                .any(|suffix| path.as_str().ends_with(suffix));
            if *kind == Kind::File && is_leftover {
                survey.leftovers.push(entry.path);
                continue;
            }
            if *kind == Kind::File && path.file_name().is_some_and(swap::is_journal) {
                survey.unfinished.extend(path.parent());
            }
            survey.entries.push(entry);
        }
        Ok(survey)
    }

    /// Does the work of [`RemoteFs::survey_by_board`] in several exchanges.
    fn survey_in_parts(
        &mut self,
        roots: &[BoardPath],
        candidates: &[Candidate],
        measures_space: bool,
        deadline: Deadline,
    ) -> Result<Survey, Error> {
        let mut survey = self.survey_by_board(roots, &[], measures_space, deadline)?;
        let sizes: HashMap<&BoardPath, u64> = candidates
            .iter()
            .map(|candidate| (&candidate.path, candidate.size))
            .collect();
        let same_size = survey.entries.iter().filter(|entry| {
            entry.kind == Kind::File && sizes.get(&entry.path) == Some(&entry.size)
        });
        let wanted: Vec<(BoardPath, Hashing)> = same_size
            .map(|entry| (entry.path.clone(), Hashing::IfSize(entry.size)))
            .collect();
        let mut with_digests = self.look(&wanted, deadline)?;
        for entry in &mut survey.entries {
            if let Some(with_digest) = with_digests.remove(&entry.path) {
                entry.digest = with_digest.digest;
            }
        }
        Ok(survey)
    }

    /// Returns the entries of these paths, with the digests of files. Paths that do not exist are left out, and
    /// folders are not descended into. One exchange for each four kilobytes of names, because the board keeps them in
    /// memory.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::survey`].
    pub fn look(
        &mut self,
        wanted: &[(BoardPath, Hashing)],
        deadline: Deadline,
    ) -> Result<BTreeMap<BoardPath, SurveyEntry>, Error> {
        let wanted: BTreeMap<&BoardPath, Hashing> = wanted
            .iter()
            .map(|(path, hashing)| (path, *hashing))
            .collect();
        let mut by_path = BTreeMap::new();
        let mut part = Vec::new();
        let mut length = 0;
        let mut wanted = wanted.into_iter().peekable();
        while let Some((path, hashing)) = wanted.next() {
            length += path.as_str().len();
            part.push((path.clone(), hashing));
            if length >= LOOK_LENGTH || wanted.peek().is_none() {
                let entries = self.look_at(&part, deadline)?.into_iter();
                by_path.extend(entries.map(|entry| (entry.path.clone(), entry)));
                part.clear();
                length = 0;
            }
        }
        Ok(by_path)
    }

    fn look_at(
        &mut self,
        wanted: &[(BoardPath, Hashing)],
        deadline: Deadline,
    ) -> Result<Vec<SurveyEntry>, Error> {
        let roots: Vec<BoardPath> = wanted.iter().map(|(path, _)| path.clone()).collect();
        let sizes = wanted.iter().map(|(_, hashing)| match hashing {
            Hashing::Never => "-1".to_owned(),
            Hashing::IfSize(size) => size.to_string(),
            Hashing::Always => "None".to_owned(),
        });
        let sizes: Vec<String> = sizes.collect();
        let answer = self.ask_survey(&roots, "", &sizes, "True", deadline)?;
        let wanted = |number: usize| Some((roots.get(number)?.clone(), None));
        let survey = read(&answer, &roots, wanted).ok_or_else(|| Error::Answer {
            path: roots.first().cloned().unwrap_or_default(),
            received: answer,
        })?;
        Ok(survey.entries)
    }

    fn ask_survey(
        &mut self,
        roots: &[BoardPath],
        base: &str,
        wanted: &[String],
        kind: &str,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let names: Vec<String> = roots.iter().map(quoted).collect();
        let roots_list = format!("[{}]", names.join(","));
        let wanted = format!("[{}]", wanted.join(","));
        let arguments = [&*roots_list, &*py_str(base), &*wanted, kind];
        let path = roots.first().cloned().unwrap_or_default();
        let mut tries = remote::TRIES;
        loop {
            tries -= 1;
            match self.run_program(device::SURVEY, &arguments, deadline) {
                Err(error) if tries > 0 && self.may_repeat(&error) => {}
                answer => return answer.map_err(|error| Error::new(&path, error)),
            }
        }
    }
}

/// Reads the output of device/survey.py; `None` if it is invalid. `wanted` has path and size of each file with a
/// digest; the size is `None` for the root that precedes it.
fn read(
    answer: &[u8],
    roots: &[BoardPath],
    wanted: impl Fn(usize) -> Option<(BoardPath, Option<u64>)>,
) -> Option<Survey> {
    let mut survey = Survey::default();
    let mut folder: Option<BoardPath> = None;
    let mut root = BoardPath::default();
    let mut root_size = None;
    let mut lines = answer
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty())
        .peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_none() {
            let (block, blocks): (Option<u64>, Option<u64>) = from_literal(line).ok()?;
            survey.space = block.zip(blocks).map(|(block, blocks)| Space {
                block,
                free: block.saturating_mul(blocks),
            });
            survey
                .entries
                .sort_by(|left, right| names(&left.path).cmp(names(&right.path)));
            return Some(survey);
        }
        let entry = match line.first()? {
            b'\'' | b'"' => {
                folder = Some(from_literal::<String>(line).ok()?.parse().ok()?);
                continue;
            }
            b'(' => match from_literal::<(String, u32, Option<u64>)>(line) {
                Ok((name, mode, size)) => {
                    let name: BoardPath = name.parse().ok()?;
                    let path = match &folder {
                        Some(folder) => folder.join(&name),
                        None => root.clone(),
                    };
                    entry(path, Kind::from_mode(mode), size)
                }
                Err(_) => {
                    let (index, mode, size): (usize, u32, Option<u64>) = from_literal(line).ok()?;
                    folder = None;
                    root_size = size;
                    root = roots.get(index)?.clone();
                    if Kind::from_mode(mode) == Kind::File {
                        // The line of the digest follows.
                        continue;
                    }
                    entry(root.clone(), Kind::Directory, Some(0))
                }
            },
            _ => {
                let at = line.iter().position(|byte| *byte == b' ')?;
                let (number, digest) = line.split_at(at);
                let number: usize = std::str::from_utf8(number).ok()?.parse().ok()?;
                let (path, size) = wanted(number)?;
                let digest = BASE64.decode(digest.trim_ascii_start()).ok()?;
                let mut file = entry(path, Kind::File, size.or(root_size));
                file.digest = Some(ShortDigest(digest.try_into().ok()?));
                file
            }
        };
        survey.entries.push(entry);
    }
    None
}

fn entry(path: BoardPath, kind: Kind, size: Option<u64>) -> SurveyEntry {
    SurveyEntry {
        path,
        kind,
        size: size.unwrap_or(0),
        is_mount: kind == Kind::Directory && size.is_none(),
        digest: None,
    }
}

/// Returns the longest common beginning of all paths.
fn common_start(candidates: &[Candidate]) -> &str {
    let mut paths = candidates.iter().map(|candidate| candidate.path.as_str());
    let first = paths.next().unwrap_or_default();
    paths.fold(first, |start, path| {
        let same = start
            .char_indices()
            .zip(path.chars())
            .take_while(|((_, left), right)| left == right);
        let end = same
            .last()
            .map_or(0, |((at, letter), _)| at + letter.len_utf8());
        start.get(..end).unwrap_or_default()
    })
}

/// Returns the names of a path.
fn names(path: &BoardPath) -> impl Iterator<Item = &str> {
    path.as_str().split('/')
}

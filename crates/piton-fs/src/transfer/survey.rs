//! What is on the board, with sizes, and hashes where sizes say that nothing changed: one exchange.

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::{from_literal, py_str};

use super::agent;
use crate::base64;
use crate::device;
use crate::error::Error;
use crate::listing::Kind;
use crate::path::BoardPath;
use crate::remote::RemoteFs;
use crate::write::TEMPORARY_SUFFIX;

/// A file whose hash is of interest, if it has this size on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The path: a root of the survey, or a root joined with the path below it.
    pub path: BoardPath,
    /// Size in bytes.
    pub size: u64,
}

/// What is below some roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The roots that exist and all that is below them, each folder followed by what is in it, names in order.
    pub entries: Vec<SurveyEntry>,
    /// Files with [`TEMPORARY_SUFFIX`]: what broken transfers have left. They are not among the entries.
    pub leftovers: Vec<BoardPath>,
    /// The room on the file system of the first root, where the board can tell.
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
    /// Another file system is mounted here. What is on it was not looked at.
    pub is_mount: bool,
    /// Digest of a candidate of the right size, on boards with SHA-256.
    pub digest: Option<ShortDigest>,
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes in a block: a file takes whole blocks.
    pub block: u64,
    /// Free bytes.
    pub free: u64,
}

/// The first 15 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortDigest([u8; 15]);

impl ShortDigest {
    /// Whether it belongs to content with this SHA-256.
    pub fn matches(&self, sha256: &[u8]) -> bool {
        sha256.starts_with(&self.0)
    }
}

impl RemoteFs<'_, '_> {
    /// List files and folders below several roots, with the hashes of candidates whose size is right. A root can be a
    /// file, and one that does not exist is left out.
    ///
    /// One exchange; on boards that inflate programs it takes two turns as a rule.
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
        let path = roots.first().cloned().unwrap_or_default();
        let answer = self
            .ask_survey(roots, candidates, deadline)
            .map_err(|error| Error::new(&path, error))?;
        read(&answer, roots, candidates).ok_or(Error::Answer {
            path,
            received: answer,
        })
    }

    fn ask_survey(
        &mut self,
        roots: &[BoardPath],
        candidates: &[Candidate],
        deadline: Deadline,
    ) -> Result<Vec<u8>, BoardError> {
        let mut root_list = String::from("[");
        for root in roots {
            root_list.push_str(&py_str(root.as_str()));
            root_list.push(',');
        }
        root_list.push(']');
        let mut wanted = String::from("[");
        for Candidate { path, size } in candidates {
            wanted.push_str(&format!("({},{size}),", py_str(path.as_str())));
        }
        wanted.push(']');
        let arguments = [&*root_list, &*wanted];
        match agent::run(self.raw(), device::SURVEY, &arguments, deadline) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => self.run(&device::SURVEY.call(&arguments), deadline),
            Err(error) => Err(self.stop(error)),
        }
    }
}

/// Read what device/survey.py prints; `None` if it makes no sense.
fn read(answer: &[u8], roots: &[BoardPath], candidates: &[Candidate]) -> Option<Survey> {
    let mut survey = Survey::default();
    let mut folder: Option<BoardPath> = None;
    let mut root = BoardPath::default();
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
                    let (index, mode, _): (usize, u32, Option<u64>) = from_literal(line).ok()?;
                    folder = None;
                    root = roots.get(index)?.clone();
                    if Kind::from_mode(mode) == Kind::File {
                        // Its own line follows.
                        continue;
                    }
                    entry(root.clone(), Kind::Directory, Some(0))
                }
            },
            _ => {
                let at = line.iter().position(|byte| *byte == b' ')?;
                let (number, digest) = line.split_at(at);
                let number: usize = std::str::from_utf8(number).ok()?.parse().ok()?;
                let candidate = candidates.get(number)?;
                let digest = base64::decode(digest.trim_ascii_start())?;
                let mut found = entry(candidate.path.clone(), Kind::File, Some(candidate.size));
                found.digest = Some(ShortDigest(digest.try_into().ok()?));
                found
            }
        };
        if entry.kind == Kind::File && entry.path.as_str().ends_with(TEMPORARY_SUFFIX) {
            survey.leftovers.push(entry.path);
        } else {
            survey.entries.push(entry);
        }
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

/// The names of a path.
fn names(path: &BoardPath) -> impl Iterator<Item = &str> {
    path.as_str().split('/')
}

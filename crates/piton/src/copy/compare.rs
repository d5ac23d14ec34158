//! What the board has already of what is to be copied to it.

use std::collections::{HashMap, HashSet};

use piton_fs::listing::Kind;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Candidate, SurveyEntry};
use piton_path::BoardPath;

use super::{Error, content};

/// Asks the board about files and folders that are to be there, if the size of any file is known.
pub(super) fn survey<'s>(
    remote: &mut RemoteFs<'_, '_>,
    wanted: impl Iterator<Item = (&'s BoardPath, Option<u64>)>,
) -> Result<HashMap<BoardPath, SurveyEntry>, Error> {
    let mut roots: Vec<BoardPath> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    let mut candidates = Vec::new();
    for (path, size) in wanted {
        let text = path.as_str();
        let mut above = text.match_indices('/').filter_map(|(at, _)| text.get(..at));
        // What is below a root is in the answer anyway.
        if !above.any(|folder| known.contains(folder)) && known.insert(text) {
            roots.push(path.clone());
        }
        candidates.extend(size.map(|size| Candidate {
            path: path.clone(),
            size,
        }));
    }
    if candidates.is_empty() {
        return Ok(HashMap::new());
    }
    let survey = remote
        .survey(&roots, &candidates, content())
        .map_err(Error::ReadBoard)?;
    let entries = survey.entries.into_iter();
    Ok(entries.map(|entry| (entry.path.clone(), entry)).collect())
}

/// Returns whether the board has this folder.
pub(super) fn has_folder(entries: &HashMap<BoardPath, SurveyEntry>, path: &BoardPath) -> bool {
    let entry = entries.get(path);
    entry.is_some_and(|entry| entry.kind == Kind::Directory)
}

/// Returns whether a file of the board has this content. The hash is only made where the sizes are equal.
pub(super) fn has_content(
    entry: &SurveyEntry,
    size: u64,
    sha256: impl FnOnce() -> Result<Vec<u8>, Error>,
) -> Result<bool, Error> {
    match entry.digest {
        Some(digest) if entry.kind == Kind::File && entry.size == size => {
            Ok(digest.matches(&sha256()?))
        }
        _ => Ok(false),
    }
}

//! Checking whether the files of a transfer fit on the board.

use std::collections::BTreeSet;

use piton_board::literal::py_str;

use super::Step;

/// Maximum length of the list of folders that is sent to the board, in bytes.
const LONGEST_LIST: usize = 1024;

/// A step whose file does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom {
    pub(crate) step: usize,
    /// Bytes that the steps up to this one need together.
    pub(crate) needed: u64,
    /// Free bytes.
    pub(crate) free: u64,
}

/// Returns the first file that does not fit into `free` bytes, in blocks of `block` bytes. Returns `None` if all fit,
/// and as soon as the free space is unknown: after a file that replaces one of unknown size, and after a removal.
pub(crate) fn check_room(steps: &[Step<'_>], block: u64, free: u64) -> Option<NoRoom> {
    let room = |size: u64| {
        size.checked_next_multiple_of(block.max(1))
            .unwrap_or(u64::MAX)
    };
    let mut left = free;
    let mut taken = 0_u64;
    for (step, file) in steps.iter().enumerate() {
        let file = match file {
            Step::Write(file) => file,
            Step::MakeDir(_) => continue,
            // The size of the removed file is unknown, and so is the free space from here on.
            Step::Remove(_) | Step::RemoveDir(_) => return None,
        };
        let needed = room(file.size);
        if needed > left {
            let needed = taken.saturating_add(file.size);
            return Some(NoRoom { step, needed, free });
        }
        // The old file is removed only after the new one is complete, so both take space at the same time.
        let given_back = room(file.replaces?);
        left = left.saturating_sub(needed).saturating_add(given_back);
        taken = taken.saturating_add(needed).saturating_sub(given_back);
    }
    None
}

/// Returns the first folder of each path, as a Python tuple: another file system may be mounted there. The tuple is
/// empty if it would be too long to send.
pub(crate) fn folders(steps: &[Step<'_>]) -> String {
    let mut folders = BTreeSet::new();
    for step in steps {
        let Step::Write(file) = step else { continue };
        let path = file.path.as_str();
        let from = usize::from(path.starts_with('/'));
        let name_end = path.get(from..).and_then(|names| names.find('/'));
        let folder = path.get(..name_end.map_or(from, |end| from + end));
        folders.insert(py_str(folder.unwrap_or_default()));
    }
    let list: Vec<String> = folders.into_iter().map(|folder| folder + ",").collect();
    let list = list.concat();
    // With an empty tuple the space is not checked beforehand. A write then fails when the board is full.
    match list.len() <= LONGEST_LIST {
        true => format!("({list})"),
        false => "()".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Outgoing;

    /// Checks the first step that does not fit, and what it needs. Each step is `size-replaced`, with `?` for an unknown
    /// size.
    fn check(steps: &[&str], free: u64, expected: Option<(usize, u64)>) {
        let step = |text: &&str| match text.split_once('-') {
            None => Step::Remove(text.parse().unwrap()),
            Some((size, replaces)) => Step::Write(Outgoing {
                path: "f".parse().unwrap(),
                size: size.parse().unwrap(),
                replaces: replaces.parse().ok(),
                in_place: false,
                open: Box::new(|| Ok(Box::new(std::io::empty()))),
            }),
        };
        let steps: Vec<Step<'_>> = steps.iter().map(step).collect();
        let no_room = check_room(&steps, 512, free);
        assert_eq!(
            no_room.map(|no_room| (no_room.step, no_room.needed)),
            expected
        );
    }

    #[test]
    fn a_file_that_does_not_fit_is_found_before_it_is_sent() {
        check(&["512-0", "512-0"], 1024, None);
        check(&["512-0", "513-0"], 1024, Some((1, 1025)));
        check(&["1-0", "1-0", "1-0"], 1024, Some((2, 1025)));
        // The old file exists until the new one is complete.
        check(&["1024-1024"], 1023, Some((0, 1024)));
        check(&["1024-1024", "1024-1024"], 1024, None);
        check(&["1-?", "9999-0"], 512, None);
        check(&["512-0", "f", "9999-0"], 512, None);
        check(&["513-?"], 512, Some((0, 513)));
    }

    #[test]
    fn each_folder_that_may_be_a_file_system_is_listed_once() {
        let paths = ["/lib/a/b", "/lib/c", "/main.py", "rel/x", "y"];
        let steps: Vec<Step<'_>> = paths
            .map(|path| Step::Write(Outgoing::from_bytes(path.parse().unwrap(), b"")))
            .into();
        assert_eq!(folders(&steps), "('','/','/lib','rel',)");
    }
}

//! Several files at once into their places: all, or none.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::literal::{from_literal, py_str};

use crate::device;
use crate::error::Error;
use crate::path::BoardPath;
use crate::remote::RemoteFs;

/// How much text of a list the board gets at a time: it holds the text and the list in memory.
const PART: usize = 1024;

/// How long the board may take to put everything back.
const UNDO_TIME: Duration = Duration::from_secs(30);

impl RemoteFs<'_, '_> {
    /// Rename each file onto the name beside it in `pairs`, replacing what is there: all of them, or, when one of them
    /// cannot be renamed or the board is stopped, none. Old files wait in the same folders, under names with
    /// `.piton-old` behind, until all is done.
    ///
    /// A power cut, or a line that breaks in the middle, can leave some files replaced; the old ones then are still
    /// there under those names. Takes two exchanges, and one more for each kilobyte of names.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::IsADirectory`], [`Error::ReadOnly`], [`Error::Unsupported`] (a board that cannot
    /// rename) and what else the board says, with the name that could not be replaced.
    pub fn swap(
        &mut self,
        pairs: &[(BoardPath, BoardPath)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        if pairs.is_empty() {
            return Ok(());
        }
        let mut source = device::SWAP.source().to_owned();
        let mut first = None;
        for (new, place) in pairs {
            if first.is_none() {
                first = Some(place);
                source.push_str("_piton([");
            }
            source.push_str(&format!(
                "({},{}),",
                py_str(new.as_str()),
                py_str(place.as_str())
            ));
            if source.len() > PART {
                self.swap_part(&mut source, first.take(), deadline)?;
            }
        }
        if first.is_some() {
            self.swap_part(&mut source, first, deadline)?;
        }
        self.run(b"_piton(None)\ndel _piton\n", deadline)
            .map_err(|error| Error::new(&place_of(pairs.last()), error))?;
        Ok(())
    }

    /// Send the part of the list that `source` ends with, and begin a new one.
    fn swap_part(
        &mut self,
        source: &mut String,
        first: Option<&BoardPath>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        source.push_str("])\n");
        let mut printed = Vec::new();
        let sent = self.exec(
            source.as_bytes(),
            &mut |bytes| printed.extend_from_slice(bytes),
            deadline,
        );
        source.clear();
        let Err(error) = sent else { return Ok(()) };
        // Where it fails the line is gone, and nothing can be said.
        let _ = self.run(
            b"try:\n _piton(0)\nfinally:\n del _piton\n",
            Deadline::after(UNDO_TIME),
        );
        let place = from_literal::<String>(&printed).ok();
        let place = place.and_then(|place| place.parse().ok());
        let place = place.or_else(|| first.cloned()).unwrap_or_default();
        Err(Error::new(&place, error))
    }
}

fn place_of(pair: Option<&(BoardPath, BoardPath)>) -> BoardPath {
    pair.map(|(_, place)| place.clone()).unwrap_or_default()
}

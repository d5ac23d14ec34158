//! The packages of a connected board.

use piton_board::repl::RawRepl;

use super::{Library, MipError};
use crate::error::Error;
use crate::session::Session;

/// The packages of a board: the folder that they are in, and the way to the board.
///
/// [`Packages::list`] and [`Packages::uninstall`] work with the record that [`Packages::install`] leaves in the folder.
pub struct Packages<'b> {
    pub(super) repl: RawRepl<'b>,
    pub(super) library: Library,
}

impl<'b> Packages<'b> {
    /// Asks the board for its library: see [`Library::find`].
    ///
    /// # Errors
    ///
    /// As for [`Library::find`].
    pub fn open(mut repl: RawRepl<'b>, target: Option<&str>) -> Result<Packages<'b>, MipError> {
        let library = Library::find(&mut repl, target)?;
        Ok(Packages { repl, library })
    }

    /// Returns the folder that they are in, and what the board loads from there.
    pub fn library(&self) -> &Library {
        &self.library
    }
}

impl Session {
    /// Returns the packages of the board, in the folder `target` or its own: see [`Library::find`].
    ///
    /// # Errors
    ///
    /// As for [`Session::raw_repl`] and [`Library::find`].
    pub fn packages(&mut self, target: Option<&str>) -> Result<Packages<'_>, Error> {
        Ok(Packages::open(self.raw_repl()?, target)?)
    }
}

//! Prints from inside the closure that receives the events of an operation.

use std::ops::ControlFlow;

use crate::error::CommandError;

/// Keeps the first error of the output, and stops the operation with it, because later output would be lost too.
#[derive(Default)]
pub(crate) struct OutputSink {
    error: Option<CommandError>,
}

impl OutputSink {
    /// Returns the closure's answer to the operation after it has written something.
    pub(crate) fn flow(&mut self, written: Result<(), CommandError>) -> ControlFlow<()> {
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Takes the error of the output.
    ///
    /// # Errors
    ///
    /// That error, if there is one.
    pub(crate) fn check(&mut self) -> Result<(), CommandError> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// Returns the result of the operation, or the error of the output that stopped it.
    ///
    /// # Errors
    ///
    /// The error of the output, else that of the operation.
    pub(crate) fn finish<T, E: Into<CommandError>>(
        self,
        result: Result<T, E>,
    ) -> Result<T, CommandError> {
        match self.error {
            Some(error) => Err(error),
            None => result.map_err(Into::into),
        }
    }
}

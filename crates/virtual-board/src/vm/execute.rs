//! Running Python source of the host in the firmware.

use wasmi::{AsContext, AsContextMut};

use super::call::call;
use super::guest::Guest;
use super::stop::{Stop, stop};
use crate::host::{Exports, Host};

/// An uncaught exception.
pub(crate) struct Raised {
    pub(crate) type_name: String,
    /// The traceback as the firmware prints it.
    pub(crate) traceback: Vec<u8>,
}

/// The kind of result that means an exception (`ports/webassembly/proxy_c.c`).
const KIND_EXCEPTION: u32 = u32::MAX;
const RESULT_WORDS: usize = 3;

/// Runs Python source in `__main__`. Returns `None` if it ended without an exception.
pub(crate) fn execute(
    mut ctx: impl AsContextMut<Data = Host>,
    source: &str,
) -> Result<Option<Raised>, wasmi::Error> {
    let exports = exports(&ctx)?;
    let source_len = i32::try_from(source.len()).map_err(|_| stop(Stop::Abort))?;
    let result_at = (source.len() + 1).next_multiple_of(4);
    let size = i32::try_from(result_at + 4 * RESULT_WORDS).map_err(|_| stop(Stop::Abort))?;
    let block = call(&exports.malloc, &mut ctx, size)?.cast_unsigned();
    if block == 0 {
        return Err(stop(Stop::Abort));
    }
    let result_at = block + u32::try_from(result_at).unwrap_or(0);
    let mut guest = Guest::new(exports.memory.data_mut(ctx.as_context_mut()));
    guest.write(block, source.as_bytes())?;
    let arguments = (block.cast_signed(), source_len, result_at.cast_signed());
    call(&exports.execute, &mut ctx, arguments)?;
    let guest = Guest::new(exports.memory.data_mut(ctx.as_context_mut()));
    let kind = guest.u32(result_at)?;
    let mut raised = None;
    if kind == KIND_EXCEPTION {
        let (len, text_at) = (guest.u32(result_at + 4)?, guest.u32(result_at + 8)?);
        raised = Some(parse(guest.bytes(text_at, len)?));
        call(&exports.free, &mut ctx, text_at.cast_signed())?;
    }
    call(&exports.free, &mut ctx, block.cast_signed())?;
    Ok(raised)
}

/// Lets the firmware raise `KeyboardInterrupt` as soon as it can.
pub(crate) fn raise_keyboard_interrupt(
    mut ctx: impl AsContextMut<Data = Host>,
) -> Result<(), wasmi::Error> {
    let exports = exports(&ctx)?;
    call(&exports.keyboard_interrupt, &mut ctx, ())
}

fn exports(ctx: &impl AsContext<Data = Host>) -> Result<Exports, wasmi::Error> {
    ctx.as_context().data().exports().cloned()
}

/// Parses the firmware's text of an exception: type name, 0x04, traceback.
fn parse(text: &[u8]) -> Raised {
    let end = text.iter().position(|&byte| byte == 4);
    let (name, traceback) = match end {
        Some(end) => (text.get(..end), text.get(end + 1..)),
        None => (None, Some(text)),
    };
    Raised {
        type_name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
        traceback: traceback.unwrap_or_default().to_vec(),
    }
}

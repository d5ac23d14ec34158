//! Time, random numbers and memory.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::SystemTime;

use wasmi::Linker;

use super::{Ctx, Host, run_timers};
use crate::vm::guest::unsigned;
use crate::vm::stop::{Stop, stop};

const PAGE: usize = 64 * 1024;

pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
    linker.func_wrap("env", "mp_js_ticks_ms", ticks_ms)?;
    linker.func_wrap("env", "mp_js_time_ms", time_ms)?;
    linker.func_wrap("env", "mp_js_random_u32", random_u32)?;
    linker.func_wrap("env", "emscripten_resize_heap", resize_heap)?;
    linker.func_wrap(
        "env",
        "_abort_js",
        |_: Ctx<'_>| -> Result<(), wasmi::Error> { Err(stop(Stop::Abort)) },
    )?;
    Ok(())
}

/// Returns the milliseconds since the board was made. They wrap, as the firmware expects.
///
/// Timers run here too: a program that reads the clock often waits in a loop.
fn ticks_ms(mut ctx: Ctx<'_>) -> Result<i32, wasmi::Error> {
    run_timers(&mut ctx)?;
    let milliseconds = ctx.data().started.elapsed().as_millis();
    let wrapped = u32::try_from(milliseconds & u128::from(u32::MAX)).unwrap_or(0);
    Ok(wrapped.cast_signed())
}

/// Returns the milliseconds since 1970.
fn time_ms(ctx: Ctx<'_>) -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_millis() as f64;
    now + ctx.data().control.clock_offset_ms()
}

fn random_u32(_: Ctx<'_>) -> i32 {
    // The standard library's only random number: the keys of a fresh hasher.
    let random = RandomState::new().build_hasher().finish();
    (random >> 32) as i32
}

/// Grows the memory of the firmware to `wanted` bytes in all. Returns 0 if there is no more.
fn resize_heap(mut ctx: Ctx<'_>, wanted: i32) -> Result<i32, wasmi::Error> {
    let memory = ctx.data().exports()?.memory;
    let limit = ctx.data().memory_limit;
    let wanted = unsigned(wanted) as usize;
    let size = memory.data_size(&ctx);
    if wanted > limit {
        return Ok(0);
    }
    // A fifth more, so that this is not called for every small piece.
    let target = wanted.max(size + size / 5).min(limit);
    let pages = target.saturating_sub(size).div_ceil(PAGE);
    Ok(i32::from(memory.grow(&mut ctx, pages as u64).is_ok()))
}

//! `select.poll` on the line and on files.

use std::time::{Duration, Instant};

use wasmi::Linker;

use super::control::run_timers;
use super::{Ctx, Host, look_while_waiting, parts};
use crate::vm::guest::unsigned;
use crate::wire::Wake;

const POLLIN: u16 = 1;
const POLLOUT: u16 = 4;
const POLLNVAL: u16 = 32;
/// `POLLERR`, `POLLHUP` and `POLLNVAL`, which are reported without a request.
const ALWAYS: u16 = 8 | 16 | POLLNVAL;

/// Wait of each poll from the fifth in a row on: the firmware polls in a loop until its timeout, which would use the
/// processor.
const ROUND: Duration = Duration::from_millis(1);
const BUSY_POLLS: u32 = 4;

pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
    linker.func_wrap(
        "env",
        "__syscall_poll",
        |ctx: Ctx<'_>, list: i32, count: i32, _: i32| poll(ctx, list, count),
    )?;
    linker.func_wrap("env", "__syscall_poll_nonblocking", poll)?;
    Ok(())
}

fn poll(mut ctx: Ctx<'_>, list: i32, count: i32) -> Result<i32, wasmi::Error> {
    ctx.data_mut().output.flush();
    look_while_waiting(&mut ctx)?;
    let (ready, wants_input) = look(&mut ctx, list, count)?;
    let host = ctx.data_mut();
    host.idle_polls = host.idle_polls.saturating_add(1);
    if ready > 0 || host.idle_polls <= BUSY_POLLS {
        return Ok(ready);
    }
    let deadline = Instant::now() + ROUND;
    let wake = if wants_input {
        host.line.wait_input(Some(deadline))
    } else {
        host.line.wait_unsearched(Some(deadline))
    };
    if wake == Wake::Timeout
        && host
            .control
            .timer_due()
            .is_some_and(|due| due <= Instant::now())
    {
        run_timers(&mut ctx)?;
    }
    look_while_waiting(&mut ctx)?;
    Ok(look(&mut ctx, list, count)?.0)
}

/// Fills in the list of `struct pollfd`. Returns how many are ready, and whether one requests input of the line.
fn look(ctx: &mut Ctx<'_>, list: i32, count: i32) -> Result<(i32, bool), wasmi::Error> {
    let (mut guest, host) = parts(ctx)?;
    let (mut ready, mut wants_input) = (0, false);
    for index in 0..unsigned(count) {
        let entry = unsigned(list).wrapping_add(index.wrapping_mul(8));
        let fd = guest.u32(entry)?.cast_signed();
        let wanted = guest.u16(entry.wrapping_add(4))?;
        let has = match fd {
            0 if host.line.has_input() => POLLIN | POLLOUT,
            0..=2 => POLLOUT,
            _ if host.files.is_open(fd) => POLLIN | POLLOUT,
            _ => POLLNVAL,
        };
        wants_input |= fd == 0 && wanted & POLLIN != 0;
        let result = has & (wanted | ALWAYS);
        guest.set_u16(entry.wrapping_add(6), result)?;
        ready += i32::from(result != 0);
    }
    Ok((ready, wants_input))
}

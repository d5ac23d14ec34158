//! Calls into the firmware that check the line at intervals.

use std::time::Instant;

use wasmi::{AsContextMut, TypedFunc, TypedResumableCall, WasmParams, WasmResults};

use super::stop::{stop, why};
use crate::host::{Host, look_at_line};

/// Calls the firmware. After each slice of fuel the line is checked, as the interrupt handler of a board would, and
/// the call goes on.
pub(crate) fn call<Params: WasmParams, Results: WasmResults>(
    function: &TypedFunc<Params, Results>,
    mut ctx: impl AsContextMut<Data = Host>,
    params: Params,
) -> Result<Results, wasmi::Error> {
    let mut state = function.call_resumable(ctx.as_context_mut(), params)?;
    loop {
        match state {
            TypedResumableCall::Finished(results) => return Ok(results),
            TypedResumableCall::HostTrap(trap) => {
                let ours = why(trap.host_error());
                return Err(
                    ours.map_or_else(|| wasmi::Error::new(trap.host_error().to_string()), stop)
                );
            }
            TypedResumableCall::OutOfFuel(pause) => {
                let mut store = ctx.as_context_mut();
                store.data_mut().rest();
                store.data_mut().count_work();
                let slice = store.data().fuel_slice();
                let fuel = slice.max(pause.required_fuel());
                // The fuel comes first: checking the line calls the firmware too.
                store.set_fuel(fuel)?;
                look_at_line(&mut store)?;
                store.set_fuel(fuel)?;
                store.data_mut().pace.begin(fuel, Instant::now());
                state = pause.resume(ctx.as_context_mut())?;
            }
        }
    }
}

//! Calls into the firmware that look at the line every now and then.

use std::time::Instant;

use wasmi::{AsContextMut, TypedFunc, TypedResumableCall, WasmParams, WasmResults};

use super::stop::{stop, why};
use crate::host::{Host, look_at_line};

/// Call the firmware. Whenever a slice of fuel is used up, the line is looked at, as an interrupt handler
/// of a board would, and the call goes on.
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
                // First the fuel: looking at the line calls the firmware, too.
                store.set_fuel(fuel)?;
                look_at_line(&mut store)?;
                store.set_fuel(fuel)?;
                store.data_mut().pace.begin(fuel, Instant::now());
                state = pause.resume(ctx.as_context_mut())?;
            }
        }
    }
}

//! Carrying out a plan.

use std::fs;

use piton_fs::remote::RemoteFs;

use super::plan::plan_with;
use super::{CopyEvent, CopyEvents, Error, Place, Plan, PlannedSource, Step, content, report};
use super::{to_board, to_host};

/// Carries out a plan. Each source is reported when it begins.
///
/// # Errors
///
/// The [`Plan::failure`], after everything before it is copied; any [`Error`] of a step that fails. [`Error::Stopped`]
/// after a `Break`.
pub fn apply(
    plan: Plan,
    remote: &mut RemoteFs<'_, '_>,
    events: &mut CopyEvents<'_>,
) -> Result<(), Error> {
    let Some(plan) = put(plan, remote, events)? else {
        return Ok(());
    };
    match plan.destination.is_on_board() {
        true => to_board::apply(plan, remote, events),
        false => to_host::apply(plan, remote, events),
    }
}

/// Carries out a plan that has only a [`Step::Put`]. Returns the plan that remains: the same plan if it is another one,
/// or a new plan for a board that does not support the step.
fn put(
    plan: Plan,
    remote: &mut RemoteFs<'_, '_>,
    events: &mut CopyEvents<'_>,
) -> Result<Option<Plan>, Error> {
    let [PlannedSource { place, steps }] = plan.sources.as_slice() else {
        return Ok(Some(plan));
    };
    let [Step::Put { from, path, inside }] = steps.as_slice() else {
        return Ok(Some(plan));
    };
    let force = plan.options.force;
    // The file may have been removed, or grown, since it was planned. The new plan reports that.
    let put = match fs::read(from) {
        Ok(bytes) => remote.put(path, inside, &bytes, force, content()),
        Err(_) => Ok(None),
    };
    let put = match put {
        Ok(None) => {
            let sources = [place.clone()];
            let destination = Place::clone(&plan.destination);
            return plan_with(remote, &sources, &destination, &plan.options, false).map(Some);
        }
        Ok(Some(put)) => Ok(put),
        Err(error) => Err(Error::WriteBoard(error)),
    };
    report(events, CopyEvent::Source { index: 0 })?;
    let put = put?;
    if put.unchanged {
        let path = if put.in_folder { inside } else { path };
        report(events, CopyEvent::Unchanged { path })?;
    }
    Ok(None)
}

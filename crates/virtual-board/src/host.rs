//! The host side of the firmware: what the functions that it imports do.

mod control;
mod files;
mod invoke;
pub(crate) mod pace;
mod poll;
mod stdio;
mod stuck;
mod system;

use std::time::Instant;

use wasmi::{
    AsContext, AsContextMut, Caller, ExternType, Global, Linker, Memory, Module, Table, TypedFunc,
    Val,
};

use crate::flash::Files;
use crate::vm::call::call;
use crate::vm::guest::Guest;
use crate::vm::stop::{ResetCause, Stop, stop};
use crate::wire::{BoardEnd, Event};
use control::Control;
use invoke::InvokeCache;
use pace::Pace;
use stdio::Output;
use stuck::{Interrupts, Stuck};

pub(crate) use control::{BOOT_DIRECTORY, run_timers};

/// What a host function gets to see of the firmware.
pub(crate) type Ctx<'a> = Caller<'a, Host>;

/// The exports that host functions use, and the memory they work on.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(crate) memory: Memory,
    pub(crate) table: Table,
    pub(crate) stack_pointer: StackPointer,
    pub(crate) set_threw: TypedFunc<(i32, i32), ()>,
    pub(crate) keyboard_interrupt: TypedFunc<(), ()>,
    pub(crate) interrupt_character: TypedFunc<(), i32>,
    pub(crate) execute: TypedFunc<(i32, i32, i32), ()>,
    pub(crate) malloc: TypedFunc<i32, i32>,
    pub(crate) free: TypedFunc<i32, ()>,
}

/// How the C stack pointer is read and set.
#[derive(Clone)]
pub(crate) enum StackPointer {
    /// Directly.
    Global(Global),
    /// Through two functions of the firmware: slower, but independent of how the file is laid out.
    Functions {
        get: TypedFunc<(), i32>,
        set: TypedFunc<i32, ()>,
    },
}

impl StackPointer {
    pub(crate) fn get(&self, mut ctx: impl AsContextMut<Data = Host>) -> Result<i32, wasmi::Error> {
        match self {
            StackPointer::Global(global) => {
                let value = global.get(ctx.as_context_mut()).i32();
                value.ok_or_else(|| stop(Stop::Abort))
            }
            StackPointer::Functions { get, .. } => call(get, ctx, ()),
        }
    }

    pub(crate) fn set(
        &self,
        mut ctx: impl AsContextMut<Data = Host>,
        value: i32,
    ) -> Result<(), wasmi::Error> {
        match self {
            StackPointer::Global(global) => Ok(global.set(ctx.as_context_mut(), Val::I32(value))?),
            StackPointer::Functions { set, .. } => call(set, ctx, value),
        }
    }
}

/// Everything the imported functions work with: the board around the processor.
pub(crate) struct Host {
    pub(crate) line: BoardEnd,
    pub(crate) output: Output,
    pub(crate) files: Files,
    pub(crate) control: Control,
    pub(crate) pace: Pace,
    pub(crate) stuck: Stuck,
    pub(crate) exports: Option<Exports>,
    invoke_cache: InvokeCache,
    /// Since when `time.ticks_ms()` counts.
    started: Instant,
    /// Where the firmware keeps its pending exception; `None` when that could not be found.
    pub(crate) pending_exception: Option<u32>,
    /// How large the memory may become, in bytes.
    memory_limit: usize,
    /// Ctrl-C interrupts whatever the firmware thinks of it: while `boot.py` and `main.py` run.
    pub(crate) always_interrupt: bool,
    /// A program is running for certain, because it waits for the host.
    program_waits: bool,
    /// How many times in a row the firmware has polled and found nothing.
    idle_polls: u32,
}

/// What a [`Host`] is made of; the rest has a defined start.
pub(crate) struct HostParts {
    pub(crate) line: BoardEnd,
    pub(crate) files: Files,
    pub(crate) unique_id: Vec<u8>,
    pub(crate) reset_cause: ResetCause,
    pub(crate) started: Instant,
    pub(crate) memory_limit: usize,
    pub(crate) unresponsive_after: u64,
}

impl Host {
    pub(crate) fn new(parts: HostParts) -> Self {
        Self {
            output: Output::new(parts.line.clone()),
            line: parts.line,
            files: parts.files,
            control: Control::new(parts.unique_id, parts.reset_cause),
            pace: Pace::new(),
            stuck: Stuck::new(parts.unresponsive_after),
            exports: None,
            invoke_cache: InvokeCache::default(),
            started: parts.started,
            pending_exception: None,
            memory_limit: parts.memory_limit,
            always_interrupt: false,
            program_waits: false,
            idle_polls: 0,
        }
    }

    /// How large the memory may become, in bytes.
    pub(crate) fn set_memory_limit(&mut self, limit: usize) {
        self.memory_limit = limit;
    }

    pub(crate) fn exports(&self) -> Result<&Exports, wasmi::Error> {
        self.exports.as_ref().ok_or_else(|| stop(Stop::Abort))
    }

    /// How much fuel the firmware gets until the line is looked at next.
    pub(crate) fn fuel_slice(&self) -> u64 {
        pace::slice(self.line.processor())
    }

    /// The firmware has used up its slice of fuel: rest for as long as a slow processor would have worked on.
    pub(crate) fn rest(&mut self) {
        let (processor, waited) = (self.line.processor(), self.line.take_waited());
        let ended = Instant::now();
        let rest = self.pace.rest(processor, ended, waited);
        if !rest.is_zero() {
            self.line.rest(rest);
            self.pace.be_late(ended.elapsed().saturating_sub(rest));
        }
    }

    /// The firmware has used up its slice of fuel: that is time in which it could have reacted to a Ctrl-C.
    pub(crate) fn count_work(&mut self) {
        self.stuck.work(self.pace.fuel());
    }

    /// So many bytes were written to a file at once: stand still, if a fault says so.
    fn stall_on_write(&mut self, bytes: u32) {
        let stall = self.line.stall_on_write(bytes);
        if !stall.is_zero() {
            // What was printed before is on its way, as from the buffer of a UART.
            self.output.flush();
            self.line.stall(stall);
        }
    }

    /// The stop for something that happened outside, if anything did.
    fn event(&self) -> Option<Stop> {
        self.line.take_event().map(|event| match event {
            Event::Shutdown => Stop::Shutdown,
            Event::Reset => Stop::Reset(ResetCause::Hard),
            Event::Unplugged | Event::PowerOn => Stop::Reset(ResetCause::Power),
        })
    }

    /// Act upon what happened outside, if anything did.
    pub(crate) fn check_events(&self) -> Result<(), wasmi::Error> {
        if self.control.watchdog_bites() {
            return Err(stop(Stop::Reset(ResetCause::Watchdog)));
        }
        self.event().map_or(Ok(()), |why| Err(stop(why)))
    }
}

/// The firmware's memory, and the rest of the host.
fn parts<'a>(ctx: &'a mut Ctx<'_>) -> Result<(Guest<'a>, &'a mut Host), wasmi::Error> {
    let memory = ctx.data().exports()?.memory;
    let (bytes, host) = memory.data_and_store_mut(ctx);
    Ok((Guest::new(bytes), host))
}

/// Look at the line: send what waits to be sent, act upon an event, and turn an interrupt character into a `KeyboardInterrupt`.
pub(crate) fn look_at_line(mut ctx: impl AsContextMut<Data = Host>) -> Result<(), wasmi::Error> {
    let mut ctx = ctx.as_context_mut();
    ctx.data_mut().output.flush();
    ctx.data().check_events()?;
    settle_interrupts(&mut ctx)?;
    if !ctx.data().line.has_unsearched() {
        return Ok(());
    }
    let exports = ctx.data().exports()?.clone();
    let mut character = call(&exports.interrupt_character, &mut ctx, ())?;
    if ctx.data().always_interrupt && character < 0 {
        character = CTRL_C;
    }
    // While a program is being compiled, or garbage collected after the one before, there is no interrupt
    // character yet. The Ctrl-C that is meant for it is looked at again when it runs.
    if character < 0 && !ctx.data().program_waits {
        return match ctx.data().line.unsearched_interrupts() {
            _ if ctx.data().control.interrupt_is_off => Ok(()),
            0 => Ok(()),
            waiting => ask(&mut ctx, Interrupts::Waiting(waiting)),
        };
    }
    if ctx.data().line.take_interrupt(character) {
        call(&exports.keyboard_interrupt, &mut ctx, ())?;
        return ask(&mut ctx, Interrupts::Pending);
    }
    Ok(())
}

/// Has the firmware reacted to the Ctrl-C before this look?
fn settle_interrupts(mut ctx: impl AsContextMut<Data = Host>) -> Result<(), wasmi::Error> {
    let mut ctx = ctx.as_context_mut();
    let is_pending = exception_is_pending(&ctx)?;
    let waiting = ctx.data().line.unsearched_interrupts();
    ctx.data_mut().stuck.settle(is_pending, waiting);
    Ok(())
}

/// A Ctrl-C asks for the firmware's attention.
fn ask(
    mut ctx: impl AsContextMut<Data = Host>,
    interrupts: Interrupts,
) -> Result<(), wasmi::Error> {
    if ctx.as_context_mut().data_mut().stuck.ask(interrupts) {
        return Err(stop(Stop::Unresponsive));
    }
    Ok(())
}

/// As [`look_at_line`], from a program that waits for the host: what comes in now is its input.
fn look_while_waiting(ctx: &mut Ctx<'_>) -> Result<(), wasmi::Error> {
    ctx.data_mut().program_waits = true;
    let result = look_at_line(&mut *ctx);
    ctx.data_mut().program_waits = false;
    result
}

const CTRL_C: i32 = 3;

/// Is an exception waiting to be raised? The firmware's own word for it.
fn exception_is_pending(ctx: impl AsContext<Data = Host>) -> Result<bool, wasmi::Error> {
    let ctx = ctx.as_context();
    let Some(address) = ctx.data().pending_exception else {
        return Ok(false);
    };
    let memory = ctx.data().exports()?.memory;
    let start = address as usize;
    let word = memory.data(ctx).get(start..start + 4);
    Ok(word.is_some_and(|word| word.iter().any(|&byte| byte != 0)))
}

/// Link all imports of the firmware.
pub(crate) fn link(engine: &wasmi::Engine, module: &Module) -> Result<Linker<Host>, wasmi::Error> {
    let mut linker = Linker::new(engine);
    invoke::link(&mut linker)?;
    system::link(&mut linker)?;
    stdio::link(&mut linker, module)?;
    poll::link(&mut linker)?;
    files::link(&mut linker)?;
    link_the_rest(&mut linker, module)?;
    Ok(linker)
}

/// Every other import calls JavaScript, which does not exist here: it does nothing and returns 0.
fn link_the_rest(linker: &mut Linker<Host>, module: &Module) -> Result<(), wasmi::Error> {
    // "There is no such name" is -1, which becomes an AttributeError.
    linker.func_wrap("env", "js_check_existing", |_: Ctx<'_>, _: i32| -> i32 {
        -1
    })?;
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else {
            continue;
        };
        let ty = ty.clone();
        let zeros: Vec<Val> = ty
            .results()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        // An import that has its function already is refused here, and keeps it.
        let _ = linker.func_new(import.module(), import.name(), ty, move |_, _, results| {
            results.clone_from_slice(&zeros);
            Ok(())
        });
    }
    Ok(())
}

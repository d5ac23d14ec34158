//! The host side of the firmware: the functions that it imports.

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

pub(crate) use control::{BOOT_DIRECTORY, ProgramControl, run_timers};
pub(crate) use stdio::Stream;

/// The view of the firmware that a host function gets.
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
    /// The exported global.
    Global(Global),
    /// Two functions of the firmware: slower, but independent of the layout of the file.
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

/// The state of the imported functions: the board around the processor.
pub(crate) struct Host {
    pub(crate) line: BoardEnd,
    pub(crate) output: Output,
    pub(crate) files: Files,
    pub(crate) control: Control,
    pub(crate) pace: Pace,
    pub(crate) stuck: Stuck,
    pub(crate) exports: Option<Exports>,
    invoke_cache: InvokeCache,
    /// The zero of `time.ticks_ms()`.
    started: Instant,
    /// The address of the firmware's pending exception; `None` if it could not be found.
    pub(crate) pending_exception: Option<u32>,
    /// Maximum size of the memory, in bytes.
    memory_limit: usize,
    /// Ctrl-C interrupts even if the firmware has no interrupt character: while `boot.py` and `main.py` run.
    pub(crate) always_interrupt: bool,
    /// A program is certainly running, because it waits for the host.
    program_waits: bool,
    /// Polls in a row without a result.
    idle_polls: u32,
}

/// The parts of a [`Host`] that its caller chooses.
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

    /// Sets the maximum size of the memory, in bytes.
    pub(crate) fn set_memory_limit(&mut self, limit: usize) {
        self.memory_limit = limit;
    }

    pub(crate) fn exports(&self) -> Result<&Exports, wasmi::Error> {
        self.exports.as_ref().ok_or_else(|| stop(Stop::Abort))
    }

    /// Returns the fuel of the firmware until the next check of the line.
    pub(crate) fn fuel_slice(&self) -> u64 {
        pace::slice(self.line.processor())
    }

    /// Rests after a slice of fuel, for the time that a slow processor would have needed in addition.
    pub(crate) fn rest(&mut self) {
        let (processor, waited) = (self.line.processor(), self.line.take_waited());
        let ended = Instant::now();
        let rest = self.pace.rest(processor, ended, waited);
        if !rest.is_zero() {
            self.line.rest(rest);
            self.pace.be_late(ended.elapsed().saturating_sub(rest));
        }
    }

    /// Counts a used slice of fuel: in this time the firmware could have reacted to a Ctrl-C.
    pub(crate) fn count_work(&mut self) {
        self.stuck.work(self.pace.fuel());
    }

    /// Stalls after a write of so many bytes to a file, if a fault demands it.
    fn stall_on_write(&mut self, bytes: u32) {
        let stall = self.line.stall_on_write(bytes);
        if !stall.is_zero() {
            // Earlier output is sent meanwhile, as from the buffer of a UART.
            self.output.flush();
            self.line.stall(stall);
        }
    }

    /// Returns the stop for an event from outside, if there is one.
    fn event(&self) -> Option<Stop> {
        self.line.take_event().map(|event| match event {
            Event::Shutdown => Stop::Shutdown,
            Event::Reset => Stop::Reset(ResetCause::Hard),
            Event::Unplugged | Event::PowerOn => Stop::Reset(ResetCause::Power),
        })
    }

    /// Stops the firmware if there is an event from outside.
    pub(crate) fn check_events(&self) -> Result<(), wasmi::Error> {
        if self.control.watchdog_bites() {
            return Err(stop(Stop::Reset(ResetCause::Watchdog)));
        }
        if self.output.is_closed() {
            return Err(stop(Stop::Shutdown));
        }
        self.event().map_or(Ok(()), |why| Err(stop(why)))
    }
}

/// Returns the firmware's memory, and the rest of the host.
fn parts<'a>(ctx: &'a mut Ctx<'_>) -> Result<(Guest<'a>, &'a mut Host), wasmi::Error> {
    let memory = ctx.data().exports()?.memory;
    let (bytes, host) = memory.data_and_store_mut(ctx);
    Ok((Guest::new(bytes), host))
}

/// Checks the line: sends waiting output, acts on events, and turns an interrupt character into a `KeyboardInterrupt`.
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
    // While the firmware compiles a program, or collects garbage after the previous one, it has no interrupt
    // character. A Ctrl-C for the program is checked again when it runs.
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

/// Notes whether the firmware has reacted to an earlier Ctrl-C.
fn settle_interrupts(mut ctx: impl AsContextMut<Data = Host>) -> Result<(), wasmi::Error> {
    let mut ctx = ctx.as_context_mut();
    let is_pending = exception_is_pending(&ctx)?;
    let waiting = ctx.data().line.unsearched_interrupts();
    ctx.data_mut().stuck.settle(is_pending, waiting);
    Ok(())
}

/// Requests the firmware's attention for a Ctrl-C.
fn ask(
    mut ctx: impl AsContextMut<Data = Host>,
    interrupts: Interrupts,
) -> Result<(), wasmi::Error> {
    if ctx.as_context_mut().data_mut().stuck.ask(interrupts) {
        return Err(stop(Stop::Unresponsive));
    }
    Ok(())
}

/// Checks the line as [`look_at_line`] does, for a program that waits for the host: bytes that arrive now are its
/// input.
fn look_while_waiting(ctx: &mut Ctx<'_>) -> Result<(), wasmi::Error> {
    ctx.data_mut().program_waits = true;
    let result = look_at_line(&mut *ctx);
    ctx.data_mut().program_waits = false;
    result
}

const CTRL_C: i32 = 3;

/// Returns whether the firmware has a pending exception, by its own variable.
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

/// Links all imports of the firmware.
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

/// Links every other import to a function that returns 0: it would call JavaScript, which does not exist here.
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
        // This fails for imports that are linked already, and they keep their function.
        let _ = linker.func_new(import.module(), import.name(), ty, move |_, _, results| {
            results.clone_from_slice(&zeros);
            Ok(())
        });
    }
    Ok(())
}

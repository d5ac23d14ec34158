//! `setjmp` and `longjmp`, which implement MicroPython's exceptions.
//!
//! Emscripten compiles a call that may be unwound by `longjmp` into a call of an imported `invoke_*`
//! function with the index of the real function. Nearly every bytecode that calls C passes here.

use wasmi::{Linker, Ref, TypedFunc};

use super::{Ctx, Host};
use crate::vm::call::call;
use crate::vm::stop::{Stop, stop, why};

/// Defines one cache for each signature: the functions of the firmware's table that were called already, by index.
macro_rules! invoke_functions {
    ($($name:ident($($arg:ident),*) -> $result:ty;)*) => {
        #[derive(Default)]
        pub(super) struct InvokeCache {
            $($name: Vec<Option<TypedFunc<($(invoke_functions!(@i32 $arg),)*), $result>>>,)*
        }

        pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
            $(linker.func_wrap("env", stringify!($name), |mut ctx: Ctx<'_>, index: i32 $(, $arg: i32)*| -> Result<$result, wasmi::Error> {
                let slot = index.cast_unsigned() as usize;
                let cached = ctx.data().invoke_cache.$name.get(slot).copied().flatten();
                let function = match cached {
                    Some(function) => function,
                    None => {
                        let function = table_function(&ctx, slot)?.typed(&ctx)?;
                        let cache = &mut ctx.data_mut().invoke_cache.$name;
                        if cache.len() <= slot {
                            cache.resize(slot + 1, None);
                        }
                        if let Some(entry) = cache.get_mut(slot) {
                            *entry = Some(function);
                        }
                        function
                    }
                };
                let stack_pointer = stack_pointer(&mut ctx)?;
                ctx.data_mut().idle_polls = 0;
                match call(&function, &mut ctx, ($($arg,)*)) {
                    Ok(result) => Ok(result),
                    Err(error) => {
                        land(&mut ctx, error, stack_pointer)?;
                        Ok(Default::default())
                    }
                }
            })?;)*
            linker.func_wrap("env", "_emscripten_throw_longjmp", |_: Ctx<'_>| -> Result<(), wasmi::Error> {
                Err(stop(Stop::LongJump))
            })?;
            Ok(())
        }
    };
    (@i32 $arg:ident) => { i32 };
}

invoke_functions! {
    invoke_v() -> ();
    invoke_vi(a) -> ();
    invoke_vii(a, b) -> ();
    invoke_viii(a, b, c) -> ();
    invoke_viiii(a, b, c, d) -> ();
    invoke_i() -> i32;
    invoke_ii(a) -> i32;
    invoke_iii(a, b) -> i32;
    invoke_iiii(a, b, c) -> i32;
    invoke_iiiii(a, b, c, d) -> i32;
    invoke_iiiiii(a, b, c, d, e) -> i32;
}

fn table_function(ctx: &Ctx<'_>, slot: usize) -> Result<wasmi::Func, wasmi::Error> {
    let table = ctx.data().exports()?.table;
    match table.get(ctx, slot as u64) {
        Some(Ref::Func(function)) => function.val().copied(),
        _ => None,
    }
    .ok_or_else(|| stop(Stop::BadAddress))
}

fn stack_pointer(ctx: &mut Ctx<'_>) -> Result<i32, wasmi::Error> {
    let stack_pointer = ctx.data().exports()?.stack_pointer.clone();
    stack_pointer.get(ctx)
}

/// Handles the early end of a call. After a `longjmp` the stack pointer is restored, and the firmware gets the signal
/// to find out where to continue.
fn land(ctx: &mut Ctx<'_>, error: wasmi::Error, stack_pointer: i32) -> Result<(), wasmi::Error> {
    if why(&error) != Some(Stop::LongJump) {
        return Err(error);
    }
    let exports = ctx.data().exports()?.clone();
    exports.stack_pointer.set(&mut *ctx, stack_pointer)?;
    call(&exports.set_threw, ctx, (1, 0))
}

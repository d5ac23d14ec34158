//! A running firmware: one instance of the WebAssembly module, and the calls into it.

pub(crate) mod call;
pub(crate) mod execute;
pub(crate) mod guest;
mod module_file;
mod snapshot;
pub(crate) mod stop;

use wasmi::{Engine, Extern, Instance, Linker, Module, Store, TypedFunc, WasmParams, WasmResults};

use crate::device;
use crate::host::{Exports, Host, StackPointer};
use call::call;
use execute::{Raised, execute};
use stop::{Stop, stop};

pub(crate) use module_file::prepare;
pub(crate) use snapshot::{LARGEST, Snapshot};

/// The stack of Python calls, in words, as the package's own JavaScript has it. Up to 1.26 the firmware does
/// not watch its C stack: with a larger one a deep recursion crashes it.
const PYTHON_STACK_WORDS: i32 = 2 * 1024;
/// The Python heap at the start, in bytes, as the package's own JavaScript has it. It grows by itself, but
/// never for one object that is larger than all of it.
const FIRST_HEAP: i32 = 1 << 20;

/// The parts that every instance is made from.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) module: Module,
    pub(crate) linker: Linker<Host>,
}

/// A running firmware.
pub(crate) struct Vm {
    store: Store<Host>,
    instance: Instance,
    process_char: TypedFunc<i32, i32>,
}

impl Vm {
    /// Returns an instance with its memory as in the file: no code has run yet.
    fn instantiate(parts: &Parts, host: Host) -> Result<Vm, wasmi::Error> {
        let fuel = host.fuel_slice();
        let mut store = Store::new(&parts.engine, host);
        store.set_fuel(fuel)?;
        let instance = parts
            .linker
            .instantiate_and_start(&mut store, &parts.module)?;
        let process_char = instance.get_typed_func(&store, "mp_js_repl_process_char")?;
        let exports = exports(&store, &instance)?;
        store.data_mut().exports = Some(exports);
        let mut vm = Vm {
            store,
            instance,
            process_char,
        };
        // Sets WebAssembly globals that are not exported.
        vm.call_export::<(), ()>("emscripten_stack_init", ())?;
        vm.check_stack_pointer()?;
        Ok(vm)
    }

    /// Starts the firmware from its beginning, up to where a board would run `boot.py`.
    fn initialise(&mut self) -> Result<(), wasmi::Error> {
        self.call_export::<(), ()>("__wasm_call_ctors", ())?;
        self.call_export::<_, ()>("mp_js_init", (PYTHON_STACK_WORDS, FIRST_HEAP))?;
        self.call_export::<(), ()>("proxy_c_init", ())?;
        self.store.data_mut().pending_exception = self.find_pending_exception()?;
        self.store.data_mut().files.boots = true;
        let raised = self.execute(device::START)?;
        self.store.data_mut().files.boots = false;
        match raised {
            None => Ok(()),
            Some(raised) => Err(wasmi::Error::new(format!(
                "the start-up code failed: {}",
                String::from_utf8_lossy(&raised.traceback)
            ))),
        }
    }

    fn call_export<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        params: P,
    ) -> Result<R, wasmi::Error> {
        let function: TypedFunc<P, R> = self.instance.get_typed_func(&self.store, name)?;
        call(&function, &mut self.store, params)
    }

    /// Checks that the exported global is the C stack pointer. If not, the firmware's own functions are used.
    fn check_stack_pointer(&mut self) -> Result<(), wasmi::Error> {
        let exports = self.store.data().exports()?.clone();
        let get = self
            .instance
            .get_typed_func::<(), i32>(&self.store, "emscripten_stack_get_current")?;
        let set = self
            .instance
            .get_typed_func(&self.store, "_emscripten_stack_restore")?;
        let before = call(&get, &mut self.store, ())?;
        let moved: i32 = self.call_export("_emscripten_stack_alloc", 16)?;
        let matches = matches!(exports.stack_pointer, StackPointer::Global(_))
            && before != moved
            && exports.stack_pointer.get(&mut self.store)? == moved;
        call(&set, &mut self.store, before)?;
        if !matches {
            let exports = Exports {
                stack_pointer: StackPointer::Functions { get, set },
                ..exports
            };
            self.store.data_mut().exports = Some(exports);
        }
        Ok(())
    }

    /// Finds the word that says "an exception is pending", by having the firmware set it. `None` when no
    /// single word changes from 0: then a Ctrl-C interrupts running code, but not a blocking read.
    fn find_pending_exception(&mut self) -> Result<Option<u32>, wasmi::Error> {
        const STATIC_DATA: usize = 1 << 20;
        let exports = self.store.data().exports()?.clone();
        let len = exports.memory.data_size(&self.store).min(STATIC_DATA);
        let before = exports
            .memory
            .data(&self.store)
            .get(..len)
            .unwrap_or_default()
            .to_vec();
        call(&exports.keyboard_interrupt, &mut self.store, ())?;
        let memory = exports.memory.data_mut(&mut self.store);
        let memory = memory.get_mut(..len).unwrap_or_default();
        let is_zero = |word: &[u8]| word.iter().all(|&byte| byte == 0);
        let words = before
            .chunks_exact(4)
            .zip(memory.chunks_exact(4))
            .zip(0_u32..);
        let changed: Vec<u32> = words
            .filter(|((old, new), _)| old != new && is_zero(old))
            .map(|(_, index)| index * 4)
            .collect();
        memory.copy_from_slice(&before);
        // The exception object itself is changed too; the pending word is the last one.
        Ok(changed.last().copied())
    }

    /// Runs Python source; see [`execute`].
    pub(crate) fn execute(&mut self, source: &str) -> Result<Option<Raised>, wasmi::Error> {
        execute(&mut self.store, source)
    }

    /// Begins the REPL: the banner and the first prompt.
    pub(crate) fn start_repl(&mut self) -> Result<(), wasmi::Error> {
        self.call_export::<(), ()>("mp_js_repl_init", ())
    }

    /// Passes a byte to the REPL. Returns true if it requests a soft reset.
    pub(crate) fn feed(&mut self, byte: u8) -> Result<bool, wasmi::Error> {
        Ok(call(&self.process_char, &mut self.store, i32::from(byte))? != 0)
    }

    pub(crate) fn host(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    pub(crate) fn store(&mut self) -> &mut Store<Host> {
        &mut self.store
    }

    pub(crate) fn into_host(self) -> Host {
        self.store.into_data()
    }
}

fn exports(store: &Store<Host>, instance: &Instance) -> Result<Exports, wasmi::Error> {
    let missing = |name: &str| wasmi::Error::new(format!("no export `{name}`"));
    let memory = instance.get_memory(store, "memory");
    let table = instance.get_table(store, "__indirect_function_table");
    let stack_pointer = match instance.get_export(store, module_file::STACK_POINTER) {
        Some(Extern::Global(global)) => StackPointer::Global(global),
        _ => StackPointer::Functions {
            get: instance.get_typed_func(store, "emscripten_stack_get_current")?,
            set: instance.get_typed_func(store, "_emscripten_stack_restore")?,
        },
    };
    Ok(Exports {
        memory: memory.ok_or_else(|| missing("memory"))?,
        table: table.ok_or_else(|| missing("__indirect_function_table"))?,
        stack_pointer,
        set_threw: instance.get_typed_func(store, "setThrew")?,
        keyboard_interrupt: instance.get_typed_func(store, "mp_sched_keyboard_interrupt")?,
        interrupt_character: instance.get_typed_func(store, "mp_hal_get_interrupt_char")?,
        execute: instance.get_typed_func(store, "mp_js_do_exec")?,
        malloc: instance.get_typed_func(store, "malloc")?,
        free: instance.get_typed_func(store, "free")?,
    })
}

/// Allocates heap until at most `heap_limit` bytes of the existing memory are left, and returns the maximum size of
/// the memory.
fn memory_limit(vm: &mut Vm, heap_limit: usize) -> Result<usize, wasmi::Error> {
    const PROBE: i32 = 64 * 1024;
    let exports = vm.store.data().exports()?.clone();
    let size = exports.memory.data_size(&vm.store);
    // A block this large comes from the end of what is in use.
    let probe = call(&exports.malloc, &mut vm.store, PROBE)?;
    call(&exports.free, &mut vm.store, probe)?;
    let room = size.saturating_sub(probe.cast_unsigned() as usize);
    if heap_limit >= room {
        return Ok(size + (heap_limit - room));
    }
    let taken = i32::try_from(room - heap_limit).map_err(|_| stop(Stop::Abort))?;
    call(&exports.malloc, &mut vm.store, taken)?;
    Ok(size)
}

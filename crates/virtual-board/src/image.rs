//! The VM file, which is compiled once for all boards.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use wasmi::{CompilationMode, Config, Engine, Module};

use crate::error::VmError;
use crate::flash::{Files, MemoryStorage, Meter};
use crate::host::{self, Host, HostParts};
use crate::options::{LineOptions, Processor};
use crate::vm::stop::ResetCause;
use crate::vm::{Parts, Snapshot, Vm, export_stack_pointer};
use crate::wire::{BoardEnd, Wire};

/// A VM file, checked, compiled and started up to where a board would run its `boot.py`.
///
/// Cheap to clone; all boards share it.
#[derive(Clone)]
pub struct VmImage {
    image: Arc<Image>,
}

struct Image {
    parts: Parts,
    snapshot: Snapshot,
}

impl VmImage {
    /// Loads a VM file: the `micropython.wasm` of the npm package
    /// `@micropython/micropython-webassembly-pyscript`, 1.25.0 or later.
    ///
    /// # Errors
    ///
    /// The file can't be read, is not WebAssembly, or not this firmware.
    pub fn open(path: &Path) -> Result<VmImage, VmError> {
        let bytes = fs_err::read(path).map_err(VmError::Read)?;
        VmImage::from_bytes(&bytes)
    }

    /// Loads a VM file from bytes, as [`VmImage::open`] does.
    ///
    /// # Errors
    ///
    /// The bytes are not WebAssembly, or not this firmware.
    pub fn from_bytes(wasm: &[u8]) -> Result<VmImage, VmError> {
        let engine = Engine::new(&config());
        let changed = export_stack_pointer(wasm);
        let wasm = changed.as_deref().unwrap_or(wasm);
        let module =
            Module::new(&engine, wasm).map_err(|error| VmError::NotWasm(error.to_string()))?;
        let refuse = |error: wasmi::Error| VmError::NotMicroPython(error.to_string());
        let linker = host::link(&engine, &module).map_err(refuse)?;
        let parts = Parts {
            engine,
            module,
            linker,
        };
        let snapshot = Snapshot::take(&parts, unconnected_host()).map_err(refuse)?;
        let image = Arc::new(Image { parts, snapshot });
        Ok(VmImage { image })
    }

    /// Returns a started firmware.
    pub(crate) fn start(&self, host: Host, heap_limit: usize) -> Result<Vm, wasmi::Error> {
        self.image
            .snapshot
            .start(&self.image.parts, host, heap_limit)
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config
        // Calls stop after a slice of fuel, to check the line. Functions compiled at their first call
        // would use fuel that can't be given back.
        .consume_fuel(true)
        .compilation_mode(CompilationMode::Eager)
        // The firmware watches its own stack and raises RuntimeError long before these.
        .set_max_stack_height(64 << 20)
        .set_max_recursion_depth(100_000)
        .set_max_cached_stacks(64);
    config
}

/// Returns the host for taking the snapshot, without a line.
fn unconnected_host() -> Host {
    let storage = Box::new(MemoryStorage::new(0));
    Host::new(HostParts {
        line: BoardEnd::new(Wire::new(LineOptions::default(), Processor::default())),
        files: Files::new(storage, Meter::default()),
        unique_id: Vec::new(),
        reset_cause: ResetCause::Power,
        started: Instant::now(),
        memory_limit: 64 << 20,
        unresponsive_after: u64::MAX,
    })
}

//! The VM file, which is compiled once for all boards.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use wasmi::{CompilationMode, Config, CustomFuelCosts, Engine, Module};

use crate::device;
use crate::error::VmError;
use crate::flash::{Files, MemoryStorage, Meter};
use crate::host::{self, Host, HostParts};
use crate::options::{LineOptions, Processor};
use crate::vm::stop::ResetCause;
use crate::vm::{LARGEST, Parts, Snapshot, Vm, prepare};
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
        let parts = parts(wasm, CompilationMode::LazyTranslation)?;
        let snapshot = Snapshot::take(&parts, unconnected_host()).map_err(refuse)?;
        let image = Arc::new(Image { parts, snapshot });
        Ok(VmImage { image })
    }

    /// Loads a VM file that [`VmImage::from_bytes`] has loaded before, without starting the firmware: `start` is what
    /// [`VmImage::started`] returned then. Returns `None` if `start` has another form.
    ///
    /// The caller keeps `start` with a hash of the VM file and of the [`VmImage::start_inputs`], and checks both: the
    /// functions of a file that was loaded once are validated only when they are called.
    ///
    /// # Errors
    ///
    /// As [`VmImage::from_bytes`].
    pub fn resume(wasm: &[u8], start: &[u8]) -> Result<Option<VmImage>, VmError> {
        let Some(snapshot) = Snapshot::from_bytes(start) else {
            return Ok(None);
        };
        let parts = parts(wasm, CompilationMode::Lazy)?;
        let image = Arc::new(Image { parts, snapshot });
        Ok(Some(VmImage { image }))
    }

    /// Returns the memory of the started firmware, for [`VmImage::resume`].
    #[must_use]
    pub fn started(&self) -> Vec<u8> {
        self.image.snapshot.to_bytes()
    }

    /// Returns what decides the memory of a started firmware, beside the VM file.
    pub fn start_inputs() -> impl Iterator<Item = &'static [u8]> {
        [START_LAYOUT].into_iter().chain(device::start_code())
    }

    /// Returns a started firmware.
    pub(crate) fn start(&self, host: Host, heap_limit: usize) -> Result<Vm, wasmi::Error> {
        self.image
            .snapshot
            .start(&self.image.parts, host, heap_limit)
    }
}

/// Another layout of the snapshot, other parameters of the start and another preparation of the file get another number.
const START_LAYOUT: &[u8] = b"1";

/// As wasmi's own default.
const BYTES_COPIED_PER_FUEL: u32 = 64;

/// Checks and links a VM file.
fn parts(wasm: &[u8], mode: CompilationMode) -> Result<Parts, VmError> {
    let engine = Engine::new(&config(mode));
    let changed = prepare(wasm);
    let wasm = changed.as_deref().unwrap_or(wasm);
    let module = Module::new(&engine, wasm).map_err(|error| VmError::NotWasm(error.to_string()))?;
    let linker = host::link(&engine, &module).map_err(refuse)?;
    Ok(Parts {
        engine,
        module,
        linker,
    })
}

fn refuse(error: wasmi::Error) -> VmError {
    VmError::NotMicroPython(error.to_string())
}

fn config(mode: CompilationMode) -> Config {
    let mut config = Config::default();
    config
        // Calls stop after a slice of fuel, to check the line.
        .consume_fuel(true)
        // Most functions are never called: translating all of them was most of a start. Translating one must cost no
        // fuel, because then the steps of a program would depend on what ran before.
        .compilation_mode(mode)
        .fuel_cost(CustomFuelCosts {
            bytes_copied_per_fuel: BYTES_COPIED_PER_FUEL,
            fuel_per_bytes_translated: 0,
            fuel_per_bytes_validated: 0,
        })
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
        memory_limit: LARGEST,
        unresponsive_after: u64::MAX,
    })
}

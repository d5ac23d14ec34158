//! The memory of a firmware that has started up to its `boot.py`. Every further start is a copy of it.

use super::{Parts, Vm, memory_limit};
use crate::host::{Host, StackPointer};

const PAGE: usize = 4096;

/// The memory of a started firmware.
pub(crate) struct Snapshot {
    /// The size of the memory.
    size: usize,
    /// The pages that differ from a new instance, by their offset.
    pages: Vec<(usize, Box<[u8]>)>,
    stack_pointer: i32,
    pending_exception: Option<u32>,
    /// Whether the output can distinguish text from bytes.
    cooks: bool,
}

fn pages(memory: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (0..).step_by(PAGE).zip(memory.chunks(PAGE))
}

fn is_blank(page: &[u8]) -> bool {
    page.iter().all(|&byte| byte == 0)
}

impl Snapshot {
    /// Starts the firmware and takes the snapshot.
    pub(crate) fn take(parts: &Parts, host: Host) -> Result<Snapshot, wasmi::Error> {
        let mut vm = Vm::instantiate(parts, host)?;
        let memory = vm.store.data().exports()?.memory;
        let blank_before: Vec<bool> = pages(memory.data(&vm.store))
            .map(|(_, page)| is_blank(page))
            .collect();
        vm.initialise()?;
        let stack_pointer = vm.store.data().exports()?.stack_pointer.clone();
        let stack_pointer = stack_pointer.get(&mut vm.store)?;
        let bytes = memory.data(&vm.store);
        let was_blank = blank_before.into_iter().chain(std::iter::repeat(true));
        let pages = pages(bytes)
            .zip(was_blank)
            .filter(|((_, page), was_blank)| !was_blank || !is_blank(page))
            .map(|((offset, page), _)| (offset, page.into()))
            .collect();
        Ok(Snapshot {
            size: bytes.len(),
            pages,
            stack_pointer,
            pending_exception: vm.store.data().pending_exception,
            cooks: vm.store.data().output.cooks,
        })
    }

    /// Returns a firmware as it was when the snapshot was taken.
    pub(crate) fn start(
        &self,
        parts: &Parts,
        mut host: Host,
        heap_limit: usize,
    ) -> Result<Vm, wasmi::Error> {
        host.pending_exception = self.pending_exception;
        host.output.cooks = self.cooks;
        let mut vm = Vm::instantiate(parts, host)?;
        let exports = vm.store.data().exports()?.clone();
        let missing = self
            .size
            .saturating_sub(exports.memory.data_size(&vm.store));
        exports
            .memory
            .grow(&mut vm.store, missing.div_ceil(64 * 1024) as u64)?;
        for (offset, page) in &self.pages {
            exports.memory.write(&mut vm.store, *offset, page)?;
        }
        if let StackPointer::Global(_) = exports.stack_pointer {
            exports
                .stack_pointer
                .set(&mut vm.store, self.stack_pointer)?;
        }
        let limit = memory_limit(&mut vm, heap_limit)?;
        vm.store.data_mut().set_memory_limit(limit);
        Ok(vm)
    }
}

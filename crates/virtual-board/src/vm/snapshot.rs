//! The memory of a firmware that has started up to its `boot.py`. Every further start is a copy of it.

use super::{Parts, Vm, memory_limit};
use crate::host::{Host, StackPointer};

const PAGE: usize = 4096;
const BLANK: [u8; PAGE] = [0; PAGE];
/// The maximum size of the memory while the firmware starts.
pub(crate) const LARGEST: usize = 64 << 20;
/// Words before the pages in a snapshot that is written as bytes.
const HEAD_WORDS: usize = 5;

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
    // A comparison of slices is one call of `memcmp`; a loop over the bytes of 16 MiB was a third of a start.
    BLANK.starts_with(page)
}

impl Snapshot {
    /// Returns the snapshot as bytes for [`Snapshot::from_bytes`].
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut word = |value: u32| bytes.extend_from_slice(&value.to_le_bytes());
        word(u32::try_from(self.size).unwrap_or(u32::MAX));
        word(self.stack_pointer.cast_unsigned());
        word(u32::from(self.pending_exception.is_some()));
        word(self.pending_exception.unwrap_or(0));
        word(u32::from(self.cooks));
        for (offset, page) in &self.pages {
            bytes.extend_from_slice(&u32::try_from(*offset).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(page);
        }
        bytes
    }

    /// Returns the snapshot that [`Snapshot::to_bytes`] wrote; `None` if it did not write these bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Snapshot> {
        let (head, records) = bytes.split_at_checked(4 * HEAD_WORDS)?;
        let word = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
        let head: Vec<u32> = head.chunks_exact(4).filter_map(word).collect();
        let &[size, stack_pointer, has_pending, pending, cooks] = head.as_slice() else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        let page = |record: &[u8]| {
            let (offset, page) = record.split_at_checked(4)?;
            let offset = usize::try_from(word(offset)?).ok()?;
            let is_inside = offset.checked_add(PAGE)? <= size && offset.is_multiple_of(PAGE);
            is_inside.then(|| (offset, page.into()))
        };
        let records = records.chunks_exact(4 + PAGE);
        let is_whole = records.remainder().is_empty() && size <= LARGEST;
        let pages: Option<Vec<_>> = records.map(page).collect();
        Some(Snapshot {
            size,
            pages: pages.filter(|_| is_whole)?,
            stack_pointer: stack_pointer.cast_signed(),
            pending_exception: (has_pending != 0).then_some(pending),
            cooks: cooks != 0,
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            size: 3 * PAGE,
            pages: vec![(0, vec![1; PAGE].into()), (2 * PAGE, vec![2; PAGE].into())],
            stack_pointer: 65_536,
            pending_exception: Some(0),
            cooks: true,
        }
    }

    #[test]
    fn a_snapshot_is_the_same_after_a_way_through_bytes() {
        let bytes = snapshot().to_bytes();
        let again = Snapshot::from_bytes(&bytes).unwrap();
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again.pages, snapshot().pages);
        assert_eq!(again.pending_exception, Some(0));
    }

    #[test]
    fn bytes_of_another_shape_are_no_snapshot() {
        let bytes = snapshot().to_bytes();
        let is_refused = |bytes: &[u8]| Snapshot::from_bytes(bytes).is_none();
        assert!(is_refused(b""));
        assert!((0..bytes.len()).all(|len| {
            // Without its last page it is a smaller snapshot: the cache checks the hash.
            len >= 4 * HEAD_WORDS && (len - 4 * HEAD_WORDS).is_multiple_of(4 + PAGE)
                || is_refused(&bytes[..len])
        }));
        let with_word = |at: usize, word: u32| {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            bytes
        };
        assert!(is_refused(&with_word(0, u32::MAX)));
        assert!(is_refused(&with_word(0, 0)));
        assert!(is_refused(&with_word(4 * HEAD_WORDS, 1)));
        assert!(is_refused(&with_word(4 * HEAD_WORDS, u32::MAX)));
    }
}

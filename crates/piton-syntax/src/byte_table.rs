//! A set of byte strings, numbered from 1 in the order they were added.

use crate::diagnostic::Failure;

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    length: u32,
    hash: u32,
}

impl Entry {
    /// The first entry is not used: number 0 marks a free slot.
    const UNUSED: Entry = Entry {
        start: 0,
        length: 0,
        hash: 0,
    };
}

/// The set. Texts lie in one buffer; a hash table with open addressing finds them.
#[derive(Clone, Debug)]
pub(crate) struct ByteTable {
    bytes: Vec<u8>,
    /// By number, with [`Entry::UNUSED`] in front.
    entries: Vec<Entry>,
    /// Numbers of entries; a power of two long and at most half full.
    slots: Vec<u32>,
}

impl ByteTable {
    /// Returns an empty set with room for `capacity` entries, a power of two.
    pub(crate) fn with_capacity(capacity: usize) -> ByteTable {
        ByteTable {
            bytes: Vec::new(),
            entries: vec![Entry::UNUSED],
            slots: vec![0; capacity * 2],
        }
    }

    /// Returns the number of `text`, if it is in the set.
    pub(crate) fn find(&self, text: &[u8]) -> Option<u32> {
        self.lookup(text, hash(text)).ok()
    }

    /// Returns the number of `text`, which is added if it is new.
    pub(crate) fn add(&mut self, text: &[u8]) -> Result<u32, Failure> {
        let hash = hash(text);
        let slot = match self.lookup(text, hash) {
            Ok(number) => return Ok(number),
            Err(slot) => slot,
        };
        let number = u32::try_from(self.entries.len()).map_err(|_| Failure::too_large())?;
        let start = u32::try_from(self.bytes.len()).map_err(|_| Failure::too_large())?;
        let length = u32::try_from(text.len()).map_err(|_| Failure::too_large())?;
        self.bytes.extend_from_slice(text);
        self.entries.push(Entry {
            start,
            length,
            hash,
        });
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        } else if let Some(free) = self.slots.get_mut(slot) {
            *free = number;
        }
        Ok(number)
    }

    /// Returns the text with this number, empty for a number that was never given.
    pub(crate) fn text(&self, number: u32) -> &[u8] {
        let entry = self.entries.get(number as usize);
        entry.map_or(&[], |entry| self.entry_text(entry))
    }

    /// Returns the length of all texts together.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    fn entry_text(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize;
        self.bytes
            .get(start..start + entry.length as usize)
            .unwrap_or_default()
    }

    /// Returns the number of the entry with this text, or the free slot where it belongs.
    fn lookup(&self, text: &[u8], hash: u32) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let number = self.slots.get(slot).copied().unwrap_or(0);
            if number == 0 {
                return Err(slot);
            }
            let entry = self.entries.get(number as usize);
            if entry.is_some_and(|entry| entry.hash == hash && self.entry_text(entry) == text) {
                return Ok(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        for (entry, number) in self.entries.iter().zip(0..).skip(1) {
            let mut slot = entry.hash as usize & mask;
            while self.slots.get(slot).is_some_and(|&taken| taken != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(free) = self.slots.get_mut(slot) {
                *free = number;
            }
        }
    }
}

/// A set that is made when this program is built. Starting from a copy of it takes no hashing.
#[derive(Debug)]
pub(crate) struct FixedTable<const ENTRIES: usize, const SLOTS: usize> {
    bytes: &'static [u8],
    entries: [Entry; ENTRIES],
    slots: [u32; SLOTS],
}

impl<const ENTRIES: usize, const SLOTS: usize> FixedTable<ENTRIES, SLOTS> {
    /// Returns the set of the lines of `text`, all different, each ended by a newline; the line `\n` stands for a
    /// newline itself. `ENTRIES` is the number of lines and one more, `SLOTS` a power of two at least
    /// twice that.
    #[expect(
        clippy::indexing_slicing,
        reason = "runs when this program is built, and fails then"
    )]
    pub(crate) const fn of_lines(text: &'static str) -> FixedTable<ENTRIES, SLOTS> {
        let bytes = text.as_bytes();
        let mut entries = [Entry::UNUSED; ENTRIES];
        let mut slots = [0; SLOTS];
        let (mut start, mut end, mut number) = (0, 0, 1);
        while end < bytes.len() {
            if bytes[end] != b'\n' {
                end += 1;
                continue;
            }
            let (mut from, mut to) = (start, end);
            if end - start == 2 && bytes[start] == b'\\' && bytes[start + 1] == b'n' {
                (from, to) = (end, end + 1);
            }
            let hash = hash(bytes.split_at(to).0.split_at(from).1);
            entries[number] = Entry {
                start: from as u32,
                length: (to - from) as u32,
                hash,
            };
            let mut slot = hash as usize & (SLOTS - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (SLOTS - 1);
            }
            slots[slot] = number as u32;
            number += 1;
            end += 1;
            start = end;
        }
        assert!(number == ENTRIES && ENTRIES * 2 <= SLOTS);
        FixedTable {
            bytes,
            entries,
            slots,
        }
    }

    /// Returns a copy that more can be added to.
    pub(crate) fn to_table(&self) -> ByteTable {
        ByteTable {
            bytes: self.bytes.to_vec(),
            entries: self.entries.to_vec(),
            slots: self.slots.to_vec(),
        }
    }
}

const fn hash(mut text: &[u8]) -> u32 {
    const fn mix(hash: u64, word: u64) -> u64 {
        (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
    }
    let mut hash = text.len() as u64;
    while let Some((chunk, rest)) = text.split_first_chunk::<8>() {
        hash = mix(hash, u64::from_le_bytes(*chunk));
        text = rest;
    }
    let (mut last, mut shift) = (0, 0);
    if let Some((chunk, rest)) = text.split_first_chunk::<4>() {
        last = u32::from_le_bytes(*chunk) as u64;
        shift = 32;
        text = rest;
    }
    if let Some((chunk, rest)) = text.split_first_chunk::<2>() {
        last |= (u16::from_le_bytes(*chunk) as u64) << shift;
        shift += 16;
        text = rest;
    }
    if let Some(&byte) = text.first() {
        last |= (byte as u64) << shift;
    }
    (mix(hash, last) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_in_order_and_kept() {
        let mut table = ByteTable::with_capacity(4);
        let texts: Vec<String> = (0..5000)
            .map(|number| "x".repeat(number % 70) + &number.to_string())
            .collect();
        for (text, number) in texts.iter().zip(1..) {
            assert_eq!(table.find(text.as_bytes()), None);
            assert_eq!(table.add(text.as_bytes()).unwrap(), number);
        }
        for (text, number) in texts.iter().zip(1..) {
            assert_eq!(table.find(text.as_bytes()), Some(number));
            assert_eq!(table.add(text.as_bytes()).unwrap(), number);
            assert_eq!(table.text(number), text.as_bytes());
        }
        assert_eq!(table.text(5001), b"");
    }

    #[test]
    fn the_fixed_set_is_the_set_of_its_lines() {
        static LINES: FixedTable<5, 16> = FixedTable::of_lines("a\n\nbc\n\\n\n");
        let mut table = LINES.to_table();
        for (text, number) in [(&b"a"[..], 1), (b"", 2), (b"bc", 3), (b"\n", 4)] {
            assert_eq!(table.find(text), Some(number));
            assert_eq!(table.add(text).unwrap(), number);
        }
        assert_eq!(table.find(b"\\n"), None);
        for (text, number) in (5..200).map(|number: u32| (number.to_string(), number)) {
            assert_eq!(table.add(text.as_bytes()).unwrap(), number);
        }
        assert_eq!(table.find(b"bc"), Some(3));
        assert_eq!(table.text(4), b"\n");
    }

    #[test]
    fn texts_of_zeros_are_told_apart_by_length() {
        let mut table = ByteTable::with_capacity(2);
        for length in 0..40_u32 {
            let text = vec![0; length as usize];
            assert_eq!(table.find(&text), None);
            assert_eq!(table.add(&text).unwrap(), length + 1);
        }
        assert_eq!(table.size(), (0..40).sum::<usize>());
        assert_eq!(table.text(0), b"");
    }
}

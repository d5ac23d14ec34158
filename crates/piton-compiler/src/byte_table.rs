//! A set of byte strings, numbered from 1 in the order they were added.

use crate::diagnostic::Failure;

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    length: u32,
    hash: u32,
}

/// The set. Texts lie in one buffer; a hash table with open addressing finds them.
#[derive(Clone, Debug)]
pub(crate) struct ByteTable {
    bytes: Vec<u8>,
    /// The first entry is not used: number 0 marks a free slot.
    entries: Vec<Entry>,
    /// Numbers of entries; a power of two long and at most half full.
    slots: Vec<u32>,
}

impl ByteTable {
    /// An empty set with room for `capacity` entries, a power of two.
    pub(crate) fn with_capacity(capacity: usize) -> ByteTable {
        ByteTable {
            bytes: Vec::new(),
            entries: vec![Entry {
                start: 0,
                length: 0,
                hash: 0,
            }],
            slots: vec![0; capacity * 2],
        }
    }

    /// The number of `text`, if it is in the set.
    pub(crate) fn find(&self, text: &[u8]) -> Option<u32> {
        self.lookup(text, hash(text)).ok()
    }

    /// The number of `text`, which is added if it is new.
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

    /// The text with this number, empty for a number that was never given.
    pub(crate) fn text(&self, number: u32) -> &[u8] {
        let entry = self.entries.get(number as usize);
        entry.map_or(&[], |entry| self.entry_text(entry))
    }

    /// The length of all texts together.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    fn entry_text(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize;
        self.bytes
            .get(start..start + entry.length as usize)
            .unwrap_or_default()
    }

    /// The number of the entry with this text, or the free slot where it belongs.
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

fn hash(text: &[u8]) -> u32 {
    const MULTIPLIER: u64 = 0x517c_c1b7_2722_0a95;
    let mut hash = text.len() as u64;
    let mut mix = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER);
    let (chunks, rest) = text.as_chunks::<8>();
    for chunk in chunks {
        mix(u64::from_le_bytes(*chunk));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    mix(u64::from_le_bytes(last));
    (hash >> 32) as u32
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
}

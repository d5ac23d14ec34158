//! Small changes to the VM file when it is loaded.

/// The name under which the stack pointer is exported.
pub(crate) const STACK_POINTER: &str = "__virtual_board_stack_pointer";

const MEMORY_SECTION: u8 = 5;
const EXPORT_SECTION: u8 = 7;
const DATA_SECTION: u8 = 11;
const KIND_GLOBAL: u8 = 3;
const HEADER: usize = 8;

/// Memory beyond the static data of a new instance: the first heap, and as much again for the rest. The firmware asks
/// for more when it needs it.
const FIRST_MEMORY: u32 = 2 << 20;
const WASM_PAGE: u32 = 64 * 1024;

/// Changes two things of the file. Returns `None` if the file has another layout.
///
/// - The first global, which is the C stack pointer in everything `wasm-ld` links, gets an export, so that the host
///   reads it without calling the firmware.
/// - The memory begins with what a small program needs instead of 16 MiB: to clear them was a third of a start.
pub(crate) fn prepare(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut out = wasm.get(..HEADER)?.to_vec();
    let first_pages = end_of_static_data(wasm)
        .and_then(|end| end.checked_add(FIRST_MEMORY))
        .map(|bytes| bytes.div_ceil(WASM_PAGE));
    let mut has_exports = false;
    for section in sections(wasm) {
        let (id, body) = section?;
        let changed = match id {
            EXPORT_SECTION => {
                has_exports = true;
                Some(with_one_more_export(body)?)
            }
            MEMORY_SECTION => first_pages.and_then(|pages| with_less_memory(body, pages)),
            _ => None,
        };
        let body = changed.as_deref().unwrap_or(body);
        out.push(id);
        write_leb(&mut out, u32::try_from(body.len()).ok()?);
        out.extend_from_slice(body);
    }
    has_exports.then_some(out)
}

/// Returns the sections, each with its id; `None` where the file is damaged, and then no more.
fn sections(wasm: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    let mut at = Some(HEADER);
    std::iter::from_fn(move || {
        let start = at.filter(|&start| start < wasm.len())?;
        let section = section_at(wasm, start);
        at = section.map(|(_, _, end)| end);
        Some(section.map(|(id, body, _)| (id, body)))
    })
}

/// Returns the id, the content and the end of the section at `start`.
fn section_at(wasm: &[u8], start: usize) -> Option<(u8, &[u8], usize)> {
    let id = *wasm.get(start)?;
    let (len, body) = read_leb(wasm, start + 1)?;
    let end = body.checked_add(usize::try_from(len).ok()?)?;
    Some((id, wasm.get(body..end)?, end))
}

/// Returns the end of the last data segment in the memory; `None` if one has no fixed place.
fn end_of_static_data(wasm: &[u8]) -> Option<u32> {
    /// A segment of memory 0, whose place is a constant.
    const ACTIVE: u32 = 0;
    const I32_CONST: u8 = 0x41;
    const END: u8 = 0x0b;
    let data = sections(wasm).flatten().find(|(id, _)| *id == DATA_SECTION);
    let (_, body) = data?;
    let (count, mut at) = read_leb(body, 0)?;
    let mut last = 0;
    for _ in 0..count {
        let (kind, next) = read_leb(body, at)?;
        if kind != ACTIVE || *body.get(next)? != I32_CONST {
            return None;
        }
        // The number is signed; one that is not negative and is read without its sign is the same number.
        let (place, next) = read_leb(body, next + 1)?;
        if *body.get(next)? != END {
            return None;
        }
        let (len, next) = read_leb(body, next + 1)?;
        at = next.checked_add(usize::try_from(len).ok()?)?;
        last = last.max(place.checked_add(len)?);
    }
    Some(last)
}

/// Returns the section of the memories with at most `pages` pages at the start; `None` if there is nothing to change.
fn with_less_memory(section: &[u8], pages: u32) -> Option<Vec<u8>> {
    let (count, flags) = read_leb(section, 0)?;
    let (first, rest) = read_leb(section, flags + 1)?;
    if count != 1 || first <= pages {
        return None;
    }
    let mut body = section.get(..=flags)?.to_vec();
    write_leb(&mut body, pages);
    body.extend_from_slice(section.get(rest..)?);
    Some(body)
}

fn with_one_more_export(section: &[u8]) -> Option<Vec<u8>> {
    let (count, exports) = read_leb(section, 0)?;
    let mut body = Vec::with_capacity(section.len() + STACK_POINTER.len() + 8);
    write_leb(&mut body, count.checked_add(1)?);
    body.extend_from_slice(section.get(exports..)?);
    write_leb(&mut body, u32::try_from(STACK_POINTER.len()).ok()?);
    body.extend_from_slice(STACK_POINTER.as_bytes());
    body.push(KIND_GLOBAL);
    write_leb(&mut body, 0);
    Some(body)
}

/// Reads an unsigned LEB128 number. Returns it with the position after it.
fn read_leb(bytes: &[u8], start: usize) -> Option<(u32, usize)> {
    let mut value: u32 = 0;
    for (index, shift) in (start..).zip((0..32).step_by(7)) {
        let byte = *bytes.get(index)?;
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

fn write_leb(out: &mut Vec<u8>, mut value: u32) {
    loop {
        let low = value.to_le_bytes().first().copied().unwrap_or(0) & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leb128_round_trip() {
        for value in [0, 1, 127, 128, 300, 65_535, u32::MAX] {
            let mut bytes = Vec::new();
            write_leb(&mut bytes, value);
            assert_eq!(read_leb(&bytes, 0), Some((value, bytes.len())));
        }
    }

    #[test]
    fn random_bytes_are_refused() {
        assert_eq!(prepare(b""), None);
        assert_eq!(prepare(b"\0asm\x01\0\0\0"), None);
        assert_eq!(prepare(b"\0asm\x01\0\0\0\x07\xff\xff\xff\xff\x0f"), None);
        assert_eq!(prepare(b"\0asm\x01\0\0\0\x07\x05\x01"), None);
    }

    #[test]
    fn missing_exports_are_added() {
        // One export, "m" = memory 0.
        let wasm = b"\0asm\x01\0\0\0\x07\x05\x01\x01m\x02\x00";
        let changed = prepare(wasm).unwrap();
        let name = STACK_POINTER.as_bytes();
        let mut expected = b"\0asm\x01\0\0\0\x07".to_vec();
        expected.push(5 + 3 + u8::try_from(name.len()).unwrap());
        expected.extend_from_slice(b"\x02\x01m\x02\x00");
        expected.push(u8::try_from(name.len()).unwrap());
        expected.extend_from_slice(name);
        expected.extend_from_slice(b"\x03\x00");
        assert_eq!(changed, expected);
    }

    #[test]
    fn the_memory_begins_with_the_data_and_two_mebibytes() {
        let check = |data: &[u8]| {
            let mut wasm =
                b"\0asm\x01\0\0\0\x05\x06\x01\x01\x83\x02\x80\x02\x07\x01\x00\x0b".to_vec();
            write_leb(&mut wasm, u32::try_from(data.len()).unwrap());
            wasm.extend_from_slice(data);
            let changed = prepare(&wasm).unwrap();
            let (_, memory) = sections(&changed).next().unwrap().unwrap();
            (read_leb(memory, 2).unwrap().0, *memory.last().unwrap())
        };
        // Two segments: three bytes at 8, one at 65,536.
        let active = b"\x02\x00\x41\x08\x0b\x03abc\x00\x41\x80\x80\x04\x0b\x01d";
        assert_eq!(check(active), (34, 2));
        // A passive segment can go anywhere.
        assert_eq!(check(b"\x01\x01\x03abc"), (259, 2));
        assert_eq!(check(b"\x05"), (259, 2));
    }
}

//! A small change to the VM file when it is loaded.

use std::ops::Range;

/// The name under which the stack pointer is exported.
pub(crate) const STACK_POINTER: &str = "__virtual_board_stack_pointer";

const EXPORT_SECTION: u8 = 7;
const KIND_GLOBAL: u8 = 3;
const HEADER: usize = 8;

/// Adds an export of the first global, which is the C stack pointer in everything `wasm-ld` links, so that
/// the host reads it without calling the firmware. Returns `None` if the file has another layout.
pub(crate) fn export_stack_pointer(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut out = wasm.get(..HEADER)?.to_vec();
    let mut at = HEADER;
    let mut has_exports = false;
    while at < wasm.len() {
        let id = *wasm.get(at)?;
        let (len, start) = read_leb(wasm, at + 1)?;
        let body: Range<usize> = start..start.checked_add(usize::try_from(len).ok()?)?;
        at = body.end;
        let body = wasm.get(body)?;
        out.push(id);
        if id == EXPORT_SECTION {
            has_exports = true;
            let body = with_one_more_export(body)?;
            write_leb(&mut out, u32::try_from(body.len()).ok()?);
            out.extend_from_slice(&body);
        } else {
            write_leb(&mut out, len);
            out.extend_from_slice(body);
        }
    }
    has_exports.then_some(out)
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
        assert_eq!(export_stack_pointer(b""), None);
        assert_eq!(export_stack_pointer(b"\0asm\x01\0\0\0"), None);
        assert_eq!(
            export_stack_pointer(b"\0asm\x01\0\0\0\x07\xff\xff\xff\xff\x0f"),
            None
        );
        assert_eq!(export_stack_pointer(b"\0asm\x01\0\0\0\x07\x05\x01"), None);
    }

    #[test]
    fn missing_exports_are_added() {
        // One export, "m" = memory 0.
        let wasm = b"\0asm\x01\0\0\0\x07\x05\x01\x01m\x02\x00";
        let changed = export_stack_pointer(wasm).unwrap();
        let name = STACK_POINTER.as_bytes();
        let mut expected = b"\0asm\x01\0\0\0\x07".to_vec();
        expected.push(5 + 3 + u8::try_from(name.len()).unwrap());
        expected.extend_from_slice(b"\x02\x01m\x02\x00");
        expected.push(u8::try_from(name.len()).unwrap());
        expected.extend_from_slice(name);
        expected.extend_from_slice(b"\x03\x00");
        assert_eq!(changed, expected);
    }
}

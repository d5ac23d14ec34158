//! The numbers of an `array.array` as bytes, as boards have them in memory: all are little-endian.

use super::int::Int;
use super::parse::parse;
use super::value::Value;

/// Returns the array that a board has in memory as `bytes`, its items `size` bytes each; `None` if its type code has no such size, or
/// the bytes are not a number of items.
pub fn unpacked(typecode: char, size: usize, bytes: &[u8]) -> Option<Value> {
    if !(1..=8).contains(&size) || !bytes.len().is_multiple_of(size) {
        return None;
    }
    let items: Option<Vec<Value>> = bytes
        .chunks(size)
        .map(|item| number(typecode, item))
        .collect();
    Some(Value::Array {
        typecode,
        items: items?,
    })
}

fn number(typecode: char, item: &[u8]) -> Option<Value> {
    match (typecode, item) {
        ('f', item) => Some(Value::Float(
            f32::from_le_bytes(item.try_into().ok()?).into(),
        )),
        ('d', item) => Some(Value::Float(f64::from_le_bytes(item.try_into().ok()?))),
        ('B' | 'H' | 'I' | 'L' | 'Q', item) => {
            let bits = bits(item);
            Some(Value::Int(Int::from(bits)))
        }
        ('b' | 'h' | 'i' | 'l' | 'q', item) => {
            let shift = 64 - 8 * u32::try_from(item.len()).ok()?;
            let bits = bits(item) << shift;
            Some(Value::Int(Int::from(bits.cast_signed() >> shift)))
        }
        _ => None,
    }
}

fn bits(item: &[u8]) -> u64 {
    item.iter()
        .rev()
        .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// Returns type code and bytes of an array, from the text of a tuple of its type code and its numbers; `None` where boards have the type
/// in several sizes, or a number does not fit.
pub(super) fn packed(tuple: &str) -> Option<(char, Vec<u8>)> {
    let Ok(Value::Tuple(parts)) = parse(tuple.as_bytes()) else {
        return None;
    };
    let [Value::Str(typecode), Value::List(items)] = parts.as_slice() else {
        return None;
    };
    let mut characters = typecode.chars();
    let (typecode, None) = (characters.next()?, characters.next()) else {
        return None;
    };
    let mut bytes = Vec::new();
    for item in items {
        push(typecode, item, &mut bytes)?;
    }
    Some((typecode, bytes))
}

fn push(typecode: char, item: &Value, bytes: &mut Vec<u8>) -> Option<()> {
    let integer = || match item {
        Value::Int(number) => number.to_i128(),
        Value::Bool(truth) => Some(i128::from(*truth)),
        _ => None,
    };
    let float = || match item {
        Value::Float(number) => Some(*number),
        _ => integer().map(|number| number as f64),
    };
    match typecode {
        'b' => bytes.extend(i8::try_from(integer()?).ok()?.to_le_bytes()),
        'B' => bytes.push(u8::try_from(integer()?).ok()?),
        'h' => bytes.extend(i16::try_from(integer()?).ok()?.to_le_bytes()),
        'H' => bytes.extend(u16::try_from(integer()?).ok()?.to_le_bytes()),
        'i' => bytes.extend(i32::try_from(integer()?).ok()?.to_le_bytes()),
        'I' => bytes.extend(u32::try_from(integer()?).ok()?.to_le_bytes()),
        'q' => bytes.extend(i64::try_from(integer()?).ok()?.to_le_bytes()),
        'Q' => bytes.extend(u64::try_from(integer()?).ok()?.to_le_bytes()),
        'f' => bytes.extend((float()? as f32).to_le_bytes()),
        'd' => bytes.extend(float()?.to_le_bytes()),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_the_same_as_bytes() {
        for (tuple, size) in [
            ("('b', [-128, 127])", 1),
            ("('B', [0, 255])", 1),
            ("('h', [-2, 3])", 2),
            ("('H', [65535])", 2),
            ("('i', [-2147483648, 7])", 4),
            ("('I', [4294967295])", 4),
            ("('q', [-9223372036854775808])", 8),
            ("('Q', [18446744073709551615])", 8),
            ("('f', [1.5, -0.25])", 4),
            ("('d', [1e300])", 8),
            ("('d', [])", 8),
        ] {
            let (typecode, bytes) = packed(tuple).unwrap();
            let array = unpacked(typecode, size, &bytes).unwrap();
            let Value::Array { items, .. } = &array else {
                panic!("{array:?}");
            };
            let list = Value::List(items.clone());
            assert_eq!(format!("('{typecode}', {list})"), tuple);
        }
        // A long has 4 bytes on most boards, 8 on others.
        let eight = unpacked('l', 8, &(-3_i64).to_le_bytes()).unwrap();
        let four = unpacked('l', 4, &(-3_i32).to_le_bytes()).unwrap();
        assert_eq!(eight, four);
        for tuple in [
            "('l', [1])",
            "('O', [1])",
            "('b', [128])",
            "('i', [1.5])",
            "('ab', [])",
            "('B')",
        ] {
            assert_eq!(packed(tuple), None, "{tuple}");
        }
        assert_eq!(unpacked('i', 4, b"12345"), None);
        assert_eq!(unpacked('f', 8, b"12345678"), None);
        assert_eq!(unpacked('i', 0, b""), None);
    }
}

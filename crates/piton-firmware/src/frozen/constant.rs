//! Constants of frozen modules in C.

use std::fmt::Write as _;

use super::c_file::Sizes;
use super::file::{Object, Shared};
use super::{FreezeError, LongIntegers, Target, names};

/// Writes constants.
pub(super) struct Constants<'a> {
    pub(super) out: &'a mut String,
    pub(super) shared: &'a Shared,
    pub(super) target: &'a Target,
    pub(super) sizes: &'a mut Sizes,
}

impl Constants<'_> {
    /// Writes what a constant needs, and returns how the table names it.
    pub(super) fn write(&mut self, name: &str, object: &Object) -> Result<String, FreezeError> {
        Ok(match object {
            Object::FunctionTable => "&mp_fun_table".to_owned(),
            Object::None => "MP_ROM_NONE".to_owned(),
            Object::False => "MP_ROM_FALSE".to_owned(),
            Object::True => "MP_ROM_TRUE".to_owned(),
            Object::Ellipsis => "MP_ROM_PTR(&mp_const_ellipsis_obj)".to_owned(),
            Object::Text(text) if text.is_empty() => "MP_ROM_QSTR(MP_QSTR_)".to_owned(),
            Object::Text(text) => match self.shared.find(text) {
                Some(qstr) => format!("MP_ROM_QSTR(MP_QSTR_{})", qstr.escaped),
                None => self.string(name, "mp_type_str", text.as_bytes()),
            },
            Object::Bytes(bytes) if bytes.is_empty() => {
                "MP_ROM_PTR(&mp_const_empty_bytes_obj)".to_owned()
            }
            Object::Bytes(bytes) => self.string(name, "mp_type_bytes", bytes),
            Object::Integer(digits) => self.integer(name, digits)?,
            Object::Float(value) => self.float(name, *value)?,
            Object::Complex(real, imaginary) => {
                let (real, imaginary) = (general(*real), general(*imaginary));
                let _ = writeln!(
                    self.out,
                    "static const mp_obj_complex_t {name} = {{{{&mp_type_complex}}, (mp_float_t){real}, (mp_float_t){imaginary}}};"
                );
                format!("MP_ROM_PTR(&{name})")
            }
            Object::Tuple(items) if items.is_empty() => {
                "MP_ROM_PTR(&mp_const_empty_tuple_obj)".to_owned()
            }
            Object::Tuple(items) => {
                let mut references = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    references.push(self.write(&format!("{name}_{index}"), item)?);
                }
                let _ = writeln!(
                    self.out,
                    "static const mp_rom_obj_tuple_t {name} = {{{{&mp_type_tuple}}, {}, {{",
                    items.len()
                );
                for reference in references {
                    let _ = writeln!(self.out, "    {reference},");
                }
                self.out.push_str("}};\n");
                format!("MP_ROM_PTR(&{name})")
            }
        })
    }

    fn string(&mut self, name: &str, kind: &str, bytes: &[u8]) -> String {
        let hash = names::hash(bytes, self.target.bytes_in_hash);
        let digits: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let _ = writeln!(
            self.out,
            "static const mp_obj_str_t {name} = {{{{&{kind}}}, {hash}, {}, (const byte*)\"{digits}\"}};",
            bytes.len()
        );
        self.sizes.strings += bytes.len();
        self.sizes.objects += 16;
        format!("MP_ROM_PTR(&{name})")
    }

    fn integer(&mut self, name: &str, digits: &str) -> Result<String, FreezeError> {
        // What every target holds in a word: 14 bits.
        if digits
            .parse()
            .is_ok_and(|value: i32| (-0x2000..=0x1fff).contains(&value))
        {
            return Ok(format!("MP_ROM_INT({digits})"));
        }
        match self.target.long_integers {
            LongIntegers::None => return Err(FreezeError::NoLongIntegers),
            LongIntegers::LongLong => {
                let _ = writeln!(
                    self.out,
                    "static const mp_obj_int_t {name} = {{{{&mp_type_int}}, {digits}}};"
                );
            }
            LongIntegers::Mpz => {
                let size = self.target.mpz_digit_size;
                let words = mpz_digits(digits.trim_start_matches('-'), size);
                let negative = u8::from(digits.starts_with('-'));
                let count = words.len();
                let _ = writeln!(
                    self.out,
                    "static const mp_obj_int_t {name} = {{{{&mp_type_int}}, {{.neg={negative}, .fixed_dig=1, .alloc={count}, .len={count}, \
                     .dig=(uint{size}_t*)(const uint{size}_t[]){{{}}}}}}};",
                    words.join(",")
                );
                self.sizes.integers += count * size / 8;
                self.sizes.objects += 16;
            }
        }
        Ok(format!("MP_ROM_PTR(&{name})"))
    }

    fn float(&mut self, name: &str, value: f64) -> Result<String, FreezeError> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the representation has 32 bits"
        )]
        let single = value as f32;
        if single.is_infinite() && value.is_finite() {
            return Err(FreezeError::LargeFloat { value });
        }
        let macro_name = format!("{name}_macro");
        // Upstream adds without a limit: a carry makes one digit more.
        let short = u64::from((single.to_bits() & !3) | 2) + 0x8080_0000_u64;
        let long = u128::from(value.to_bits()) + 0x8004_0000_0000_0000;
        let _ = write!(
            self.out,
            "#if MICROPY_OBJ_REPR == MICROPY_OBJ_REPR_A || MICROPY_OBJ_REPR == MICROPY_OBJ_REPR_B\n\
             static const mp_obj_float_t {name} = {{{{&mp_type_float}}, (mp_float_t){}}};\n\
             #define {macro_name} MP_ROM_PTR(&{name})\n\
             #elif MICROPY_OBJ_REPR == MICROPY_OBJ_REPR_C\n\
             #define {macro_name} ((mp_rom_obj_t)(0x{short:08x}))\n\
             #elif MICROPY_OBJ_REPR == MICROPY_OBJ_REPR_D\n\
             #define {macro_name} ((mp_rom_obj_t)(0x{long:016x}))\n#endif\n",
            general(value)
        );
        self.sizes.objects += 12;
        Ok(macro_name)
    }
}

/// Returns the digits of a decimal number in base 2^`size`, the lowest first.
fn mpz_digits(decimal: &str, size: usize) -> Vec<String> {
    let mut bytes: Vec<u8> = Vec::new();
    for digit in decimal.bytes() {
        let mut carry = u32::from(digit.wrapping_sub(b'0'));
        for byte in &mut bytes {
            let value = u32::from(*byte) * 10 + carry;
            *byte = value.to_le_bytes().first().copied().unwrap_or(0);
            carry = value >> 8;
        }
        if carry > 0 {
            bytes.push(carry.to_le_bytes().first().copied().unwrap_or(0));
        }
    }
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    };
    let size = size.clamp(1, 64);
    let mut words: Vec<u64> = (0..(bytes.len() * 8).div_ceil(size))
        .map(|word| {
            (0..size)
                .filter(|&place| bit(word * size + place))
                .fold(0, |value, place| value | 1 << place)
        })
        .collect();
    while words.last() == Some(&0) {
        words.pop();
    }
    words.into_iter().map(|word| format!("{word:#x}")).collect()
}

/// `%.16g` of C.
fn general(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:.15e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(digits), exponent.abs());
    }
    let places = usize::try_from(15 - exponent).unwrap_or(0);
    trimmed(&format!("{value:.places$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_and_python_write_them() {
        let cases = [
            (0.1, "0.1"),
            (1e300, "1e+300"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (-2.5, "-2.5"),
            (1.0 / 3.0, "0.3333333333333333"),
        ];
        for (value, text) in cases {
            assert_eq!(general(value), text);
        }
        assert_eq!(general(1e-5), "1e-05");
        assert_eq!(general(-0.0), "-0");
        assert_eq!(mpz_digits("65536", 16), ["0x0", "0x1"]);
        assert_eq!(mpz_digits("4294967295", 16), ["0xffff", "0xffff"]);
        assert_eq!(
            mpz_digits("18446744073709551616", 32),
            ["0x0", "0x0", "0x1"]
        );
    }
}

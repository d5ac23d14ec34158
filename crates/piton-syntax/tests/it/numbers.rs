//! The texts of floats.

use piton_syntax::number::{complex_text, float_text};
use piton_syntax::target::Floats;

#[test]
fn floats_are_printed_as_the_official_compiler_prints_them() {
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1.0 / 3.0,
        100.0,
        1e15,
        1e16,
        1e22,
        1e23,
        1e-4,
        1e-5,
        1.5e300,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let texts = values.map(|value| format!("{value:e}: {}", float_text(value, Floats::Extended)));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn every_text_is_read_back_as_its_float() {
    let mut state = 0x0123_4567_89ab_cdef_u64;
    for _ in 0..2000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let value = f64::from_bits(state);
        if value.is_finite() {
            let text = float_text(value, Floats::Extended);
            let read: f64 = text.parse().expect("a float");
            // The official compiler prints at most 19 digits, and computes them in 80 bits: the last bit can differ.
            let distance = read.to_bits().abs_diff(value.to_bits());
            assert!(distance <= 1, "{value:e} as {text}");
        }
    }
}

#[test]
fn complex_numbers_get_no_decimal_point() {
    for (value, text) in [(1.0, "1j"), (2.5, "2.5j"), (-0.0, "-0j")] {
        assert_eq!(complex_text(value, Floats::Extended), text);
    }
}

#[test]
fn every_release_prints_a_point() {
    for floats in [Floats::Scaled, Floats::Subtracted, Floats::Whole] {
        assert_eq!(float_text(1.0, floats), "1.0");
        assert_eq!(float_text(0.5, floats), "0.5");
    }
}

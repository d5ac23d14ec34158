//! Sources that would break a careless compiler. The official one takes minutes for some of them,
//! so only our own outcome is looked at.

use piton_compiler::{Diagnostic, DiagnosticCode, Emitter, ErrorType, Options, Target, compile};
use piton_mpy::header::Arch;
use piton_mpy::module::{ConstObject, MAX_TUPLE_DEPTH, Module};

fn check(source: impl AsRef<[u8]>) -> Result<Module, Diagnostic> {
    compile(source.as_ref(), &Options::new("deep.py"))
}

#[test]
fn fifty_thousand_nested_brackets_need_no_stack() {
    const DEPTH: usize = 50_000;
    let around = |open: &str, inner: &str, close: &str| {
        format!("x = {}{inner}{}\n", open.repeat(DEPTH), close.repeat(DEPTH))
    };
    let nested = [
        around("[", "", "]"),
        around("(", "a", ")"),
        around("(", "a", ",)"),
        around("{1:", "2", "}"),
        around("f(", "2", ")"),
        around("a[", "0", "]"),
        around("-", "a", ""),
        around("not ", "a", ""),
        around("lambda: ", "a", ""),
        around("a ** ", "b", ""),
        around("a if b else ", "c", ""),
        format!("{}a{} = b\n", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        format!("del {}a{}\n", "(".repeat(DEPTH), ",)".repeat(DEPTH)),
    ];
    for source in nested {
        // Jumps across all of it can be too long; nothing else can go wrong.
        if let Err(diagnostic) = check(&source) {
            assert_eq!(diagnostic.message, "bytecode overflow", "{}", &source[..20]);
        }
    }
    for open in ["(", "[", "{", "f(", "a[", "lambda: "] {
        let diagnostic = check(open.repeat(DEPTH)).unwrap_err();
        assert_eq!(diagnostic.message, "invalid syntax");
    }
    let constants = check(around("(", "1", ",)")).unwrap_err();
    assert_eq!(constants.message, "maximum recursion depth exceeded");
}

#[test]
fn deep_tuples_of_constants_need_no_stack() {
    let source = |depth| format!("x = {}'a'{}\n", "(".repeat(depth), ",)".repeat(depth));
    let test = move || {
        let module = check(source(MAX_TUPLE_DEPTH)).unwrap();
        let bytes = piton_mpy::writer::write(&module).unwrap();
        let read = piton_mpy::reader::read(&bytes).unwrap();
        assert_eq!(read, module);
        assert_eq!(read.clone(), module);
        let error = check(source(MAX_TUPLE_DEPTH + 1)).unwrap_err();
        assert_eq!(error.message, "maximum recursion depth exceeded");
    };
    let thread = std::thread::Builder::new().stack_size(128 * 1024);
    thread.spawn(test).unwrap().join().unwrap();
}

#[test]
fn deeply_nested_comprehensions_compile() {
    let depth = 3_000;
    let source = format!(
        "x = {}z{}\n",
        "[".repeat(depth),
        " for y in w]".repeat(depth)
    );
    assert_eq!(check(source).unwrap().raw_codes.len(), depth + 1);
}

#[test]
fn giant_powers_are_not_folded() {
    for source in [
        "x = 9**9**9\n",
        "x = 1 << 999999999\n",
        "x = 2 ** 999999999\n",
    ] {
        assert_eq!(check(source).unwrap().objects, []);
    }
}

#[test]
fn integers_of_millions_of_digits_end_in_an_error() {
    for source in ["x = 7", "x = 0x7"].map(|start| start.to_owned() + &"7".repeat(5_000_000)) {
        assert_eq!(
            check(source).unwrap_err().error_type(),
            ErrorType::MemoryError
        );
    }
    assert_eq!(
        check("x = 7".to_owned() + &"7".repeat(20_000))
            .unwrap()
            .objects
            .len(),
        1
    );
}

#[test]
fn constants_that_double_at_each_step_end_in_an_error() {
    let mut source = String::from("A = const((1, 2))\n");
    for (inner, outer) in ('A'..='Y').zip('B'..='Z') {
        source += &format!("{outer} = const(({inner}, {inner}))\n");
    }
    let diagnostic = check(source + "x = Z\n").unwrap_err();
    assert_eq!(diagnostic.error_type(), ErrorType::MemoryError);
}

#[test]
fn any_bytes_can_be_source() {
    let all: Vec<u8> = (0..=255).collect();
    for start in 0..all.len() {
        let _either = check(&all[start..]);
    }
    for source in [
        "",
        "\n",
        "\0",
        "\r",
        "\r\n",
        "\\",
        "\u{feff}x = 1",
        "#",
        "\t",
        "'",
        "f'{",
        "t'{x:{",
    ] {
        let _either = check(source);
    }
    assert!(check("\u{feff}x = 1").is_ok());
}

#[test]
fn machine_code_needs_an_architecture_and_a_firmware_that_is_known() {
    let source = b"@micropython.native\ndef f(): pass\n";
    let diagnostic = check(source).unwrap_err();
    assert_eq!(diagnostic.message, "invalid arch");

    let options = Options {
        arch: Some(Arch::X64),
        ..Options::new("native.py")
    };
    for (release, arch) in [("1.18", Arch::ArmV6M), ("1.23", Arch::Rv32Imc)] {
        let options = Options {
            arch: Some(arch),
            target: Target::from_name(&format!("micropython-{release}")).unwrap(),
            ..options.clone()
        };
        let diagnostic = compile(source, &options).unwrap_err();
        assert_eq!(diagnostic.error_type(), ErrorType::NotImplementedError);
        assert!(diagnostic.message.contains("not supported"));
        assert!(compile(b"x = 1\n", &options).is_ok());
    }

    let options = Options {
        default_emitter: Emitter::Native,
        target: Target::NEWEST,
        ..options
    };
    assert!(compile(b"x = 1\n", &options).is_ok());
    let none = Options {
        arch: None,
        ..options
    };
    let diagnostic = compile(b"x = 1\n", &none).unwrap_err();
    assert_eq!(diagnostic.code, DiagnosticCode::NativeArchitecture);
}

#[test]
fn header_facts_are_kept() {
    let options = Options {
        small_int_bits: 44,
        arch_flags: 1,
        ..Options::new("header.py")
    };
    let module = compile(b"x = (1, 1 << 50)\n", &options).unwrap();
    assert_eq!(module.header.small_int_bits, 44);
    assert_eq!(module.header.arch_flags, Some(1));
    let tuple = ["1", "1125899906842624"].map(|text| ConstObject::Int(text.to_owned()));
    assert_eq!(module.objects, [ConstObject::Tuple(tuple.to_vec())]);
}

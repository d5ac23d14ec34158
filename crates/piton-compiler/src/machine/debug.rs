//! No processor: a listing of the operations (`py/emitndebug.c`).

use std::fmt::Write as _;

use super::{
    Arithmetic, Assembler, Comparison, Description, Fun, Machine, Pass, Register, Shift, Width,
};
use crate::emit::Label;

static DESCRIPTION: Description = Description {
    word_size: 8,
    result: Register(0),
    arguments: [Register(1), Register(2), Register(3), Register(4)],
    parent_result: Register(0),
    parent_arguments: [Register(1), Register(2), Register(3), Register(4)],
    temporaries: [Register(5), Register(6), Register(7)],
    locals: [Register(8), Register(9), Register(10)],
    fun_table: Register(11),
    zero: None,
    nlr_registers: 0,
    nlr_locals: [5, 6, 7],
    needs_setjmp: false,
    arguments_on_stack: false,
    shift_count: None,
    stores_from_argument_3: false,
    has_not: true,
    loads_any_element: [false, true, false],
    stores_any_element: [false; 3],
};

/// Names of the registers by their numbers.
const REGISTERS: [&str; 12] = [
    "r_ret",
    "r_arg1",
    "r_arg2",
    "r_arg3",
    "r_arg4",
    "r_temp0",
    "r_temp1",
    "r_temp2",
    "r_local1",
    "r_local2",
    "r_local3",
    "r_fun_table",
];

/// The machine that only lists what is asked of it.
#[derive(Debug, Default)]
pub(crate) struct Debug {
    assembler: Assembler,
    listing: Vec<u8>,
}

fn name(register: Register) -> &'static str {
    let name = REGISTERS.get(usize::from(register.0));
    name.copied().unwrap_or_default()
}

/// Returns the name of a runtime function in the listing.
fn fun_name(fun: Fun) -> &'static str {
    match fun {
        // Constants are not called.
        Fun::ConstNone | Fun::ConstFalse | Fun::ConstTrue => "",
        Fun::ConvertObjectToNative => "convert_obj_to_native",
        Fun::ConvertNativeToObject => "convert_native_to_obj",
        Fun::SwapGlobals => "native_swap_globals",
        Fun::LoadName => "load_name",
        Fun::LoadGlobal => "load_global",
        Fun::LoadBuildClass => "load_build_class",
        Fun::LoadAttribute => "load_attr",
        Fun::LoadMethod => "load_method",
        Fun::LoadSuperMethod => "load_super_method",
        Fun::StoreName => "store_name",
        Fun::StoreGlobal => "store_global",
        Fun::StoreAttribute => "store_attr",
        Fun::Subscript => "obj_subscr",
        Fun::IsTrue => "obj_is_true",
        Fun::UnaryOperator => "unary_op",
        Fun::BinaryOperator => "binary_op",
        Fun::BuildTuple => "build_tuple",
        Fun::BuildList => "build_list",
        Fun::BuildMap => "build_map",
        Fun::BuildSet => "build_set",
        Fun::StoreSet => "store_set",
        Fun::ListAppend => "list_append",
        Fun::StoreMap => "store_map",
        Fun::MakeFunction => "make_function_from_proto_fun",
        Fun::CallFunction => "native_call_function_n_kw",
        Fun::CallMethod => "call_method_n_kw",
        Fun::CallMethodWithStars => "call_method_n_kw_var",
        Fun::GetIterator => "native_getiter",
        Fun::NextItem => "native_iternext",
        Fun::NlrPush => "nlr_push",
        Fun::NlrPop => "nlr_pop",
        Fun::Raise => "native_raise",
        Fun::ImportName => "import_name",
        Fun::ImportFrom => "import_from",
        Fun::ImportAll => "import_all",
        Fun::NewSlice => "new_slice",
        Fun::UnpackSequence => "unpack_sequence",
        Fun::UnpackEx => "unpack_ex",
        Fun::DeleteName => "delete_name",
        Fun::DeleteGlobal => "delete_global",
        Fun::NewClosure => "new_closure",
        Fun::CheckArgumentCount => "arg_check_num_sig",
        Fun::SetupCodeState => "setup_code_state",
        Fun::FloorDivide => "small_int_floor_divide",
        Fun::Modulo => "small_int_modulo",
        Fun::YieldFrom => "native_yield_from",
        Fun::Setjmp => "setjmp",
    }
}

fn width_bits(width: Width) -> u8 {
    8 * width.bytes()
}

impl Debug {
    /// Adds a line, indented if it belongs to a function's body.
    fn line(&mut self, text: &str) {
        if self.assembler.pass() != Pass::Emit {
            return;
        }
        if !text.starts_with('E') {
            self.listing.extend_from_slice(b"    ");
        }
        if self.assembler.is_suppressed() {
            self.listing.extend_from_slice(b"dead_code ");
        }
        self.listing.extend_from_slice(text.as_bytes());
        self.listing.push(b'\n');
    }

    fn one(&mut self, operation: &str, register: Register) {
        self.line(&format!("{operation}({})", name(register)));
    }

    fn two(&mut self, operation: &str, first: Register, second: Register) {
        self.line(&format!("{operation}({}, {})", name(first), name(second)));
    }

    /// An operation with two registers and an offset, of which the low 32 bits count.
    fn offset(&mut self, operation: &str, first: Register, second: Register, offset: i64) {
        let (first, second) = (name(first), name(second));
        let offset = offset as i32;
        self.line(&format!("{operation}({first}, {second}, {offset})"));
    }
}

impl Machine for Debug {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn assign(&mut self, label: Label) {
        self.assembler.assign(label);
        if self.assembler.pass() == Pass::Emit {
            let line = format!("label(label_{})\n", label.0);
            self.listing.extend_from_slice(line.as_bytes());
        }
    }

    fn copies_closed_function(&self) -> bool {
        // The official compiler compares registers in its preprocessor, where these are all the same.
        false
    }

    fn take_listing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.listing)
    }

    fn entry(&mut self, locals: usize, name: &[u8]) {
        if self.assembler.pass() != Pass::Emit {
            return;
        }
        // The name need not be UTF-8.
        let mut line = b"ENTRY(".to_vec();
        line.extend_from_slice(name);
        line.extend_from_slice(format!(", num_locals={locals})\n").as_bytes());
        self.listing.append(&mut line);
    }

    fn exit(&mut self) {
        self.line("EXIT(0)");
    }

    fn jump(&mut self, label: Label) {
        self.line(&format!("jump(label_{})", label.0));
    }

    fn jump_if_zero(&mut self, register: Register, label: Label, is_bool: bool) {
        let register = name(register);
        self.line(&format!(
            "jump_if_reg_zero({register}, label_{}, {is_bool})",
            label.0
        ));
    }

    fn jump_if_nonzero(&mut self, register: Register, label: Label, is_bool: bool) {
        let register = name(register);
        self.line(&format!(
            "jump_if_reg_nonzero({register}, label_{}, {is_bool})",
            label.0
        ));
    }

    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label) {
        let (first, second) = (name(first), name(second));
        self.line(&format!(
            "jump_if_reg_eq({first}, {second}, label_{})",
            label.0
        ));
    }

    fn jump_to(&mut self, register: Register) {
        self.one("jump_reg", register);
    }

    fn call(&mut self, fun: Fun) {
        self.line(&format!("call_ind({})", fun_name(fun)));
    }

    fn store_local(&mut self, local: usize, source: Register) {
        self.line(&format!("mov_local_reg(local_{local}, {})", name(source)));
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        self.line(&format!(
            "mov_reg_local({}, local_{local})",
            name(destination)
        ));
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        self.line(&format!(
            "mov_reg_local_addr({}, local_{local})",
            name(destination)
        ));
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        let mut line = format!("mov_reg_imm({}", name(destination));
        let value = value as i32;
        let _ = write!(line, ", {value}=0x{value:x})");
        self.line(&line);
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.two("mov_reg_reg", destination, source);
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        self.line(&format!(
            "mov_reg_pcrel({}, label_{})",
            name(destination),
            label.0
        ));
    }

    fn clear(&mut self, register: Register) {
        self.one("clr", register);
    }

    fn not(&mut self, register: Register) {
        self.one("not", register);
    }

    fn negate(&mut self, register: Register) {
        self.one("neg", register);
    }

    fn shift(&mut self, shift: Shift, destination: Register, count: Register) {
        let operation = match shift {
            Shift::Left => "lsl",
            Shift::RightLogical => "lsr",
            Shift::RightArithmetic => "asr",
        };
        self.two(operation, destination, count);
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        let operation = match operation {
            Arithmetic::Or => "or",
            Arithmetic::Xor => "xor",
            Arithmetic::And => "and",
            Arithmetic::Add => "add",
            Arithmetic::Subtract => "sub",
            Arithmetic::Multiply => "mul",
        };
        self.two(operation, destination, source);
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let signed = if is_unsigned { 0 } else { 6 };
        let index = comparison as usize + signed;
        let [result, left, right] = [DESCRIPTION.result, left, right].map(name);
        self.line(&format!("setcc({index}, {result}, {left}, {right})"));
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        self.offset("load", destination, base, offset as i64);
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        self.offset("store", source, base, offset as i64);
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        if width == Width::Bits16 {
            self.offset("load16", destination, base, index);
        } else {
            let operation = format!("load{}", width_bits(width));
            self.two(&operation, destination, base);
        }
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, _index: i64) {
        self.two(&format!("store{}", width_bits(width)), source, base);
    }

    fn load_indexed(
        &mut self,
        width: Width,
        destination: Register,
        base: Register,
        index: Register,
    ) {
        for _ in 0..width.bytes() {
            self.arithmetic(Arithmetic::Add, base, index);
        }
        self.two(&format!("load{}", width_bits(width)), destination, base);
    }
}

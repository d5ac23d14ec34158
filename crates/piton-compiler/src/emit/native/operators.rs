//! Unary and binary operators.

use super::Emitter;
use super::value::ValueType;
use crate::emit::operator;
use crate::machine::{Arithmetic, Comparison, Fun, Register, Shift};
use piton_syntax::diagnostic::DiagnosticCode;

/// What an operator does to two integers of viper, in the operators' order from `|` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IntegerOperation {
    Arithmetic(Arithmetic),
    Shift { is_left: bool },
    FloorDivide,
    Modulo,
    None,
}

/// Returns what an operator does to integers.
fn integer_operation(operator: u8) -> IntegerOperation {
    match operator.wrapping_sub(operator::OR) {
        0 => IntegerOperation::Arithmetic(Arithmetic::Or),
        1 => IntegerOperation::Arithmetic(Arithmetic::Xor),
        2 => IntegerOperation::Arithmetic(Arithmetic::And),
        3 => IntegerOperation::Shift { is_left: true },
        4 => IntegerOperation::Shift { is_left: false },
        5 => IntegerOperation::Arithmetic(Arithmetic::Add),
        6 => IntegerOperation::Arithmetic(Arithmetic::Subtract),
        7 => IntegerOperation::Arithmetic(Arithmetic::Multiply),
        9 => IntegerOperation::FloorDivide,
        11 => IntegerOperation::Modulo,
        _ => IntegerOperation::None,
    }
}

impl Emitter<'_> {
    pub(super) fn unary(&mut self, operator: u8) {
        let value_type = self.peek_type(0);
        if value_type.is_integer() && self.rules.native.unary_integers {
            self.unary_integer(operator);
        } else if value_type == ValueType::OBJECT {
            self.pop(self.description.arguments[1]);
            self.call_with(Fun::UnaryOperator, &[(0, operator.into())]);
            self.push_result();
        } else if !self.rules.native.unary_integers {
            self.pop(self.description.arguments[1]);
            self.adjust(1);
            let message = "unary op  not implemented".to_owned();
            self.type_error(DiagnosticCode::ViperUnary, Some(message));
        } else {
            self.cannot(DiagnosticCode::ViperUnary, "do unary op of", value_type);
        }
    }

    fn unary_integer(&mut self, operator: u8) {
        let result = self.description.result;
        match operator {
            operator::UNARY_POSITIVE => {}
            operator::UNARY_NEGATIVE => {
                let (value_type, register) = self.pop_operand(&[result]);
                self.machine.negate(register);
                self.push(value_type, register);
            }
            operator::UNARY_INVERT => {
                let [first, second, ..] = self.description.arguments;
                let moved = self.rules.native.unary_in_result && result == first;
                let mask = if moved { second } else { first };
                let has_not = self.description.has_not;
                let taken = if has_not { result } else { mask };
                let (value_type, register) = self.pop_operand(&[result, taken]);
                if has_not {
                    self.machine.not(register);
                } else {
                    self.machine.load_immediate(mask, -1);
                    self.machine.arithmetic(Arithmetic::Xor, register, mask);
                }
                self.push(value_type, register);
            }
            _ => self.type_error(DiagnosticCode::ViperNot, None),
        }
    }

    /// Takes the operand of a unary operator off the stack into the register that gets the result; not one of `but`.
    fn pop_operand(&mut self, but: &[Register]) -> (ValueType, Register) {
        let result = self.description.result;
        if self.rules.native.unary_in_result {
            (self.pop(result), result)
        } else {
            self.pop_flexible(result, but)
        }
    }

    /// Does a binary operator, or its opposite: `not in`, `is not`.
    pub(super) fn binary(&mut self, operator: u8, negated: bool) {
        let (left, right) = (self.peek_type(1), self.peek_type(0));
        let is_number = |value_type: ValueType| {
            value_type == ValueType::INT
                || self.rules.native.unsigned_integers && value_type.is_integer()
        };
        if is_number(left) && is_number(right) {
            self.binary_integer(operator, negated);
        } else if left == ValueType::OBJECT && right == ValueType::OBJECT {
            self.binary_object(operator, negated);
        } else {
            self.adjust(-1);
            let message = format!(
                "can't do binary op between '{}' and '{}'",
                left.name(),
                right.name()
            );
            self.type_error(DiagnosticCode::ViperOperands, Some(message));
        }
    }

    fn binary_object(&mut self, operator: u8, negated: bool) {
        let [_, second, third, _] = self.description.arguments;
        self.pop(third);
        self.pop(second);
        self.call_with(Fun::BinaryOperator, &[(0, operator.into())]);
        if negated {
            self.machine.copy(second, self.description.result);
            let not = operator::UNARY_NOT.into();
            self.call_with(Fun::UnaryOperator, &[(0, not)]);
        }
        self.push_result();
    }

    fn binary_integer(&mut self, operator: u8, negated: bool) {
        // The operators that change their target do the same as the others.
        let in_place = operator::INPLACE_OR..operator::OR;
        let operator = if in_place.contains(&operator) {
            operator + (operator::OR - operator::INPLACE_OR)
        } else {
            operator
        };
        let operation = integer_operation(operator);
        match (operation, self.description.shift_count) {
            (IntegerOperation::Shift { is_left }, Some(count)) => {
                let result = self.description.result;
                self.pop(count);
                let value_type = self.pop(result);
                self.machine
                    .shift(shift(is_left, value_type), result, count);
                self.push(value_type, result);
            }
            (IntegerOperation::FloorDivide, _) => self.divide(Fun::FloorDivide),
            (IntegerOperation::Modulo, _) => self.divide(Fun::Modulo),
            _ => self.binary_registers(operator, operation, negated),
        }
    }

    /// Divides by a function of the runtime.
    fn divide(&mut self, fun: Fun) {
        let [first, second, ..] = self.description.arguments;
        self.pop(second);
        let value_type = self.pop(first);
        if value_type != ValueType::INT {
            self.type_error(DiagnosticCode::ViperDivision, None);
        }
        self.call(fun);
        self.push(ValueType::INT, self.description.result);
    }

    fn binary_registers(&mut self, operator: u8, operation: IntegerOperation, negated: bool) {
        let [_, second, third, _] = self.description.arguments;
        let result = self.description.result;
        let (right_type, right) = self.pop_flexible(third, &[result, second]);
        let value_type = self.pop(second);
        match operation {
            IntegerOperation::Arithmetic(arithmetic) => {
                self.machine.arithmetic(arithmetic, second, right);
                self.push(value_type, second);
            }
            IntegerOperation::Shift { is_left } => {
                self.machine
                    .shift(shift(is_left, value_type), second, right);
                self.push(value_type, second);
            }
            _ => match Comparison::ALL.get(usize::from(operator)) {
                Some(&comparison) => {
                    if value_type != right_type {
                        self.type_error(DiagnosticCode::ViperComparison, None);
                    }
                    self.free_register(result);
                    let is_unsigned = value_type == ValueType::UINT;
                    self.machine.compare(comparison, is_unsigned, second, right);
                    self.push(ValueType::BOOL, result);
                }
                None => {
                    self.adjust(1);
                    let name = not_implemented_name(operator, negated);
                    let message = format!("binary op {name} not implemented");
                    self.type_error(DiagnosticCode::ViperBinary, Some(message));
                }
            },
        }
    }
}

/// Returns the shift of a value of this type.
fn shift(is_left: bool, value_type: ValueType) -> Shift {
    if is_left {
        Shift::Left
    } else if value_type == ValueType::UINT {
        Shift::RightLogical
    } else {
        Shift::RightArithmetic
    }
}

/// Returns the name that the official compiler has for an operator that it does not do on integers: it is built without
/// most of them, and for `not in` it reads what follows the table.
fn not_implemented_name(operator: u8, negated: bool) -> &'static str {
    if negated && operator == operator::IN {
        "__complex__"
    } else {
        ""
    }
}

//! Inline assemblers: functions under `@micropython.asm_thumb`, `asm_xtensa` and `asm_rv32` (`compile_scope_inline_asm`
//! of `py/compile.c`).
//!
//! The body of such a function is a list of calls, each of them an instruction. [`body`] reads it, [`assemble`] writes it
//! in passes: one that finds the places of labels (two for Xtensa, which has a table of constants in front of the
//! code), then one that writes the bytes. Which assembler is used depends on the architecture alone, not on the
//! decorator.
//!
//! The official compiler keeps only the last error of an instruction, and reports some errors at another line than
//! that of the instruction. Both are kept here: operands are looked at in its order, and [`Unit::fail`] replaces what was
//! reported before.

mod body;
mod rv32;
mod thumb;
mod unit;
mod xtensa;

use piton_mpy::header::Arch;
use piton_mpy::raw_code::{AsmCode, Code};

pub(crate) use self::body::check;
use self::body::{Body, Statement};
use self::unit::{Operation, Unit};
use crate::emit::{Function, Label};
use crate::machine::Pass;
use crate::options::Options;
use crate::scope::Scope;
use piton_syntax::diagnostic::{DiagnosticCode, Failure, Place};
use piton_syntax::interner::{Interner, Qstr};
use piton_syntax::parse::{Node, Rule, Tree};

/// The instructions of an architecture.
trait Assembler<'a> {
    /// The buffer and what operands mean.
    fn unit(&mut self) -> &mut Unit<'a>;

    /// Begins a pass with the instructions in front of the function's own.
    fn enter(&mut self);

    /// Ends a pass with the instructions after the function's own.
    fn exit(&mut self);

    /// Returns what is wrong with the parameters, in the official compiler's words, if they are not the registers
    /// that arguments come in.
    fn parameter_error(&self, parameters: &[Node]) -> Option<&'static str>;

    /// Appends an instruction. Errors in it are reported by [`Unit::fail`].
    ///
    /// # Errors
    /// A [`Failure`] that ends everything at once, without a place.
    fn instruction(&mut self, operation: &Operation<'_>) -> Result<(), Failure>;
}

/// Returns the machine code of a function.
pub(crate) fn assemble(
    tree: &Tree,
    interner: &Interner,
    scope: &Scope,
    options: &Options,
) -> Result<Function, Failure> {
    let body = body::read(tree, interner, scope.node)
        .map_err(|error| error.at(tree, scope.node, scope.name))?;
    let unit = Unit::new(tree, interner, options);
    let code = match options.arch {
        Some(Arch::Xtensa | Arch::XtensaWin) => {
            // The first pass counts the constants, the second one knows how large their table is.
            run(&mut xtensa::Xtensa::new(unit), scope, &body, 2)
        }
        Some(Arch::Rv32Imc) => run(&mut rv32::Rv32::new(unit), scope, &body, 1),
        _ => run(&mut thumb::Thumb::new(unit), scope, &body, 1),
    }?;
    Ok(Function {
        code: Code::Asm(code),
        children: Vec::new(),
    })
}

fn run<'a>(
    assembler: &mut impl Assembler<'a>,
    scope: &Scope,
    body: &Body,
    measuring_passes: u32,
) -> Result<AsmCode, Failure> {
    let line_of_scope = assembler.unit().tree.line_or(scope.node, 0);
    let parameters = parameters(assembler.unit().tree, scope.node);
    let n_pos_args = u32::try_from(parameters.len()).unwrap_or(u32::MAX);
    if let Some(message) = assembler.parameter_error(&parameters) {
        let place = Place::Scope(line_of_scope, scope.name);
        let failure = Failure::new(DiagnosticCode::AssemblerParameters, place);
        return Err(Failure {
            message: message.into(),
            ..failure
        });
    }
    for _ in 0..measuring_passes {
        let measured = pass(assembler, scope.name, body, Pass::Compute);
        measured.map_err(|failure| match failure.place {
            // A second pass begins after the error all the same, and gives it the line of the function.
            Place::Scope(..) if measuring_passes > 1 => Failure {
                place: Place::Scope(line_of_scope, scope.name),
                ..failure
            },
            _ => failure,
        })?;
    }
    pass(assembler, scope.name, body, Pass::Emit)?;
    let place = Place::Scope(line_of_scope, scope.name);
    let code = assembler.unit().assembler.take_code();
    Ok(AsmCode {
        code: code.ok_or_else(|| Failure::new(DiagnosticCode::AssemblerUnstable, place))?,
        n_pos_args,
        return_type: body.return_type,
    })
}

fn parameters(tree: &Tree, function: Node) -> Vec<Node> {
    let Some(function) = function.as_struct() else {
        return Vec::new();
    };
    let list = tree.list(tree.child(function, 1), Rule::Typedargslist);
    (0..tree.list_length(list))
        .map(|index| tree.list_item(list, index))
        .collect()
}

/// Takes the whole function through a pass.
fn pass<'a>(
    assembler: &mut impl Assembler<'a>,
    name: Qstr,
    body: &Body,
    pass: Pass,
) -> Result<(), Failure> {
    if !assembler.unit().start_pass(pass) {
        return Err(Failure::too_large());
    }
    assembler.enter();
    let mut labels = 0;
    for (line, statement) in &body.statements {
        let place = Place::Scope(*line, name);
        match statement {
            Statement::Label(label) => {
                if !assembler.unit().set_label(Label(labels), *label) {
                    return Err(Failure::new(DiagnosticCode::LabelRedefined, place));
                }
                labels += 1;
            }
            Statement::Align(alignment) => assembler.unit().assembler.align_like_c(*alignment),
            Statement::Data(size, values) => {
                for value in values {
                    let Some(value) = assembler.unit().data(*value) else {
                        return Err(Failure::new(DiagnosticCode::DataNotIntegers, place));
                    };
                    assembler.unit().assembler.data_like_c(*size, value);
                }
            }
            Statement::Instruction(name, operands) => {
                let operation = assembler.unit().operation(*name, operands);
                assembler.instruction(&operation)?;
                if let Some((code, message)) = assembler.unit().error.take() {
                    let failure = Failure::new(code, place);
                    return Err(Failure {
                        message: message.into(),
                        ..failure
                    });
                }
            }
        }
    }
    assembler.exit();
    Ok(())
}

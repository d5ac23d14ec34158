//! What stands in the body of an assembler function.

use crate::scope::{Scope, ScopeKind};
use piton_syntax::diagnostic::{DiagnosticCode, Failure, Place};
use piton_syntax::interner::{Interner, Qstr};
use piton_syntax::parse::{Node, NodeKind, Rule, Struct, Tree};

/// An assembler function.
#[derive(Debug)]
pub(super) struct Body {
    /// The number of the type that it returns: 0 object, 1 bool, 2 int, 3 uint.
    pub(super) return_type: u32,
    /// The statements with the lines of errors in them.
    pub(super) statements: Vec<(u32, Statement)>,
}

/// A statement of an assembler function.
#[derive(Debug)]
pub(super) enum Statement {
    /// `label(name)`
    Label(Qstr),
    /// `align(number)`, as 32 bits.
    Align(u32),
    /// `data(size, values...)`, the size as 32 bits.
    Data(u32, Vec<Node>),
    /// An instruction and its operands.
    Instruction(Qstr, Vec<Node>),
}

/// An error with the line where it is, if it has one of its own.
#[derive(Debug)]
pub(super) struct BodyError {
    code: DiagnosticCode,
    line: Option<u32>,
}

impl BodyError {
    fn new(code: DiagnosticCode, line: Option<u32>) -> BodyError {
        BodyError { code, line }
    }

    /// Returns the failure. Without a line of its own it has that of the function.
    pub(super) fn at(&self, tree: &Tree, function: Node, name: Qstr) -> Failure {
        let line = self.line.unwrap_or_else(|| tree.line_or(function, 0));
        Failure::new(self.code, Place::Scope(line, name))
    }
}

/// Looks for errors that the official compiler finds before it makes code of any scope.
///
/// # Errors
/// A [`Failure`] for a scope that is no assembler function or has statements that are no instructions.
pub(crate) fn check(tree: &Tree, interner: &Interner, scope: &Scope) -> Result<(), Failure> {
    let found = match scope.kind {
        ScopeKind::Function => read(tree, interner, scope.node).map(drop),
        _ => Err(BodyError::new(DiagnosticCode::AssemblerNotFunction, None)),
    };
    found.map_err(|error| error.at(tree, scope.node, scope.name))
}

/// Reads the body of a function.
pub(super) fn read(tree: &Tree, interner: &Interner, function: Node) -> Result<Body, BodyError> {
    let Some(function) = function.as_struct() else {
        return Err(BodyError::new(DiagnosticCode::AssemblerNotFunction, None));
    };
    let annotation = tree.child(function, 2);
    let return_type = return_type(tree, interner, annotation);
    // An annotation that is no name is reported at the first instruction; one that names no type at once.
    if let Err(error) = &return_type
        && *error == DiagnosticCode::AssemblerReturnType
    {
        return Err(BodyError::new(*error, None));
    }
    let list = tree.list(tree.child(function, 3), Rule::SuiteBlockStmts);
    let mut statements = Vec::new();
    for index in 0..tree.list_length(list) {
        let node = tree.list_item(list, index);
        if tree.is_rule(node, Rule::PassStmt) {
            continue;
        }
        let statement = call(tree, node)
            .ok_or(DiagnosticCode::NotAnInstruction)
            .and_then(|(name, operands)| {
                let line = tree.line(operands);
                Ok((line, statement(tree, interner, name, operands)?))
            });
        let line = tree.line_or(node, 0);
        match (statement, &return_type) {
            (Ok((line, _)), Err(error)) => return Err(BodyError::new(*error, Some(line))),
            (Err(_), Err(error)) => {
                let line = annotation.as_struct().map(|node| tree.line(node));
                return Err(BodyError::new(*error, line.filter(|&line| line != 0)));
            }
            (Err(error), Ok(_)) => return Err(BodyError::new(error, Some(line))),
            // Errors in instructions are reported at the bracket, the others at the statement.
            (Ok((bracket, statement @ Statement::Instruction(..))), Ok(_)) => {
                statements.push((bracket, statement));
            }
            (Ok((_, statement)), Ok(_)) => statements.push((line, statement)),
        }
    }
    Ok(Body {
        return_type: return_type.map_err(|error| BodyError::new(error, None))?,
        statements,
    })
}

fn return_type(tree: &Tree, interner: &Interner, annotation: Node) -> Result<u32, DiagnosticCode> {
    match tree.kind(annotation) {
        NodeKind::Null => Ok(2),
        NodeKind::Id(name) => match interner.text(name) {
            b"object" => Ok(0),
            b"bool" => Ok(1),
            b"int" => Ok(2),
            b"uint" => Ok(3),
            _ => Err(DiagnosticCode::AssemblerReturnType),
        },
        _ => Err(DiagnosticCode::AssemblerReturnAnnotation),
    }
}

/// Returns the name and the bracket of a statement that is a call of a name.
fn call(tree: &Tree, node: Node) -> Option<(Qstr, Struct)> {
    let statement = tree.as_rule(node, Rule::ExprStmt)?;
    if !tree.child(statement, 1).is_null() {
        return None;
    }
    let call = tree.as_rule(tree.child(statement, 0), Rule::AtomExprNormal)?;
    let name = tree.child(call, 0).as_id()?;
    let operands = tree.as_rule(tree.child(call, 1), Rule::TrailerParen)?;
    Some((name, operands))
}

fn statement(
    tree: &Tree,
    interner: &Interner,
    name: Qstr,
    bracket: Struct,
) -> Result<Statement, DiagnosticCode> {
    let list = tree.list(tree.child(bracket, 0), Rule::Arglist);
    let operands: Vec<Node> = (0..tree.list_length(list))
        .map(|index| tree.list_item(list, index))
        .collect();
    let small_integer = |node: Node| match tree.kind(node) {
        NodeKind::SmallInteger(value) => Some(low_word(value)),
        _ => None,
    };
    match interner.text(name) {
        b"label" => match *operands {
            [label] => label.as_id().map(Statement::Label),
            _ => None,
        }
        .ok_or(DiagnosticCode::LabelOperands),
        b"align" => match *operands {
            [alignment] => small_integer(alignment).map(Statement::Align),
            _ => None,
        }
        .ok_or(DiagnosticCode::AlignOperands),
        b"data" => match &*operands {
            [size, values @ ..] if !values.is_empty() => {
                small_integer(*size).map(|size| Statement::Data(size, values.to_vec()))
            }
            _ => None,
        }
        .ok_or(DiagnosticCode::DataOperands),
        _ => Ok(Statement::Instruction(name, operands)),
    }
}

/// Returns the low 32 bits.
fn low_word(value: i64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

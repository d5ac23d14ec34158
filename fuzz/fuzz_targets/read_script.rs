//! Any bytes as a script of assignments and calls. Reading must end, lines must be lines of the source, and what is left of
//! a value must be one that can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use piton_syntax::script::{Expression, ExpressionKind, Names, StatementKind, read};

fuzz_target!(|source: &[u8]| {
    // A CR, an LF and the two together end a line.
    let ends = |byte: &&u8| matches!(byte, b'\n' | b'\r');
    let last_line = source.iter().filter(ends).count() + 1;
    let mut names = Names::new();
    let mut line = 1;
    for statement in read(source) {
        assert!(statement.line >= line, "statements are in order");
        line = statement.line;
        assert!(line as usize <= last_line + 1);
        match statement.kind {
            StatementKind::Expression(expression) => evaluate(&expression, &names),
            StatementKind::Assignment { targets, value } => {
                evaluate(&value, &names);
                for target in &targets {
                    if let (Some(name), Ok(value)) = (target.as_name(), value.value(&names)) {
                        names.insert(name.to_owned(), value);
                    }
                }
            }
            StatementKind::Unreadable(problem) => assert!(!problem.to_string().is_empty()),
            StatementKind::Nothing | StatementKind::Keyword(_) | StatementKind::Decorator => {}
        }
        // Names that are set to lists of each other grow without end.
        names.retain(|_, value| format!("{value:?}").len() < 10_000);
    }
});

fn evaluate(expression: &Expression, names: &Names) {
    match expression.value(names) {
        Ok(value) => assert!(!format!("{value:?}").is_empty()),
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
    if let ExpressionKind::Call(call) = &expression.kind {
        for argument in &call.arguments {
            evaluate(&argument.value, names);
        }
    }
}

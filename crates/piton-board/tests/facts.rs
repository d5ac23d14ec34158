//! device/facts.py by itself, on the unix port: it must run wherever it is put, comments and all.

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;

    use piton_board::literal::{Value, parse};

    #[test]
    fn the_unix_port_answers() {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("device/facts.py");
        let output = test_programs::micropython_unix()
            .arg(program)
            .output()
            .expect("the unix port starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let Ok(Value::Dict(facts)) = parse(output.stdout.trim_ascii()) else {
            panic!("{}", output.stdout.escape_ascii());
        };
        let fact = |name: &str| {
            let key = Value::Str(name.to_owned());
            let entry = facts.iter().find(|(found, _)| *found == key);
            entry.map(|(_, value)| value.to_string())
        };
        assert_eq!(fact("implementation").as_deref(), Some("'micropython'"));
        assert_eq!(fact("release").as_deref(), Some("(1, 25, 0, '')"));
        assert_eq!(fact("platform").as_deref(), Some("'linux'"));
        assert_eq!(fact("inflate").as_deref(), Some("True"));
        // A PC's compiler has the native emitters; the virtual board's has not.
        assert_eq!(fact("native").as_deref(), Some("True"));
        assert_eq!(fact("viper").as_deref(), Some("True"));
    }
}

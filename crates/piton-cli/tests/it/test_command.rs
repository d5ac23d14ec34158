//! `test`: unit tests on virtual boards.

use serde_json::Value;

use crate::support::Sandbox;

const CASES: &str = r#"
import unittest
import helper


class Cases(unittest.TestCase):
    def setUp(self):
        self.value = helper.value

    def test_equal(self):
        self.assertEqual(self.value, 7)

    def test_not_equal(self):
        print("seen")
        self.assertEqual(self.value, 8)

    @unittest.skip("later")
    def test_later(self):
        1 / 0

    @unittest.expectedFailure
    def test_known(self):
        self.fail()

    @unittest.expectedFailure
    def test_mended(self):
        pass

    def test_parts(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertLess(n, 1)

    def test_raises(self):
        with self.assertRaises(ValueError) as caught:
            int("x")
        self.assertTrue(str(caught.exception))
        self.assertRaises(ZeroDivisionError, lambda: 1 / 0)

    async def test_async(self):
        import asyncio

        await asyncio.sleep(0)
        self.assertIn(1, [1])


@unittest.skipIf(True, "no hardware")
class Never(unittest.TestCase):
    def test_never(self):
        1 / 0


if __name__ == "__main__":
    unittest.main()
"#;

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["tests", ".belay/dependencies/dev/pack", "none"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    sandbox.write("pyproject.toml", "[tool.belay]\n");
    sandbox.write(".belay/dependencies/dev/pack/__init__.py", "value = 7\n");
    sandbox.write("helper.py", "from pack import value\n");
    sandbox.write("tests/test_cases.py", CASES);
    sandbox.write(
        "tests/plain_test.py",
        "import os\n\ndef test_write():\n    with open('new', 'w') as file:\n        file.write('it')\n    assert 'new' in \
         os.listdir()\n\ndef test_wrong():\n    total = 1 + 1\n    assert total == 3, 'bad sum'\n",
    );
    sandbox.write("tests/test_broken.py", "import nothing\n");
    sandbox.write("hangs.py", "def test_for_ever():\n    while True: pass\n");
    sandbox.write(
        "tests/test_reset.py",
        "import machine\n\ndef test_a():\n    pass\n\ndef test_reset():\n    machine.reset()\n",
    );
    sandbox
}

/// Replaces what depends on the time.
fn without_time(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rsplit_once(" in ") {
        Some((start, end)) if end.ends_with(" s") && line.contains(" file") => {
            format!("{start} in TIME")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_file_runs_on_its_own_board_and_every_failure_is_shown() {
    let sandbox = project();
    let text = sandbox.show("test -j 1");
    insta::assert_snapshot!(without_time(&text));
    assert!(
        !sandbox.path().join("new").exists(),
        "tests write into memory"
    );
}

/// Runs a file that never ends beside one that does. How far it comes depends on the time.
fn assert_hanging_file_is_one_failure(sandbox: &Sandbox, options: &str) {
    let line = format!("test {options} --time-limit 2 hangs.py tests/test_broken.py");
    let outcome = sandbox.run(&line);
    let text = outcome.stdout();
    assert!(text.contains("NOT COMPLETED hangs.py"), "{text}");
    assert!(text.contains("  timed out after 2 s"), "{text}");
    assert!(text.contains("\n2 files: 2 not completed in "), "{text}");
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_file_that_hangs_is_one_failure() {
    assert_hanging_file_is_one_failure(&project(), "-j 1");
}

#[test]
fn results_are_json_lines_and_junit_xml() {
    let sandbox = project();
    let outcome = sandbox.run("test --json --junit out.xml -k cases --firmware 1.25 tests");
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr());
    let lines = outcome.stdout();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .collect::<Vec<_>>();
    let file = lines
        .iter()
        .find(|line| line["file"] == "tests/test_cases.py")
        .unwrap();
    assert_eq!(file["board"], "virtual 1.25");
    let failed = file["tests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|test| test["name"] == "Cases::test_not_equal")
        .unwrap();
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(failed["message"], "7 != 8");
    assert_eq!(failed["output"], "seen\n");
    assert_eq!(failed["place"]["file"], "tests/test_cases.py");
    assert_eq!(failed["place"]["line"], 15);
    assert_eq!(failed["place"]["source"], "self.assertEqual(self.value, 8)");
    let summary = lines.last().unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(
        (&summary["passed"], &summary["failed"]),
        (&3.into(), &3.into())
    );
    let xml = String::from_utf8(sandbox.read("out.xml")).unwrap();
    assert!(xml.contains("<failure message=\"7 != 8\">"), "{xml}");
    assert!(xml.contains("<skipped message=\"no hardware\"/>"), "{xml}");
}

#[test]
fn no_tests_are_exit_code_5_and_wrong_words_are_explained() {
    let sandbox = project();
    let lines = [
        "test none",
        "test nowhere",
        "test --firmware 1.2 tests",
        "test -k parts -k equal tests/test_cases.py",
    ];
    let shown = lines
        .map(|line| without_time(&sandbox.show(line)))
        .join("\n\n");
    insta::assert_snapshot!(shown);
}

#[cfg(unix)]
#[test]
fn files_run_on_a_board_behind_a_port_too() {
    use std::sync::Arc;

    let sandbox = project();
    let server = virtual_board::serve::pty(Arc::new(crate::support::virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    let text = sandbox.show(&format!("test --device {port} tests/test_cases.py"));
    insta::assert_snapshot!(without_time(&text.replace(port, "PORT")));
    assert_hanging_file_is_one_failure(&sandbox, &format!("--device {port}"));
}

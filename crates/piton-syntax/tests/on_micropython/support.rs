//! Running programs on MicroPython, and random numbers.

use std::io::Write as _;
use std::process::Stdio;

/// Runs a program on MicroPython's unix port, from its standard input. Returns what it prints to both outputs.
pub(crate) fn micropython(program: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = test_programs::micropython_unix_current();
    let mut child = command
        .arg("-c")
        .arg("import sys\nexec(sys.stdin.read())")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = program.as_bytes().to_vec();
    // MicroPython reads the program before it prints, but may fail early: then the write fails.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).replace("\r\n", "\n")
}

/// Random numbers that are the same in each run (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit.max(1)
    }

    pub(crate) fn choose<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len() as u64) as usize]
    }
}

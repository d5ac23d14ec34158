//! Any bytes as a source for the minifier. What comes out must be stable, and mean the same to the compiler.

#![no_main]

use libfuzzer_sys::fuzz_target;
use piton_compiler::{Options, compile};
use piton_syntax::{MinifyOptions, minify};

fuzz_target!(|source: &[u8]| {
    let options = MinifyOptions::default();
    let Ok(minified) = minify(source, &options) else {
        return;
    };
    // A comment can hold the name that keeps docstrings, or all that an encoding is declared for. It is gone the second
    // time.
    let says = |word: &[u8]| source.windows(word.len()).any(|window| window == word);
    if !says(b"__doc__") && !says(b"coding") {
        assert_eq!(minify(&minified, &options).as_ref(), Ok(&minified));
    }
    let compiler = Options {
        source_lines: false,
        ..Options::new("fuzz.py")
    };
    if let Ok(module) = compile(source, &compiler) {
        for join_lines in [false, true] {
            let options = MinifyOptions {
                join_lines,
                ..MinifyOptions::default()
            };
            let minified = minify(source, &options).expect("it was minified before");
            assert_eq!(compile(&minified, &compiler).as_ref(), Ok(&module));
        }
    }
});

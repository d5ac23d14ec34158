//! The VM file that users get is the one that the tests run.

use piton::vm;
use sha2::{Digest, Sha512};

#[test]
fn the_tests_run_the_pinned_vm_file() {
    assert_eq!(test_programs::VM_VERSIONS.first(), Some(&vm::VERSION));
    let bytes = fs_err::read(test_programs::vm()).unwrap();
    let found: String = Sha512::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(found, vm::SHA512);
}

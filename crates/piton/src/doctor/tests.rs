use super::*;

fn port(path: &str, product: Option<&str>) -> SerialPortFacts {
    let usb = product.map(|_| 0x2e8a);
    SerialPortFacts {
        path: path.to_owned(),
        serial_number: None,
        vid: usb,
        pid: usb,
        manufacturer: None,
        product: product.map(str::to_owned),
        location: None,
    }
}

fn device(vid: u16, pid: u16) -> UsbDevice {
    UsbDevice {
        vid,
        pid,
        name: "NAME".to_owned(),
        has_port: false,
    }
}

fn lines(findings: &[Finding]) -> Vec<String> {
    let lines = findings.iter().map(|finding| {
        let remedy = finding.remedy.as_deref().unwrap_or("-");
        format!("{:?}: {} | {remedy}", finding.severity, finding.message)
    });
    lines.collect()
}

#[test]
fn ports_are_found_open_denied_and_held() {
    let denied = |group: Option<&str>| PortAccess::Denied {
        group: group.map(str::to_owned),
    };
    let cases = [
        ("/dev/ttyACM0", Some("Board"), PortAccess::Free),
        ("/dev/ttyACM1", Some("Board"), denied(Some("dialout"))),
        ("/dev/ttyACM2", Some("Board"), denied(Some("root"))),
        ("/dev/ttyS0", None, denied(Some("dialout"))),
        (
            "/dev/ttyUSB0",
            Some("CP2102"),
            PortAccess::Held {
                holder: "`minicom` (process 7)".to_owned(),
            },
        ),
    ];
    let ports: Vec<_> = cases.iter().map(|case| port(case.0, case.1)).collect();
    let access: Vec<_> = cases.iter().map(|case| case.2.clone()).collect();
    assert_eq!(
        lines(&port_findings(&ports, &access, &[])),
        [
            "Fine: port `/dev/ttyACM0` (Board) can be opened | -",
            "Problem: port `/dev/ttyACM1` (Board) may be opened by the group `dialout` only, which you are not in | \
             run `sudo usermod -a -G dialout $USER` and log in again, or install the rules of `piton udev`",
            "Problem: port `/dev/ttyACM2` (Board) may not be opened by you | install the rules of `piton udev`, and \
             plug the board in again",
            "Fine: port `/dev/ttyS0` may not be opened by you; it is not on USB, where boards are | -",
            "Problem: port `/dev/ttyUSB0` (CP2102) is in use by `minicom` (process 7) | close that program, or its \
             connection",
        ]
    );
}

#[test]
fn a_device_without_a_port_is_named_with_its_driver() {
    let devices = [device(0x2e8a, 3), device(0x1a86, 0x7523), device(0x303a, 1)];
    let found = port_findings(&[], &[], &devices);
    let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
    assert_eq!(
        severities,
        [Severity::Note, Severity::Problem, Severity::Problem]
    );
    let remedy = |at: usize| found[at].remedy.clone().unwrap();
    assert!(remedy(1).contains("modprobe ch341"), "{}", remedy(1));
    assert!(remedy(2).contains("reset button"), "{}", remedy(2));
    let nothing = lines(&port_findings(&[], &[], &[]));
    assert_eq!(
        nothing,
        [
            "Note: no board is found on USB | plug it in with a cable that carries data: many carry power only"
        ]
    );
}

#[test]
fn programs_that_open_ports_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (process, name) in [
        ("12", "bash\n"),
        ("7", "ModemManager\n"),
        ("self", "brltty\n"),
    ] {
        let path = folder.path().join(process);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("comm"), name).unwrap();
    }
    let found = program_findings(&running_programs(folder.path()));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.starts_with("`ModemManager` is running"));
    assert!(running_programs(Path::new("/no/such/folder")).is_empty());
}

#[test]
fn a_damaged_vm_file_is_a_problem_and_a_missing_one_is_not() {
    let damaged = VmFileError::Damaged {
        release: crate::vm::PINNED,
        path: "vm.wasm".into(),
        found: "ab".repeat(64),
    };
    let found = vm_finding(Err(damaged));
    assert_eq!(found.severity, Severity::Problem);
    assert_eq!(
        found.remedy.as_deref(),
        Some("delete `vm.wasm`: it is fetched again")
    );
    assert_eq!(vm_finding(Ok(None)).severity, Severity::Note);
    let embedded = vm_finding(Ok(Some(VmFile::Embedded(b""))));
    assert_eq!(embedded.severity, Severity::Fine);
}

#[test]
fn a_full_disk_is_told() {
    let found = |free| lines(&[written_cache_finding(Path::new("/c"), free)]).join("");
    assert_eq!(
        found(None),
        "Fine: the cache folder `/c` can be written | -"
    );
    assert_eq!(
        found(Some(123_456_789)),
        "Fine: the cache folder `/c` can be written; 123 MB of its disk are free | -"
    );
    assert_eq!(
        found(Some(4_096)),
        "Note: the cache folder `/c` can be written, but only 4 kB of its disk are free | run `piton cache clear \
         --all`, or name a folder on another disk with `PITON_CACHE_DIR`"
    );
}

#[test]
fn a_board_is_judged_by_its_facts() {
    let mut facts = BoardFacts::default();
    facts.implementation = Some("micropython".to_owned());
    facts.release = Some("1.9.2".to_owned());
    facts.machine = Some("micro:bit with nRF51822".to_owned());
    facts.memory_free = Some(4000);
    facts.memory_allocated = Some(6000);
    let space = |available| DiskFree {
        filesystem: "flash".to_owned(),
        size: 100_000,
        used: 100_000 - available,
        available,
        used_percent: 0,
        mounted_on: "/".to_owned(),
    };
    let found = examine_board("ttyACM0", &facts, &[space(50_000), space(4_000)]);
    assert_eq!(
        lines(&found),
        [
            "Note: board `ttyACM0` runs micropython 1.9.2 on micro:bit with nRF51822, which has no raw-paste: transfers \
             are slower | install newer firmware if there is one for the board (raw-paste came with MicroPython 1.14)",
            "Note: it loads no compiled modules: everything goes to it as source | install newer firmware if there is one \
             for the board",
            "Note: 4000 of 10000 bytes of memory are free | compile modules (`piton sync --compile`): they need less memory \
             to import",
            "Fine: file system `/` has 50000 of 100000 bytes free | -",
            "Note: file system `/` has 4000 of 100000 bytes free | remove files (`piton tree -s` lists them with sizes)",
        ]
    );
}

#[test]
fn numbers_that_no_board_has_are_not_too_large_to_look_at() {
    let space = |size, available| DiskFree {
        filesystem: "<VfsFat>".to_owned(),
        size,
        used: 0,
        available,
        used_percent: 0,
        mounted_on: "/".to_owned(),
    };
    for (space, severity) in [
        (space(u64::MAX, u64::MAX), Severity::Fine),
        (space(u64::MAX, u64::MAX / 2), Severity::Fine),
        (space(u64::MAX, 1), Severity::Note),
        (space(0, 0), Severity::Fine),
        (space(100, 5), Severity::Fine),
        (space(100, 4), Severity::Note),
    ] {
        assert_eq!(space_finding(&space).severity, severity, "{space:?}");
    }
    assert_eq!(memory_finding(u64::MAX, u64::MAX).severity, Severity::Fine);
    assert_eq!(
        memory_finding(LITTLE_MEMORY - 1, u64::MAX).severity,
        Severity::Note
    );
}

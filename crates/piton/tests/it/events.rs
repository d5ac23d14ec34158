//! Events are data for others than a terminal: their form is a promise, and docs/events.md makes it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use piton::building::LeftOut;
use piton::events::{
    BoardEvent, BuildEvent, CompileEvent, ConnectEvent, CopyEvent, FileEvent, MipEvent, MountEvent,
    ReturnEvent, RomEvent, SyncEvent, TransferEvent, VmEvent,
};
use piton::mip::Installation;
use piton::mip::resolve::{Package, Visit};
use serde::Serialize;

fn json(event: impl Serialize) -> String {
    serde_json::to_string(&event).unwrap()
}

/// Returns the lines of all JSON blocks of the page, in their order.
fn documented() -> Vec<String> {
    let page = include_str!("../../../../docs/events.md");
    let blocks = page.split("```json\n").skip(1);
    let blocks = blocks.map(|block| block.split_once("```").unwrap().0);
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

fn about_connections() -> Vec<String> {
    vec![
        json(BoardEvent {
            board: "/dev/ttyACM0",
            event: SyncEvent::Done { step: 3 },
        }),
        json(ConnectEvent::Connecting {
            selector: "port:/dev/ttyACM0".parse().unwrap(),
        }),
        json(ConnectEvent::Vm(VmEvent::Fetching {
            from: "https://host/vm.tgz".to_owned(),
            to: "cache/piton/vm.wasm".into(),
        })),
        json(ReturnEvent::Waiting),
        json(ReturnEvent::Reconnected {
            device_name: "/dev/ttyACM1",
        }),
        json(ReturnEvent::Output {
            bytes: b"hello\r\n",
        }),
    ]
}

fn about_files() -> Vec<String> {
    let (path, name) = ("lib/a.py".parse().unwrap(), || "lib/a.py".to_owned());
    let (bytes, step) = (512, 3);
    vec![
        json(FileEvent::Read {
            bytes: 256,
            of: None,
        }),
        json(FileEvent::Wrote {
            bytes: 256,
            of: 1024,
        }),
        json(TransferEvent::Moved {
            step: 1,
            bytes,
            of: 2048,
        }),
        json(TransferEvent::Done { step: 1 }),
        json(CopyEvent::Source { index: 0 }),
        json(CopyEvent::Unchanged { path: &path }),
        json(CopyEvent::Begin { of: 9 }),
        json(CopyEvent::Moved { bytes: 4, of: 9 }),
        json(CopyEvent::End),
        json(SyncEvent::Moved { step, bytes }),
        json(SyncEvent::Done { step }),
        json(RomEvent::Unchanged { bytes: 8192 }),
        json(RomEvent::Erase { offset: 4096 }),
        json(RomEvent::Write {
            bytes: 4096,
            of: 10_000,
        }),
        json(RomEvent::Read {
            bytes: 10_000,
            of: 10_000,
        }),
        json(MountEvent::Compiled {
            name: name(),
            size: 88,
            cached: false,
        }),
        json(MountEvent::NotCompiled {
            name: name(),
            reason: "invalid syntax".to_owned(),
        }),
        json(MountEvent::NotKept {
            name: name(),
            reason: "Permission denied".to_owned(),
        }),
    ]
}

fn about_packages() -> Vec<String> {
    let source: piton::mip::source::Source = "app".parse().unwrap();
    let location =
        piton::project::mip::source::Source::location(&source, piton::project::mip::INDEX, Some(6));
    let package = Package {
        source: source.clone(),
        location: location.clone(),
        version: None,
        files: Vec::new(),
        needs: Vec::new(),
    };
    let visit = Visit {
        package: 0,
        source: source.clone(),
        again: false,
    };
    let installation = Installation {
        written: 1,
        removed: 0,
        packages: vec![("app".to_owned(), None, Some("1.0".to_owned()))],
    };
    vec![
        json(MipEvent::Looking {
            source: &source,
            location: &location,
        }),
        json(MipEvent::Fetched { done: 1, of: 4 }),
        json(MipEvent::Request { index: 0 }),
        json(MipEvent::Package {
            visit: &visit,
            package: &package,
        }),
        json(MipEvent::File {
            path: "/lib/app.mpy",
            same: false,
            hashed: true,
        }),
        json(MipEvent::Wrote {
            bytes: 512,
            of: 2048,
        }),
        json(MipEvent::Installed {
            index: 0,
            installation: &installation,
        }),
        json(MipEvent::Finished { folder: "/lib" }),
        json(MipEvent::Removed {
            path: "/lib/old.mpy",
        }),
        json(MipEvent::Changed {
            path: "/lib/mine.py",
        }),
    ]
}

fn about_sources() -> Vec<String> {
    vec![
        json(CompileEvent::Done { done: 1, of: 3 }),
        json(BuildEvent::LeftOut {
            path: PathBuf::from("src/secrets.py"),
            why: LeftOut::Private,
        }),
        json(BuildEvent::NoCommitTime {
            why: "not a git repository".to_owned(),
        }),
    ]
}

#[test]
fn events_are_as_their_page_says() {
    let events = [
        about_connections(),
        about_files(),
        about_packages(),
        about_sources(),
    ];
    assert_eq!(documented().join("\n"), events.concat().join("\n"));
}

/// Every event is one flat object, whose first key names it.
#[test]
fn every_event_names_itself() {
    for line in documented() {
        let event: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&line).unwrap();
        assert!(event["event"].is_string(), "{line}");
    }
}

#[test]
fn a_path_and_output_that_are_not_text_do_not_lose_the_event() {
    let output = ReturnEvent::Output { bytes: b"a\xffb" };
    assert_eq!(
        json(output),
        "{\"event\":\"output\",\"text\":\"a\u{fffd}b\"}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let path = std::ffi::OsString::from_vec(b"a\xffb.py".to_vec());
        let event = BuildEvent::LeftOut {
            path: path.into(),
            why: LeftOut::Special,
        };
        assert!(json(event).contains("a\u{fffd}b.py"));
    }
}

/// The reasons that docs/events.md lists are those that there are.
#[test]
fn reasons_for_leaving_something_out_are_those_of_the_page() {
    let all = [
        LeftOut::Private,
        LeftOut::ForOthers,
        LeftOut::HasSource,
        LeftOut::FolderLink,
        LeftOut::DanglingLink,
        LeftOut::Special,
    ];
    let page = include_str!("../../../../docs/events.md");
    let line = page.lines().find(|line| line.contains("`why` is")).unwrap();
    let listed: BTreeSet<&str> = line.split('`').skip(1).step_by(2).collect();
    for reason in all {
        let name = json(reason);
        assert!(listed.contains(name.trim_matches('"')), "{name}");
    }
}

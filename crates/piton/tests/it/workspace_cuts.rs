//! What a cut of the power leaves of a project: each state between two steps of a change, and what the next command makes of it.

use std::fs;
use std::path::Path;

use piton::path::Sha256Hex;
use piton::workspace::{AddOptions, LockOptions, PackageEvent, Update};
use serde_json::json;

use crate::workspace::Place;

/// The settings, the lock and the folder of the dependencies, as text.
fn state(place: &Place) -> String {
    let read = |name: &str| fs::read_to_string(place.root().join(name)).unwrap_or_default();
    let own = place.cut(&read("pyproject.toml"));
    format!("{own}{}{}", place.cut(&read("piton.lock")), place.tree())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &place),
            false => drop(fs::copy(entry.path(), place).unwrap()),
        }
    }
}

/// The steps of a change, each with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Nothing,
    HalfOfTheFolder,
    TheFolder,
    ItsMark,
    TheLock,
    TheSettings,
    TheExchange,
}

#[test]
fn a_project_is_old_or_new_as_a_whole_after_a_cut_at_any_step() {
    let place = Place::new("[tool.belay.dependencies]\nb = '*'\n");
    place.publish(&[("a", "1", &[("b", "*")]), ("b", "1", &[])]);
    assert_eq!(place.lock(Update::Nothing), "+b 1");
    let keep = |name: &str| {
        copy(&place.root(), &place.root().with_file_name(name));
        state(&place)
    };
    let old = keep("old");
    let (mut workspace, _) = place
        .workspace()
        .with_dependency(None, "a", &AddOptions::default())
        .unwrap();
    let events = &mut |_: PackageEvent<'_>| std::ops::ControlFlow::Continue(());
    let cancel = piton::deadline::Cancel::new();
    let resolved = workspace.resolve(
        &LockOptions::default(),
        &place.fetch_settings(),
        &cancel,
        events,
    );
    workspace.write(&resolved.unwrap()).unwrap();
    let new = keep("new");
    assert!(new.contains("main/a.py: # a 1") && new != old, "{new}");
    let text = |state: &str, name: &str| {
        let folder = place.root().with_file_name(state);
        fs::read_to_string(folder.join(name)).unwrap()
    };
    let hash = |text: &str| Sha256Hex::of(text.as_bytes());
    for step in [
        Step::Nothing,
        Step::HalfOfTheFolder,
        Step::TheFolder,
        Step::ItsMark,
        Step::TheLock,
        Step::TheSettings,
        Step::TheExchange,
    ] {
        fs::remove_dir_all(place.root()).unwrap();
        copy(&place.root().with_file_name("old"), &place.root());
        let made = place.root().with_file_name("new/.belay/dependencies");
        let beside = place.root().join(".belay/.dependencies.piton-new");
        if step > Step::Nothing {
            copy(&made, &beside);
        }
        if step == Step::HalfOfTheFolder {
            fs::remove_file(beside.join("main/b.py")).unwrap();
        }
        if step >= Step::ItsMark {
            let pending = json!({
                "lock": hash(&text("new", "piton.lock")),
                "settings": hash(&text("old", "pyproject.toml")),
                "text": text("new", "pyproject.toml"),
            });
            fs::write(beside.join(".piton-pending.json"), pending.to_string()).unwrap();
        }
        if step >= Step::TheLock {
            place.write("piton.lock", text("new", "piton.lock"));
        }
        if step >= Step::TheSettings {
            place.write("pyproject.toml", text("new", "pyproject.toml"));
        }
        if step == Step::TheExchange {
            let folder = place.root().join(".belay/dependencies");
            fs::rename(&folder, beside.with_extension("x")).unwrap();
            fs::rename(&beside, &folder).unwrap();
            fs::rename(beside.with_extension("x"), &beside).unwrap();
        }
        assert_eq!(place.workspace().compare().unwrap(), [], "{step:?}");
        let expected = if step < Step::TheLock { &old } else { &new };
        assert_eq!(&state(&place), expected, "{step:?}");
        let left = fs::read_dir(place.root().join(".belay")).unwrap().count();
        assert_eq!(left, 1, "{step:?}");
    }
}

#[test]
fn settings_that_a_person_has_changed_since_a_cut_stay() {
    let place = Place::new("[tool.belay.dependencies]\nb = '*'\n");
    place.publish(&[("b", "1", &[])]);
    place.lock(Update::Nothing);
    let lock = fs::read(place.root().join("piton.lock")).unwrap();
    let beside = ".belay/.dependencies.piton-new";
    let pending = json!({
        "lock": Sha256Hex::of(&lock),
        "settings": Sha256Hex::of(b"other"),
        "text": "",
    });
    place.write(
        &format!("{beside}/.piton-pending.json"),
        pending.to_string(),
    );
    place.write(&format!("{beside}/main/b.py"), "# b 1\n");
    let before = state(&place);
    place.workspace();
    assert_eq!(state(&place), before);
    // A mark that is no mark counts for nothing.
    place.write(&format!("{beside}/.piton-pending.json"), "{\"lock\": 1}");
    place.workspace();
    assert_eq!(state(&place), before);
}

//! `info`: prints what kind of board this is, and what it can do.

use piton::facts::{BoardFacts, Capabilities, MpyFacts};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;

/// The facts, and the board that they describe.
#[derive(Serialize)]
struct Info<'a> {
    device: &'a str,
    #[serde(flatten)]
    facts: &'a BoardFacts,
}

pub(super) fn run(ctx: &mut Context) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let device = session.board()?.device_name().to_owned();
    let facts = session.facts()?;
    if ui.json() {
        return ui.json_line(&Info {
            device: &device,
            facts: &facts,
        });
    }
    for (name, value) in rows(&device, &facts) {
        if let Some(value) = value {
            ui.line(&format!("{name:<14} {value}"))?;
        }
    }
    Ok(())
}

/// Returns the rows of the table. A fact without a value is unknown, and left out.
fn rows(device: &str, facts: &BoardFacts) -> Vec<(&'static str, Option<String>)> {
    let firmware = [&facts.implementation, &facts.release]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<String>>();
    vec![
        ("device", Some(device.to_owned())),
        (
            "firmware",
            Some(firmware.join(" ")).filter(|text| !text.is_empty()),
        ),
        ("version", facts.version.clone()),
        ("platform", facts.platform.clone()),
        ("machine", facts.machine.clone()),
        ("build", facts.build.clone()),
        ("unique id", facts.unique_id.clone()),
        ("mpy", facts.mpy.as_ref().map(mpy_text)),
        ("memory", memory_text(facts)),
        ("capabilities", Some(capabilities_text(&facts.capabilities))),
        (
            "hashlib",
            Some(facts.capabilities.hashlib.join(" ")).filter(|text| !text.is_empty()),
        ),
        (
            "os",
            Some(facts.capabilities.os.join(" ")).filter(|text| !text.is_empty()),
        ),
    ]
}

/// Returns the board's format of `.mpy` files: `6.3, native code armv7emsp`.
fn mpy_text(mpy: &MpyFacts) -> String {
    let arch = match mpy.arch {
        Some(arch) => format!("native code {arch}"),
        None => "bytecode only".to_owned(),
    };
    format!("{}.{}, {arch}", mpy.version, mpy.sub_version)
}

fn memory_text(facts: &BoardFacts) -> Option<String> {
    let free = facts.memory_free?;
    Some(match facts.memory_allocated {
        Some(allocated) => format!("{free} bytes free of {}", free + allocated),
        None => format!("{free} bytes free"),
    })
}

fn capabilities_text(capabilities: &Capabilities) -> String {
    let names = [
        ("raw-paste", capabilities.raw_paste),
        ("inflate", capabilities.inflate),
        ("deflate", capabilities.deflate),
        ("base64", capabilities.base64),
        ("native", capabilities.native),
        ("viper", capabilities.viper),
        ("stdin.buffer", capabilities.stdin_buffer),
        ("poll", capabilities.poll),
        ("kbd_intr", capabilities.kbd_intr),
    ];
    let has = names
        .into_iter()
        .filter_map(|(name, has)| has.then_some(name))
        .collect::<Vec<&str>>();
    if has.is_empty() {
        return "none of those asked for".to_owned();
    }
    has.join(" ")
}

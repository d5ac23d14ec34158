//! Makes the module of what was linked.

use piton_mpy::header::Header;
use piton_mpy::module::{Module, Qstr};
use piton_mpy::raw_code::{Code, Place, RawCode, Relocation, Target, ViperCode};
use piton_mpy::writer;

use super::image::{Image, Patch};
use super::{Detail, LinkError, Report, Request};

/// Returns the bytes of the module.
pub(super) fn module(
    image: &mut Image<'_>,
    request: &Request<'_>,
    report: &mut Report<'_>,
) -> Result<Vec<u8>, LinkError> {
    image.finish_entry_jump(report)?;
    let mut summary = |line: String| report(Detail::Summary, &line);
    summary(format!("arch:         {}", image.machine.name));
    summary(format!("text size:    {}", image.text.len()));
    if !image.rodata.is_empty() {
        summary(format!("rodata size:  {}", image.rodata.len()));
    }
    summary(format!("bss size:     {}", image.bss_size));
    summary(format!("GOT entries:  {}", image.got.len()));

    let mut header = Header::native(request.arch);
    header.arch_flags = Some(request.arch_flags).filter(|flags| *flags != 0);
    let names =
        std::iter::once(request.source_name).chain(request.qstrs.iter().map(String::as_str));
    let bss_size = u32::try_from(image.bss_size).unwrap_or(u32::MAX);
    let code = ViperCode {
        code: std::mem::take(&mut image.text),
        scope_flags: 0,
        rodata: Some(std::mem::take(&mut image.rodata)).filter(|rodata| !rodata.is_empty()),
        bss_size: Some(bss_size).filter(|size| *size != 0),
        relocations: Some(relocations(image)?),
        links: None,
    };
    let module = Module {
        header,
        qstrs: names.map(|name| Qstr::of(name.as_bytes())).collect(),
        objects: Vec::new(),
        raw_codes: vec![RawCode {
            code: Code::Viper(code),
            children: Vec::new(),
        }],
    };
    Ok(writer::write(&module)?)
}

/// Joins patches of neighbouring words with the same address to one record. Each record names its place: the official linker never
/// uses the short form, which continues after the last one.
fn relocations(image: &Image<'_>) -> Result<Vec<Relocation>, LinkError> {
    let word = i64::from(image.machine.word_size);
    let mut records: Vec<Relocation> = Vec::new();
    for patch in &image.patches {
        let place = place(patch, word)?;
        if let Some(last) = records.last_mut() {
            let count = last.count.unwrap_or(1);
            let continues = last.target == patch.target
                && last.place.is_some_and(|start| {
                    start.section == place.section
                        && start.word.checked_add(count) == Some(place.word)
                });
            if continues && is_counted(patch.target) {
                last.count = Some(count + 1);
                continue;
            }
        }
        records.push(Relocation {
            place: Some(place),
            target: patch.target,
            count: None,
        });
    }
    Ok(records)
}

/// Returns whether a record with this address can be for several words.
fn is_counted(target: Target) -> bool {
    matches!(target, Target::Text | Target::Rodata | Target::Bss)
}

fn place(patch: &Patch, word: i64) -> Result<Place, LinkError> {
    let number = u32::try_from(patch.offset / word)
        .ok()
        .filter(|_| patch.offset % word == 0);
    Ok(Place {
        section: patch.part,
        word: number.ok_or_else(|| LinkError::Unsupported {
            file: "mpy_init".to_owned(),
            what: format!(
                "an address at {:#x} of the module is not aligned to {word} bytes",
                patch.offset
            ),
        })?,
    })
}

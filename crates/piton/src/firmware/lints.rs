//! What in manifests has no effect, or another one than it seems.

use std::collections::BTreeMap;

use piton_firmware::manifest::{Evaluation, Kind};

/// A remark about a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// The manifest.
    pub manifest: String,
    /// The line, from 1; 0 if it is about the whole.
    pub line: u32,
    /// What is remarkable: a sentence without a full stop.
    pub message: String,
}

/// Looks for the traps of manifests: arguments that only become options, files that are listed twice, targets that lead out of the
/// build, and variables where they are not replaced.
#[must_use]
pub fn lints(evaluation: &Evaluation) -> Vec<Lint> {
    let mut found = Vec::new();
    for ignored in &evaluation.ignored {
        let message = match ignored.argument.as_str() {
            "version" => "`version=` of `require` has no effect: the library's version is taken".to_owned(),
            "unix_ffi" => "`unix_ffi=` of `require` has no effect: `add_library` with `prepend=True` adds unix-ffi".to_owned(),
            other => format!("`{other}=` of `require` only becomes an option of the package's manifest"),
        };
        found.push(Lint {
            manifest: ignored.manifest.clone(),
            line: ignored.line,
            message,
        });
    }
    let mut targets: BTreeMap<&str, &str> = BTreeMap::new();
    for file in &evaluation.files {
        let place = file.chain.last();
        let mut add = |message: String| {
            found.push(Lint {
                manifest: place
                    .map(|place| place.manifest.clone())
                    .unwrap_or_default(),
                line: place.map_or(0, |place| place.line),
                message,
            });
        };
        if file.target.split('/').any(|part| part == "..") || file.target.starts_with('/') {
            add(format!(
                "`{}` leads out of the folder of the build",
                file.target
            ));
        }
        if matches!(file.kind, Kind::Auto | Kind::FreezeAuto) {
            add(format!(
                "`{}` is neither a `.py` nor a `.mpy` file: no build can use it",
                file.target
            ));
        }
        if let Some(first) = targets.insert(&file.target, &file.source) {
            add(format!(
                "`{}` is listed twice: as `{first}` and as `{}`",
                file.target, file.source
            ));
        }
    }
    for manifest in &evaluation.manifests {
        let Ok(text) = std::fs::read_to_string(manifest) else {
            continue;
        };
        for (line, text) in (1..).zip(text.lines()) {
            let code = text.trim_start();
            let asks = ["os.path.", "os.listdir(", "os.stat(", "open(", "Path("]
                .iter()
                .any(|call| code.contains(call));
            if asks && code.contains("$(") && !code.starts_with('#') {
                found.push(Lint {
                    manifest: manifest.clone(),
                    line,
                    message:
                        "`$(...)` is only replaced in the arguments of the manifest's own functions"
                            .to_owned(),
                });
            }
        }
    }
    found
}

//! tools/makemanifest.py

use std::path::PathBuf;

use piton::cache_folder::compiled_modules;
use piton::firmware::compiling::Compiling;
use piton::firmware::freezing::{FreezeEvent, FreezeOptions, MakeError, freeze};
use piton::firmware::frozen::Target;
use piton::firmware::{self, Mode, Permissions, Python, Request};

use super::arguments::{Given, Known, parse};
use super::{BuildTool, End, mpy_tool, print};
use crate::firmware::options_of;

const OPTIONS: &[Known] = &[
    Known {
        names: &["-o", "--output"],
        value: Some("OUTPUT"),
        help: "output path",
    },
    Known {
        names: &["-b", "--build-dir"],
        value: Some("BUILD_DIR"),
        help: "output path",
    },
    Known {
        names: &["-f", "--mpy-cross-flags"],
        value: Some("MPY_CROSS_FLAGS"),
        help: "flags to pass to mpy-cross",
    },
    Known {
        names: &["-v", "--var"],
        value: Some("VAR"),
        help: "variables to substitute",
    },
    Known {
        names: &["--mpy-tool-flags"],
        value: Some("MPY_TOOL_FLAGS"),
        help: "flags to pass to mpy-tool",
    },
    Known {
        names: &["--list-c-modules"],
        value: None,
        help: "list C module paths from manifest and exit",
    },
];

pub(super) fn run(words: &[String]) -> Result<(), End> {
    let given = parse(BuildTool::MakeManifest, OPTIONS, words)?;
    let list = given.has("--list-c-modules");
    let mut request = Request::new(
        if list {
            Mode::ListCModules
        } else {
            Mode::Freeze
        },
        given.files.clone(),
    );
    request.environment = firmware::environment();
    for text in given.values("-v") {
        let Some((name, value)) = firmware::variable(text, &request.folder) else {
            return Err(End::failed(format!(
                "makemanifest.py: `{text}` is not a variable: NAME=VALUE is expected\n"
            )));
        };
        request.variables.retain(|(known, _)| *known != name);
        request.variables.push((name, value));
    }
    let has = |name: &str| request.variables.iter().any(|(known, _)| known == name);
    if !has("MPY_DIR") || !has("PORT_DIR") {
        return Err(End {
            stdout: "MPY_DIR and PORT_DIR variables must be specified\n".to_owned(),
            code: 1,
            ..End::default()
        });
    }
    let evaluation = evaluate(&request, given.value("-b"))?;
    crate::ui::raw_stderr(evaluation.printed.as_bytes());
    if list {
        for module in &evaluation.c_modules {
            print(&format!("{module}\n"));
        }
        return Ok(());
    }
    make(&given, &evaluation)
}

fn evaluate(request: &Request, build_folder: Option<&str>) -> Result<firmware::Evaluation, End> {
    let python = Python::Program {
        name: "python3".to_owned(),
        permissions: Permissions {
            writable: build_folder.into_iter().map(str::to_owned).collect(),
            programs: false,
        },
    };
    let mut announce = |reason: &str| {
        crate::ui::raw_stderr(format!("the manifest is run by `python3` ({reason})\n").as_bytes())
    };
    firmware::evaluate(request, &python, &mut announce).map_err(|error| {
        let stderr = match error.kind {
            firmware::ErrorKind::Exit(_) => String::new(),
            _ => format!(
                "manifest error executing \"{}\": {}\n",
                error.manifest, error.message
            ),
        };
        End {
            stderr: format!("{}{stderr}", error.printed),
            code: match error.kind {
                firmware::ErrorKind::Exit(code) => u8::try_from(code).unwrap_or(1),
                _ => 1,
            },
            ..End::default()
        }
    })
}

fn make(given: &Given, evaluation: &firmware::Evaluation) -> Result<(), End> {
    let (Some(output), Some(build_folder)) = (given.value("-o"), given.value("-b")) else {
        return Err(End::failed(
            "makemanifest.py: `-o` and `-b` are needed\n".to_owned(),
        ));
    };
    let mut target = mpy_tool::target(given.value("--mpy-tool-flags").unwrap_or_default())?;
    let header = format!("{build_folder}/genhdr/qstrdefs.preprocessed.h");
    let compiled = evaluation
        .files
        .iter()
        .any(|file| file.kind != firmware::Kind::FreezeAsStr);
    if compiled {
        mpy_tool::read_header(&mut target, &header)?;
    }
    let flags: Vec<String> = given
        .value("-f")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let cache = compiled_modules();
    let compiling = Compiling {
        options_of: &|target, path, level| options_of(target, path, level, &flags),
        cache: cache.as_ref(),
    };
    let options = FreezeOptions {
        output: PathBuf::from(output),
        build_folder: build_folder.to_owned(),
        target: Target::clone(&target),
    };
    let mut events = |event: FreezeEvent| match event {
        FreezeEvent::Compiled { target } => print(&format!("MPY {target}\n")),
        FreezeEvent::Source { target } => print(&format!("STR {target}\n")),
        FreezeEvent::Written { .. } => print(&format!("GEN {output}\n")),
    };
    freeze(evaluation, &options, compiling, &mut events).map_err(|error| match error {
        // On stdout, as upstream.
        MakeError::Rejected { target, text } => End {
            stdout: format!("error compiling {target}:\n{text}\n"),
            code: 1,
            ..End::default()
        },
        other => End::failed(format!("makemanifest.py: {other}\n")),
    })
}

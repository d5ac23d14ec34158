//! The result of a build as data: what `piton build --json` prints.

use std::path::{Path, PathBuf};

use piton_path::PortablePath;
use serde::Serialize;

use super::project::{Layout, Project};
use super::{Report, Written};
use crate::compile::SourceError;

/// The result of a build. Paths of this computer are text here: what is not UTF-8 in them is replaced by U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// What happened to the folder of the results: `replaced`, `unchanged` or `refused`.
    pub written: &'static str,
    /// The version of what was built.
    pub version: String,
    /// When the sources were current, in seconds since 1970.
    pub timestamp: u64,
    /// The result for each target, in the order of the settings.
    pub targets: Vec<BuiltTarget>,
    /// The path of the list of targets, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The paths of the signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
    /// The sources that did not compile, by target and path.
    pub failures: Vec<BuildFailure>,
    /// What the build concluded from the files of the project.
    pub project: ProjectReport,
    /// The sources that are included unchanged, by target and path.
    pub as_source: Vec<SourceAsIs>,
    /// The files that were taken along, by path below the sources.
    pub data: Vec<PortablePath>,
    /// The files that were not taken along, as nothing says so, by path below the sources.
    pub data_left_out: Vec<PortablePath>,
}

/// What was built for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BuiltTarget {
    /// The name of the target.
    pub target: String,
    /// The path of the folder with the files.
    pub folder: String,
    /// The path of the manifest.
    pub manifest: String,
    /// The paths of the archives.
    pub archives: Vec<String>,
    /// How many files the manifest has.
    pub files: usize,
    /// How many of them are compiled modules.
    pub modules: usize,
    /// How many modules this run compiled: the others came from the cache.
    pub compiled: usize,
    /// The size of all files, in bytes.
    pub size: u64,
}

/// A source that did not compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BuildFailure {
    /// The name of the target.
    pub target: String,
    /// The path below the folder of the sources.
    pub source: PortablePath,
    /// The reason; in JSON its keys stand beside `source`.
    #[serde(flatten)]
    pub error: SourceError,
    /// Whether the settings allow that it fails.
    pub allowed: bool,
}

/// A source that is included unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceAsIs {
    /// The name of the target.
    pub target: String,
    /// The path below the folder of the sources.
    pub source: PortablePath,
    /// The line of the first decorator that asks for machine code, from 1, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Why: `native-code`.
    pub reason: &'static str,
}

/// What a build concluded from the files of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProjectReport {
    /// Why these are the sources: `folder`, `program`, `list`, `package` or `modules`.
    pub layout: &'static str,
    /// The path of the folder of the sources.
    pub source: String,
    /// The path of the list that names the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// What the list names that is not here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
    /// The path of the file that says that the project is for CircuitPython.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuitpython: Option<String>,
}

impl BuildReport {
    /// Returns the report of a build of `project`.
    pub fn new(report: &Report, project: &Project) -> BuildReport {
        let targets = report.targets.iter().map(|target| BuiltTarget {
            target: target.name.clone(),
            folder: target.folder.display().to_string(),
            manifest: target.manifest.display().to_string(),
            archives: texts(&target.archives),
            files: target.files,
            modules: target.modules,
            compiled: target.compiled,
            size: target.size,
        });
        let failures = report.failures.iter().map(|failure| BuildFailure {
            target: failure.target.clone(),
            source: failure.source.clone(),
            error: SourceError::of_source(&failure.diagnostic, &failure.content),
            allowed: failure.allowed,
        });
        let as_source = report.native.iter().map(|native| SourceAsIs {
            target: native.target.clone(),
            source: native.source.clone(),
            line: native.line,
            reason: "native-code",
        });
        BuildReport {
            written: match report.written {
                Written::Replaced => "replaced",
                Written::Unchanged => "unchanged",
                Written::Refused(_) => "refused",
            },
            version: report.version.clone(),
            timestamp: report.timestamp,
            targets: targets.collect(),
            index: report.index.as_ref().map(|path| path.display().to_string()),
            signatures: texts(&report.signatures),
            failures: failures.collect(),
            project: ProjectReport::new(project),
            as_source: as_source.collect(),
            data: report.data.clone(),
            data_left_out: report.other.clone(),
        }
    }
}

impl ProjectReport {
    fn new(project: &Project) -> ProjectReport {
        let (layout, list) = match &project.layout {
            Layout::Folder => ("folder", None),
            Layout::Program => ("program", None),
            Layout::List(path) => ("list", Some(path)),
            Layout::Package(_) => ("package", None),
            Layout::Modules => ("modules", None),
        };
        let sign = project.circuitpython.as_ref();
        ProjectReport {
            layout,
            source: project.source.display().to_string(),
            list: list.map(|path| without_dot(path)),
            elsewhere: project.elsewhere.clone(),
            circuitpython: sign.map(|sign| without_dot(sign.path())),
        }
    }
}

/// Returns a path as a person would write it: without a `./` in front.
fn without_dot(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    let texts = paths.iter().map(|path| path.display().to_string());
    texts.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::building::project::{Named, Sign};

    fn project(layout: Layout, circuitpython: Option<Sign>) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let mut project =
            crate::building::project::find(folder.path(), Named::Settings(Path::new("./src")))
                .unwrap();
        project.layout = layout;
        project.circuitpython = circuitpython;
        project
    }

    #[test]
    fn a_report_names_why_the_sources_are_these() {
        let json = |layout, sign| {
            let report = ProjectReport::new(&project(layout, sign));
            serde_json::to_value(report).unwrap()
        };
        assert_eq!(
            json(Layout::Folder, None),
            serde_json::json!({"layout": "folder", "source": "./src"})
        );
        let list = Layout::List("./lib/package.json".into());
        let sign = Sign::File("./code.py".into());
        assert_eq!(
            json(list, Some(sign)),
            serde_json::json!({
                "layout": "list", "source": "./src", "list": "lib/package.json", "circuitpython": "code.py"
            })
        );
        assert_eq!(
            json(Layout::Package("p".to_owned()), None)["layout"],
            "package"
        );
        assert_eq!(json(Layout::Modules, None)["layout"], "modules");
        let boot_out = Sign::BootOut {
            path: "/media/x/boot_out.txt".into(),
            version: "10.0".to_owned(),
        };
        let program = json(Layout::Program, Some(boot_out));
        assert_eq!(program["circuitpython"], "/media/x/boot_out.txt");
        assert_eq!(program["layout"], "program");
    }

    #[test]
    fn the_sources_that_failed_stand_in_the_report_with_their_targets() {
        let diagnostic = piton_compiler::compile(b"x = = 1", &piton_compiler::Options::new("a.py"));
        let report = Report {
            written: Written::Refused(crate::building::Refusal::Strict),
            targets: Vec::new(),
            index: None,
            signatures: Vec::new(),
            version: "1.0".to_owned(),
            failures: vec![crate::building::Failure {
                target: "micropython".to_owned(),
                source: "a.py".parse().unwrap(),
                path: "src/a.py".into(),
                diagnostic: diagnostic.unwrap_err(),
                content: b"x = = 1".to_vec(),
                allowed: true,
            }],
            native: vec![crate::building::NativeSource {
                target: "micropython".to_owned(),
                source: "b.py".parse().unwrap(),
                path: "src/b.py".into(),
                line: Some(3),
            }],
            data: Vec::new(),
            other: vec!["notes.txt".parse().unwrap()],
            timestamp: 7,
        };
        let json = BuildReport::new(&report, &project(Layout::Folder, None));
        let json = serde_json::to_value(json).unwrap();
        assert_eq!(json["written"], "refused");
        let failure = &json["failures"][0];
        assert_eq!(
            (
                &failure["target"],
                &failure["source"],
                &failure["code"],
                &failure["line"],
                &failure["allowed"]
            ),
            (
                &"micropython".into(),
                &"a.py".into(),
                &"invalid-syntax".into(),
                &1.into(),
                &true.into()
            )
        );
        assert_eq!(
            json["as_source"],
            serde_json::json!([
                {"target": "micropython", "source": "b.py", "line": 3, "reason": "native-code"}
            ])
        );
        assert_eq!(json["data_left_out"], serde_json::json!(["notes.txt"]));
        for absent in ["index", "signatures"] {
            assert!(json.get(absent).is_none(), "{absent}");
        }
    }
}

//! The time of the sources, which is the same on every computer with the same commit.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use piton_shipment::timestamp::Timestamp;
use piton_shipment::version::compare;
use tracing::debug;

use super::scan::Input;
use super::{BuildError, BuildEvent, Settings};

/// The time and the version of the sources.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Age {
    /// Seconds since 1970.
    pub(super) seconds: u64,
    /// The tag of the commit, if it has one.
    pub(super) tag: Option<String>,
}

/// Returns the time of `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>), else the time
/// of the commit, else that of the newest source.
pub(super) fn age(
    settings: &Settings,
    inputs: &[Input],
    events: &dyn Fn(BuildEvent),
) -> Result<Age, BuildError> {
    let epoch = epoch()?;
    let needs_commit = epoch.is_none() || settings.version.is_none();
    let commit = match needs_commit && in_repository(&settings.source) {
        false => None,
        true => match commit(&settings.source) {
            Ok(commit) => Some(commit),
            Err(why) => {
                events(BuildEvent::NoCommitTime { why });
                None
            }
        },
    };
    let (time, tag) = commit.map_or((None, None), |(time, tag)| (Some(time), tag));
    let (seconds, origin) = match (epoch, time) {
        (Some(seconds), _) => (seconds, "SOURCE_DATE_EPOCH"),
        (None, Some(seconds)) => (seconds, "the commit"),
        (None, None) => (newest(&settings.source, inputs), "the newest source"),
    };
    debug!(seconds, %origin, tag, "the time of the build");
    Ok(Age { seconds, tag })
}

/// Returns the time of `SOURCE_DATE_EPOCH` in seconds since 1970, if it is set.
///
/// # Errors
///
/// [`BuildError::Epoch`] if it is no such time.
pub fn epoch() -> Result<Option<u64>, BuildError> {
    let epoch = std::env::var(crate::environment::SOURCE_DATE_EPOCH)
        .ok()
        .filter(|value| !value.is_empty());
    match epoch {
        None => Ok(None),
        Some(value) => match value.trim().parse::<u64>() {
            Ok(seconds) if Timestamp::from_seconds(seconds).seconds() == seconds => {
                Ok(Some(seconds))
            }
            _ => Err(BuildError::Epoch { value }),
        },
    }
}

fn in_repository(folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().any(|above| above.join(".git").exists())
}

/// Returns time and tag of the last commit. The error is a message: there is no commit, or no git.
fn commit(folder: &Path) -> Result<(u64, Option<String>), String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        // With `log.showSignature = true` git prints the signature in front of the format.
        .args(["log", "-1", "--no-show-signature"])
        .args(["--format=%ct %D", "--decorate=short"])
        .output()
        .map_err(|error| format!("git: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (time, names) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let Ok(time) = time.parse::<u64>() else {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(message.lines().next().unwrap_or("no commit").to_owned());
    };
    Ok((time, tag(names)))
}

/// Returns the greatest tag in git's list of names, without a `v` in front of a number.
fn tag(names: &str) -> Option<String> {
    let tags = names
        .split(", ")
        .filter_map(|name| name.strip_prefix("tag: "));
    let tag = tags.max_by(|one, other| compare(one, other).then_with(|| one.cmp(other)))?;
    let version = tag
        .strip_prefix('v')
        .filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    Some(version.unwrap_or(tag).to_owned())
}

fn newest(root: &Path, inputs: &[Input]) -> u64 {
    let seconds = inputs.iter().filter_map(|input| {
        let changed = root
            .join(input.path.to_path())
            .metadata()
            .ok()?
            .modified()
            .ok()?;
        Some(
            changed
                .duration_since(SystemTime::UNIX_EPOCH)
                .ok()?
                .as_secs(),
        )
    });
    seconds.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions() {
        assert_eq!(tag("HEAD -> main, origin/main"), None);
        assert_eq!(
            tag("HEAD -> main, tag: v1.2.0, origin/main").as_deref(),
            Some("1.2.0")
        );
        assert_eq!(tag("tag: release-3").as_deref(), Some("release-3"));
        assert_eq!(tag("tag: vega").as_deref(), Some("vega"));
        for tags in [
            ["v1.10.0", "v1.9.1"],
            ["1.10", "1.9"],
            ["v2", "v1.99"],
            ["v1.0.1", "v1.0"],
            ["v010", "v9"],
            ["b", "a12"],
        ] {
            let [new, old] = tags;
            let found = [
                format!("tag: {new}, tag: {old}"),
                format!("tag: {old}, tag: {new}"),
            ];
            for names in found {
                let version = new.strip_prefix('v').unwrap_or(new);
                assert_eq!(tag(&names).as_deref(), Some(version), "{names}");
            }
        }
    }
}

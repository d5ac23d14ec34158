//! Whether this user can open a serial port, found out without opening it: opening resets some boards.

use serde::Serialize;

/// What stands between a user and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "access", rename_all = "snake_case")]
pub enum PortAccess {
    /// No reason that this system reports.
    Free,
    /// The user must not read and write it.
    Denied {
        /// The group that may, where the system reports it: `dialout` on Debian and Ubuntu, `uucp` on Arch.
        group: Option<String>,
    },
    /// Another program has it open.
    Held {
        /// The program, for a person to read: `minicom` (process 4711).
        holder: String,
    },
}

/// Returns whether this user can open a port: by the modes of the device file and, on Linux, by the open files of the processes
/// that this user may look into. Elsewhere than on Unix always [`PortAccess::Free`].
pub fn port_access(path: &str) -> PortAccess {
    #[cfg(unix)]
    if let Some(denied) = denied(std::path::Path::new(path)) {
        return denied;
    }
    #[cfg(target_os = "linux")]
    if let Some(holder) = crate::transport::serial::holder_of(std::path::Path::new(path)) {
        return PortAccess::Held { holder };
    }
    let _ = path;
    PortAccess::Free
}

#[cfg(unix)]
fn denied(path: &std::path::Path) -> Option<PortAccess> {
    use rustix::fs::{Access, access};
    use rustix::io::Errno;

    match access(path, Access::READ_OK | Access::WRITE_OK) {
        Err(Errno::ACCESS | Errno::PERM) => Some(PortAccess::Denied {
            group: group_of(path),
        }),
        _ => None,
    }
}

/// Returns the name of the group of a file, by `/etc/group`.
#[cfg(unix)]
fn group_of(path: &std::path::Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let number = std::fs::metadata(path).ok()?.gid();
    group_name(&std::fs::read_to_string("/etc/group").ok()?, number)
}

/// Returns the name of a group in the text of `/etc/group`: lines `NAME:PASSWORD:NUMBER:MEMBERS` (group(5)).
#[cfg(unix)]
fn group_name(groups: &str, number: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, found) = (fields.next()?, fields.nth(1)?);
        (found.parse() == Ok(number)).then(|| name.to_owned())
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_number() {
        let groups = "root:x:0:\ndialout:x:20:ada,bob\nbroken\n";
        assert_eq!(group_name(groups, 20).as_deref(), Some("dialout"));
        assert_eq!(group_name(groups, 7), None);
    }

    #[test]
    fn a_port_that_is_open_is_held() {
        let file = tempfile::NamedTempFile::new().unwrap();
        match port_access(file.path().to_str().unwrap()) {
            PortAccess::Held { holder } => {
                let own = format!("(process {})", std::process::id());
                assert!(holder.ends_with(&own), "{holder}");
            }
            // Only Linux shows who has a file open.
            other if cfg!(target_os = "linux") => panic!("{other:?}"),
            other => assert_eq!(other, PortAccess::Free),
        }
        assert_eq!(port_access("/no/such/port"), PortAccess::Free);
    }
}

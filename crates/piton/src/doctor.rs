//! What keeps a board from being reached, and what to do about it.
//!
//! [`examine_computer`] looks at this computer without opening a port: opening resets some boards. [`examine_board`] looks at
//! a board that is connected already. Both return [`Finding`]s in the order of a person's questions: is the board there, may I
//! open it, what is on it?

use std::fs;
use std::io;
use std::path::Path;

use piton_board::discovery::access::{PortAccess, port_access};
use piton_board::discovery::usb::{UsbDevice, list_usb_devices};
use piton_board::discovery::{SerialPortFacts, is_without_hardware, list_serial_ports};
use piton_board::facts::BoardFacts;
use piton_fs::disk::DiskFree;
use serde::Serialize;

use crate::cache_folder::cache_folder;
use crate::environment;
use crate::vm::{self, VmFile, VmFileError};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Worth knowing: something does not work, or will be slow, in some cases.
    Note,
    /// Something does not work.
    Problem,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The program itself: where it is, and what else has its name.
    Program,
    /// Serial ports and the USB devices behind them.
    Ports,
    /// Other programs that get in the way.
    Programs,
    /// The virtual board's VM file.
    VirtualBoard,
    /// The cache folder.
    Cache,
    /// Completion of command lines in the shell.
    Completion,
    /// The firmware of a board.
    Firmware,
    /// Memory and file systems of a board.
    Space,
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// How bad it is.
    pub severity: Severity,
    /// What was found: a sentence without a full stop.
    pub message: String,
    /// What to do about it; `None` where nothing need be done.
    pub remedy: Option<String>,
}

impl Finding {
    /// Returns a finding that needs no remedy.
    pub fn fine(topic: Topic, message: impl Into<String>) -> Finding {
        Finding {
            topic,
            severity: Severity::Fine,
            message: message.into(),
            remedy: None,
        }
    }

    /// Returns a finding that is worth knowing, with what to do about it.
    pub fn note(topic: Topic, message: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding {
            severity: Severity::Note,
            remedy: Some(remedy.into()),
            ..Finding::fine(topic, message)
        }
    }

    /// Returns a problem, with what to do about it.
    pub fn problem(topic: Topic, message: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding {
            severity: Severity::Problem,
            ..Finding::note(topic, message, remedy)
        }
    }
}

/// Looks at this computer: ports, who may open them, who has them open, other programs in the way, the VM file of the virtual
/// board (`explicit` as for [`vm::locate`]; nothing is fetched), the cache folder. Nothing is opened or changed but a file in the
/// cache folder that is removed at once.
pub fn examine_computer(explicit: Option<&Path>) -> Vec<Finding> {
    let mut ports = list_serial_ports();
    ports.retain(|port| !is_without_hardware(&port.path));
    let access: Vec<_> = ports.iter().map(|port| port_access(&port.path)).collect();
    let mut findings = port_findings(&ports, &access, &list_usb_devices());
    findings.extend(program_findings(&running_programs(Path::new("/proc"))));
    findings.push(vm_finding(vm::look(explicit)));
    findings.push(cache_finding());
    findings
}

fn port_findings(
    ports: &[SerialPortFacts],
    access: &[PortAccess],
    devices: &[UsbDevice],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (port, access) in ports.iter().zip(access) {
        findings.push(port_finding(port, access));
    }
    for device in devices.iter().filter(|device| !device.has_port) {
        findings.push(device_finding(device));
    }
    let has_usb = ports.iter().any(SerialPortFacts::is_usb);
    if !has_usb && devices.is_empty() {
        findings.push(Finding::note(
            Topic::Ports,
            "no board is found on USB",
            "plug it in with a cable that carries data: many carry power only",
        ));
    }
    findings
}

fn port_finding(port: &SerialPortFacts, access: &PortAccess) -> Finding {
    let path = &port.path;
    let name = match port.product.as_deref().or(port.manufacturer.as_deref()) {
        Some(product) => format!("port `{path}` ({product})"),
        None => format!("port `{path}`"),
    };
    match access {
        PortAccess::Free => Finding::fine(Topic::Ports, format!("{name} can be opened")),
        // A port without USB is rarely a board's: no reason to call the computer ill.
        PortAccess::Denied { .. } if !port.is_usb() => Finding::fine(
            Topic::Ports,
            format!("{name} may not be opened by you; it is not on USB, where boards are"),
        ),
        PortAccess::Denied { group: Some(group) } if group != "root" => Finding::problem(
            Topic::Ports,
            format!("{name} may be opened by the group `{group}` only, which you are not in"),
            format!(
                "run `sudo usermod -a -G {group} $USER` and log in again, or install the rules of `piton udev`"
            ),
        ),
        PortAccess::Denied { .. } => Finding::problem(
            Topic::Ports,
            format!("{name} may not be opened by you"),
            "install the rules of `piton udev`, and plug the board in again",
        ),
        PortAccess::Held { holder } => Finding::problem(
            Topic::Ports,
            format!("{name} is in use by {holder}"),
            "close that program, or its connection",
        ),
    }
}

fn device_finding(device: &UsbDevice) -> Finding {
    let UsbDevice { vid, pid, name, .. } = device;
    if device.is_bootloader() {
        return Finding::note(
            Topic::Ports,
            format!(
                "USB device {vid:04x}:{pid:04x} ({name}) is in its bootloader, and waits for firmware"
            ),
            "copy a firmware file to its drive, or press its reset button",
        );
    }
    Finding::problem(
        Topic::Ports,
        format!("USB device {vid:04x}:{pid:04x} ({name}) has no serial port"),
        match vid {
            // Ubuntu's braille service takes a CH340 for a braille display.
            0x1a86 => {
                "load its driver with `sudo modprobe ch341`; if the port goes away at once, remove the package `brltty`"
            }
            0x10c4 => "load its driver with `sudo modprobe cp210x`",
            0x0403 => "load its driver with `sudo modprobe ftdi_sio`",
            0x067b => "load its driver with `sudo modprobe pl2303`",
            _ => {
                "press its reset button; if the firmware hides the port (as `usb` settings in `boot.py` can), start it in its safe mode"
            }
        },
    )
}

/// Returns the names of the running programs, by `comm` of each process (proc(5)). Empty elsewhere than on Linux.
fn running_programs(proc: &Path) -> Vec<String> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let numbered = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_str();
        name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let names = numbered.filter_map(|entry| fs::read(entry.path().join("comm")).ok());
    names
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
        .collect()
}

fn program_findings(programs: &[String]) -> Vec<Finding> {
    let runs = |name: &str| programs.iter().any(|program| program == name);
    let mut findings = Vec::new();
    if runs("ModemManager") {
        findings.push(Finding::note(
            Topic::Programs,
            "`ModemManager` is running: it opens new serial ports for some seconds and sends commands for modems",
            "install the rules of `piton udev`, which make it leave boards alone",
        ));
    }
    if runs("brltty") {
        findings.push(Finding::note(
            Topic::Programs,
            "`brltty` is running: it can take a CH340 converter for a braille display, and its port goes away",
            "remove the package `brltty` if no user of this computer reads braille",
        ));
    }
    findings
}

fn vm_finding(found: Result<Option<VmFile>, VmFileError>) -> Finding {
    match found {
        Ok(Some(file)) => Finding::fine(
            Topic::VirtualBoard,
            format!("the virtual board has its VM file: {file}"),
        ),
        Ok(None) => Finding::note(
            Topic::VirtualBoard,
            format!(
                "the virtual board has no VM file {} yet; it is fetched at the first `piton connect virtual`",
                vm::VERSION
            ),
            format!(
                "connect once while there is a network, or name a file with `{}`",
                environment::VM
            ),
        ),
        Err(VmFileError::Damaged {
            release,
            path,
            found,
        }) => Finding::problem(
            Topic::VirtualBoard,
            VmFileError::Damaged {
                release,
                path: path.clone(),
                found,
            }
            .to_string(),
            format!("delete `{}`: it is fetched again", path.display()),
        ),
        Err(error) => Finding::problem(
            Topic::VirtualBoard,
            error.to_string(),
            format!("mend or unset `{}`", environment::VM),
        ),
    }
}

fn cache_finding() -> Finding {
    let remedy = format!(
        "name a folder that you may write with `{}`; compiling is slower without",
        environment::CACHE_FOLDER
    );
    let folder = match cache_folder() {
        Ok(folder) => folder,
        Err(error) => return Finding::note(Topic::Cache, error.to_string(), remedy),
    };
    match can_write(&folder) {
        Ok(there) => written_cache_finding(&folder, free_space(there)),
        Err(error) => Finding::note(
            Topic::Cache,
            format!(
                "the cache folder `{}` can't be written: {error}",
                folder.display()
            ),
            remedy,
        ),
    }
}

/// With less, the VM file, packages and compiled files may not all fit.
const LITTLE_DISK: u64 = 100 << 20;

/// Returns the finding for a cache folder that can be written, on a disk with this much free space.
fn written_cache_finding(folder: &Path, free: Option<u64>) -> Finding {
    let message = format!("the cache folder `{}` can be written", folder.display());
    match free {
        None => Finding::fine(Topic::Cache, message),
        Some(free) if free >= LITTLE_DISK => {
            let message = format!("{message}; {} MB of its disk are free", free / 1_000_000);
            Finding::fine(Topic::Cache, message)
        }
        Some(free) => Finding::note(
            Topic::Cache,
            format!(
                "{message}, but only {} kB of its disk are free",
                free / 1000
            ),
            format!(
                "run `piton cache clear --all`, or name a folder on another disk with `{}`",
                environment::CACHE_FOLDER
            ),
        ),
    }
}

/// Returns how many bytes a person may still write to the disk of a folder; `None` if the system does not tell.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn free_space(_folder: &Path) -> Option<u64> {
    None
}

/// Tries whether a file can be made in a folder, or in the nearest folder above it that is there, and returns the latter.
fn can_write(folder: &Path) -> io::Result<&Path> {
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.ok_or(io::ErrorKind::NotFound)?;
    tempfile::NamedTempFile::new_in(there)?;
    Ok(there)
}

/// Returns the findings for a board with these facts and these file systems.
pub fn examine_board(device: &str, facts: &BoardFacts, file_systems: &[DiskFree]) -> Vec<Finding> {
    let mut findings = vec![firmware_finding(device, facts)];
    findings.push(format_finding(facts));
    if let (Some(free), Some(used)) = (facts.memory_free, facts.memory_allocated) {
        findings.push(memory_finding(free, free.saturating_add(used)));
    }
    findings.extend(file_systems.iter().map(space_finding));
    findings
}

fn firmware_finding(device: &str, facts: &BoardFacts) -> Finding {
    let unknown = "unknown firmware".to_owned();
    let firmware = facts.implementation.clone().unwrap_or(unknown);
    let release = facts.release.clone().unwrap_or_default();
    let machine = match &facts.machine {
        Some(machine) => format!(" on {machine}"),
        None => String::new(),
    };
    let message = format!("board `{device}` runs {firmware} {release}{machine}");
    if facts.capabilities.raw_paste {
        return Finding::fine(Topic::Firmware, message);
    }
    Finding::note(
        Topic::Firmware,
        format!("{message}, which has no raw-paste: transfers are slower"),
        "install newer firmware if there is one for the board (raw-paste came with MicroPython 1.14)",
    )
}

fn format_finding(facts: &BoardFacts) -> Finding {
    match &facts.mpy {
        Some(mpy) => Finding::fine(
            Topic::Firmware,
            format!(
                "it loads compiled modules of .mpy version {}.{}",
                mpy.version, mpy.sub_version
            ),
        ),
        None => Finding::note(
            Topic::Firmware,
            "it loads no compiled modules: everything goes to it as source",
            "install newer firmware if there is one for the board",
        ),
    }
}

/// A heap with less than this can run out of memory by importing a module of ordinary size.
const LITTLE_MEMORY: u64 = 8 << 10;

fn memory_finding(free: u64, all: u64) -> Finding {
    let message = format!("{free} of {all} bytes of memory are free");
    if free >= LITTLE_MEMORY {
        return Finding::fine(Topic::Space, message);
    }
    Finding::note(
        Topic::Space,
        message,
        "compile modules (`piton sync --compile`): they need less memory to import",
    )
}

fn space_finding(space: &DiskFree) -> Finding {
    let message = format!(
        "file system `{}` has {} of {} bytes free",
        space.mounted_on, space.available, space.size
    );
    // One twentieth: littlefs needs spare blocks, and a change keeps the old file until the new one is whole.
    if space.size == 0 || space.available.saturating_mul(20) >= space.size {
        return Finding::fine(Topic::Space, message);
    }
    Finding::note(
        Topic::Space,
        message,
        "remove files (`piton tree -s` lists them with sizes)",
    )
}

#[cfg(test)]
mod tests;

//! The systems that releases are made for.

/// A system that a release is made for.
#[derive(Debug)]
pub(crate) struct System {
    /// `OS-PROCESSOR`, as in the names of archives.
    pub(crate) name: &'static str,
    /// Rust's name of the platform that the programs are built for. On Linux it is musl's: these programs run on every
    /// Linux, since they contain the C library.
    pub(crate) programs: &'static str,
    /// The wheels.
    pub(crate) wheels: &'static [Wheel],
}

/// A wheel of a system: the extension module is for one platform.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Rust's name of the platform.
    pub(crate) module: &'static str,
    /// The value of maturin's `--compatibility`; empty: the option is omitted.
    pub(crate) compatibility: &'static str,
}

/// A wheel for the C library of most distributions, of 2014 or later (PEP 599).
const fn manylinux(module: &'static str) -> Wheel {
    Wheel {
        module,
        compatibility: "manylinux2014",
    }
}

/// A wheel for Alpine and other distributions with musl (PEP 656).
const fn musllinux(module: &'static str) -> Wheel {
    Wheel {
        module,
        compatibility: "musllinux_1_2",
    }
}

/// All systems.
pub(crate) const SYSTEMS: [System; 6] = [
    System {
        name: "linux-x86_64",
        programs: "x86_64-unknown-linux-musl",
        wheels: &[
            manylinux("x86_64-unknown-linux-gnu"),
            musllinux("x86_64-unknown-linux-musl"),
        ],
    },
    System {
        name: "linux-aarch64",
        programs: "aarch64-unknown-linux-musl",
        wheels: &[
            manylinux("aarch64-unknown-linux-gnu"),
            musllinux("aarch64-unknown-linux-musl"),
        ],
    },
    System {
        name: "linux-armv7",
        programs: "armv7-unknown-linux-musleabihf",
        wheels: &[
            manylinux("armv7-unknown-linux-gnueabihf"),
            musllinux("armv7-unknown-linux-musleabihf"),
        ],
    },
    System {
        name: "windows-x86_64",
        programs: "x86_64-pc-windows-gnu",
        wheels: &[Wheel {
            module: "x86_64-pc-windows-gnu",
            compatibility: "",
        }],
    },
    System {
        name: "macos-aarch64",
        programs: "aarch64-apple-darwin",
        wheels: &[Wheel {
            module: "aarch64-apple-darwin",
            compatibility: "",
        }],
    },
    System {
        name: "macos-x86_64",
        programs: "x86_64-apple-darwin",
        wheels: &[Wheel {
            module: "x86_64-apple-darwin",
            compatibility: "",
        }],
    },
];

impl System {
    /// Returns whether this computer can build for it. Programs for macOS need frameworks that only macOS has.
    pub(crate) fn is_built_here(&self) -> bool {
        cfg!(target_os = "macos") || !self.name.starts_with("macos")
    }

    /// Returns whether this computer runs its programs.
    pub(crate) fn is_this_computer(&self) -> bool {
        let own = (std::env::consts::OS, std::env::consts::ARCH);
        self.name.split_once('-') == Some(own)
    }

    /// Returns whether zig links for it: everything but macOS on itself.
    pub(crate) fn needs_zig(&self) -> bool {
        !self.name.starts_with("macos")
    }

    /// Returns the file name of a program.
    pub(crate) fn program(&self, name: &str) -> String {
        if self.is_windows() {
            format!("{name}.exe")
        } else {
            name.to_owned()
        }
    }

    pub(crate) fn is_windows(&self) -> bool {
        self.name.starts_with("windows")
    }
}

//! The versions of the VM file that a virtual board can run.

use super::{SHA512, VERSION};

/// A version of the VM file, with the checksum that is expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version of the npm package, such as `1.27.0`; a `-` and the number of a build may follow.
    pub version: &'static str,
    /// The SHA-512 of the file, in lower-case hexadecimal.
    pub sha512: &'static str,
}

/// The version that this release of Piton runs unless another one is asked for.
pub const PINNED: Release = Release {
    version: VERSION,
    sha512: SHA512,
};

/// The known versions, the newest first. The builds with a number have corrections of the WebAssembly port alone.
pub const RELEASES: [Release; 5] = [
    PINNED,
    Release {
        version: "1.28.0-6",
        sha512: "671a4a486699dd558048f3a8690f72e55845dddafe10ad97407e50b6d6ee907c35c84fda2984fc42676da7163c3531337980156eeac75704856c63d744e3da68",
    },
    Release {
        version: "1.27.0",
        sha512: "3e7b93d21b7e01c202da81d58035d88a7705b1dcfcc91a765ef6d20ee1542a153eb360e64e1945890a09c928e88b7c0f0177fa8f862cad01cb5bd73db3981bd5",
    },
    Release {
        version: "1.26.0",
        sha512: "39ada74f9ab3817f0108bb07fe7e231c5966379f71f27fb4aeaae24183ec1074205016a62011cbc8c7215f6a407cad9561d5c84df2a9263914187e539f05cb61",
    },
    Release {
        version: "1.25.0",
        sha512: "b88516467dea602a8ec4b1e836b13ee5f71ea7f07c0becd7f00e1e212adfc1e1305288fe06dc0c249e364c74be4d4727d5fe9af94134b9acf778526bda0fe3e5",
    },
];

impl Release {
    /// Returns the release that a user means by `1.27`, `v1.27.0` or `1.29.0-6`.
    pub fn named(text: &str) -> Option<Release> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let means = |release: &&Release| {
            let rest = release.version.strip_prefix(text);
            let whole_numbers =
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
            whole_numbers && text.contains('.')
        };
        RELEASES.iter().find(means).copied()
    }

    /// Returns the version of MicroPython, without the number of a build: `1.29.0`.
    pub fn micropython(self) -> &'static str {
        self.version.split('-').next().unwrap_or(self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_named_by_whole_numbers() {
        let version = |text| Release::named(text).map(|release| release.version);
        for (text, expected) in [
            ("1.27", Some("1.27.0")),
            ("v1.27.0", Some("1.27.0")),
            ("1.29", Some(VERSION)),
            ("1.29.0", Some(VERSION)),
            ("1.29.0-6", Some(VERSION)),
            ("1.2", None),
            ("1", None),
            ("1.24", None),
            ("", None),
            ("latest", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
        assert_eq!(PINNED.micropython(), "1.29.0");
    }
}

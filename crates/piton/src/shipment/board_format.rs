//! What a board loads.

use piton_mpy::header::{Dialect, Header};

/// What a board takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFormat {
    /// Whose firmware it runs.
    pub dialect: Dialect,
    /// Version of the `.mpy` files that it loads; `None` if it loads none.
    pub version: Option<u8>,
    /// Sub-version for native code.
    pub sub_version: u8,
    /// Its processor, if it runs native code.
    pub arch: Option<String>,
}

impl BoardFormat {
    /// Why the board does not load a module with this header (`mp_raw_code_load`, py/persistentcode.c).
    pub fn refuses(&self, header: &Header) -> Option<String> {
        if header.dialect != self.dialect {
            return Some(format!(
                "it is for {}, and the board runs {}",
                header.dialect.name(),
                self.dialect.name()
            ));
        }
        let ours = piton_mpy::header::VERSION;
        match self.version {
            None => return Some("it loads no `.mpy` files".to_owned()),
            Some(version) if version != ours => {
                return Some(format!("its format is {ours}, the board's {version}"));
            }
            Some(_) => {}
        }
        let arch = header.arch?;
        if self.arch.as_deref() != Some(arch.name()) || header.sub_version != self.sub_version {
            return Some(format!(
                "its machine code is for {} {}, the board's for {} {}",
                arch.name(),
                header.sub_version,
                self.arch.as_deref().unwrap_or("nothing"),
                self.sub_version
            ));
        }
        None
    }
}

impl From<&piton_board::facts::BoardFacts> for BoardFormat {
    fn from(facts: &piton_board::facts::BoardFacts) -> BoardFormat {
        let circuitpython = facts.implementation.as_deref() == Some("circuitpython");
        BoardFormat {
            dialect: match circuitpython {
                true => Dialect::CircuitPython,
                false => Dialect::MicroPython,
            },
            version: facts.mpy.as_ref().map(|mpy| mpy.version),
            sub_version: facts.mpy.as_ref().map_or(0, |mpy| mpy.sub_version),
            arch: facts
                .mpy
                .as_ref()
                .and_then(|mpy| Some(mpy.arch?.to_owned())),
        }
    }
}

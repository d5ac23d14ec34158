//! The tables of strings and objects that all functions of a module share.

use piton_syntax::constants::ConstantId;
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::interner::Qstr;

/// A board keeps the numbers of a module's strings, as all of its strings, in 16 bits (`qstr_short_t`).
const MAXIMUM_STRING_INDEX: u32 = 0xfffe;

/// Strings and objects in the order of their first use.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    strings: Table,
    objects: Table,
    /// The index of the table of runtime functions among the objects.
    fun_table: Option<u32>,
}

/// What stands for the table of runtime functions among the numbers of objects.
const FUN_TABLE: u32 = u32::MAX;

impl Tables {
    /// Returns the index of a string, which is added at its first use.
    pub(crate) fn string(&mut self, text: Qstr) -> Result<u32, Failure> {
        let index = self.strings.index(text.0)?;
        if index > MAXIMUM_STRING_INDEX {
            return Err(Failure::limit(DiagnosticCode::TooManyNames));
        }
        Ok(index)
    }

    /// Returns the index of an object, which is added at its first use.
    pub(crate) fn object(&mut self, constant: ConstantId) -> Result<u32, Failure> {
        self.objects.index(constant.0)
    }

    /// Returns the strings by index.
    pub(crate) fn strings(&self) -> impl Iterator<Item = Qstr> {
        self.strings.order.iter().copied().map(Qstr)
    }

    /// Returns the string with this index.
    pub(crate) fn string_at(&self, index: u32) -> Option<Qstr> {
        self.strings.order.get(index as usize).copied().map(Qstr)
    }

    /// Returns the index of the table of runtime functions, which is added to the objects at its first use.
    pub(crate) fn fun_table(&mut self) -> Result<u32, Failure> {
        if let Some(index) = self.fun_table {
            return Ok(index);
        }
        let index = u32::try_from(self.objects.order.len()).map_err(|_| Failure::too_large())?;
        self.objects.order.push(FUN_TABLE);
        self.fun_table = Some(index);
        Ok(index)
    }

    /// Returns the objects by index; none for the table of runtime functions.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Option<ConstantId>> {
        let number = self.objects.order.iter().copied();
        number.map(|number| (number != FUN_TABLE).then_some(ConstantId(number)))
    }
}

/// Numbers in the order of their first use.
#[derive(Debug, Default)]
struct Table {
    order: Vec<u32>,
    /// By number: its place in the order, from 1; 0 if not used.
    places: Vec<u32>,
}

impl Table {
    fn index(&mut self, number: u32) -> Result<u32, Failure> {
        let slot = number as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, 0);
        }
        let Some(place) = self.places.get_mut(slot) else {
            return Err(Failure::too_large());
        };
        if *place == 0 {
            self.order.push(number);
            *place = u32::try_from(self.order.len()).map_err(|_| Failure::too_large())?;
        }
        Ok(*place - 1)
    }
}

//! A USB board by the facts of its port, as Belay's `UsbSpecifier` and `BELAY_DEVICE` have them.

use std::fmt;

use piton::discovery::{SerialPortFacts, list_serial_ports};
use piton::error::BoardError;
use piton::literal::py_str;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{CommandError, SelectError};

/// Facts that pick one USB port out of all. A fact that is missing fits every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Specifier {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number")]
    pub(crate) vid: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number")]
    pub(crate) pid: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manufacturer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// The path of the port. With it, no port is searched for.
    #[serde(skip_serializing)]
    device: Option<String>,
}

/// Reads a number, which may be text.
fn number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Number(u16),
        Text(String),
    }
    match Option::<Number>::deserialize(value)? {
        None => Ok(None),
        Some(Number::Number(number)) => Ok(Some(number)),
        Some(Number::Text(text)) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(serde::de::Error::custom),
    }
}

impl Specifier {
    /// Returns all facts of a port.
    pub(crate) fn of(port: &SerialPortFacts) -> Specifier {
        Specifier {
            vid: port.vid,
            pid: port.pid,
            serial_number: port.serial_number.clone(),
            manufacturer: port.manufacturer.clone(),
            product: port.product.clone(),
            location: port.location.clone(),
            device: None,
        }
    }

    /// Reads a JSON object. Unknown keys are ignored.
    ///
    /// # Errors
    ///
    /// [`SelectError::Specifier`].
    pub(crate) fn from_json(text: &str) -> Result<Specifier, SelectError> {
        // A list of values is not a specifier, though serde takes one for a struct.
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(SelectError::Specifier)?;
        serde_json::from_value(object.into()).map_err(SelectError::Specifier)
    }

    /// Returns a JSON object without the missing facts.
    pub(super) fn to_json(&self) -> Result<String, CommandError> {
        serde_json::to_string(self)
            .map_err(|error| CommandError::Output(std::io::Error::other(error)))
    }

    /// Returns the path of the only port that fits.
    ///
    /// # Errors
    ///
    /// [`BoardError::NoBoard`] if none fits, [`SelectError::Several`].
    pub(crate) fn find(&self) -> Result<String, CommandError> {
        if let Some(path) = &self.device {
            return Ok(path.clone());
        }
        let mut ports = list_serial_ports();
        ports.retain(|port| port.is_usb() && self.fits(port));
        match ports.as_slice() {
            [port] => Ok(port.path.clone()),
            [] => Err(BoardError::NoBoard {
                skipped: Vec::new(),
            }
            .into()),
            ports => Err(SelectError::Several {
                ports: ports.iter().map(|port| port.path.clone()).collect(),
            }
            .into()),
        }
    }

    fn fits(&self, port: &SerialPortFacts) -> bool {
        let same = |wanted: &Option<String>, found: &Option<String>| match (wanted, found) {
            (None, _) => true,
            (Some(wanted), Some(found)) => wanted.to_lowercase() == found.to_lowercase(),
            (Some(_), None) => false,
        };
        (self.vid.is_none() || self.vid == port.vid)
            && (self.pid.is_none() || self.pid == port.pid)
            && same(&self.serial_number, &port.serial_number)
            && same(&self.manufacturer, &port.manufacturer)
            && same(&self.product, &port.product)
            && same(&self.location, &port.location)
    }
}

/// Writes the call that makes it in Python.
impl fmt::Display for Specifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [("vid", self.vid), ("pid", self.pid)];
        let numbers = numbers.map(|(name, value)| Some(format!("{name}={}", value?)));
        let texts = [
            ("serial_number", &self.serial_number),
            ("manufacturer", &self.manufacturer),
            ("product", &self.product),
            ("location", &self.location),
        ];
        let texts = texts.map(|(name, value)| Some(format!("{name}={}", py_str(value.as_ref()?))));
        let fields = numbers.into_iter().chain(texts).flatten();
        write!(
            f,
            "UsbSpecifier({})",
            fields.collect::<Vec<String>>().join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_belay_is_read() {
        let text =
            r#"{ "vid": "11914", "pid": 5, "serial_number": "E6", "location": null, "other": 1 }"#;
        let specifier = Specifier::from_json(text).unwrap();
        assert_eq!(
            specifier.to_json().unwrap(),
            r#"{"vid":11914,"pid":5,"serial_number":"E6"}"#
        );
        assert_eq!(
            specifier.to_string(),
            "UsbSpecifier(vid=11914, pid=5, serial_number='E6')"
        );
        let mut port = SerialPortFacts {
            path: "p".to_owned(),
            serial_number: Some("e6".to_owned()),
            vid: Some(11914),
            pid: Some(5),
            manufacturer: None,
            product: None,
            location: Some("1-2".to_owned()),
        };
        assert!(specifier.fits(&port));
        port.serial_number = None;
        assert!(!specifier.fits(&port));
        let path = Specifier::from_json(r#"{"device":"/dev/x"}"#).unwrap();
        assert_eq!(path.find().unwrap(), "/dev/x");
        for wrong in ["[]", "{\"vid\": \"x\"}", "{"] {
            Specifier::from_json(wrong).unwrap_err();
        }
    }
}

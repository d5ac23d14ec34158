//! What the programs are made of, as a bill of materials in CycloneDX's JSON, version 1.6
//! (<https://cyclonedx.org/docs/1.6/json/>).

use serde_json::{Value, json};

use crate::dependencies;
use crate::metadata::LockedPackage;

/// Returns the bill: the program, and each package whose code is in it. `time` is in seconds since 1970.
pub(crate) fn of(version: &str, time: u64) -> anyhow::Result<Value> {
    let shipped = dependencies::read()?.shipped;
    Ok(bill(version, time, &shipped))
}

fn bill(version: &str, time: u64, packages: &[LockedPackage]) -> Value {
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "piton",
                "name": "piton",
                "version": version,
                "licenses": [{"expression": "MIT"}],
            },
            "properties": [{"name": "piton:source-date-epoch", "value": time.to_string()}],
        },
        "components": packages.iter().map(component).collect::<Vec<_>>(),
    })
}

fn component(package: &LockedPackage) -> Value {
    let LockedPackage { name, version, .. } = package;
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    });
    if let (Some(license), Some(fields)) = (&package.license, component.as_object_mut()) {
        // `MIT/Apache-2.0` is an old way to write `MIT OR Apache-2.0`.
        let license = license.replace('/', " OR ");
        fields.insert("licenses".to_owned(), json!([{"expression": license}]));
    }
    component
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_package_is_named_with_its_license() {
        let package = LockedPackage {
            id: "x".to_owned(),
            name: "flate2".to_owned(),
            version: "1.1.10".to_owned(),
            license: Some("MIT/Apache-2.0".to_owned()),
            manifest_path: PathBuf::new(),
            source: None,
        };
        let bill = bill("0.1.0", 7, &[package]);
        let component = bill.pointer("/components/0").unwrap();
        assert_eq!(component["purl"], "pkg:cargo/flate2@1.1.10");
        assert_eq!(component["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }
}

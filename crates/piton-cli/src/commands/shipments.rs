//! What `verify` and `deploy` share: reading builds, keys and versions.

use std::path::Path;

use piton::board_format::BoardFormat;
use piton::http::{Client, ClientOptions, HttpError};
use piton::shipment::download::is_url;
use piton::shipment::signature::PublicKey;
use piton::shipment::{Places, Purpose, Reading, Shipment, ShipmentError, choose, keys, version};

use crate::context::Context;
use crate::error::CommandError;
use crate::interrupt;

/// Checks that a version can be compared with others.
pub(super) fn ordered_version(text: &str) -> Result<String, String> {
    match version::is_ordered(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a version that begins with a number".to_owned()),
    }
}

/// Reads the shipments of a build, here or on a server. Until a server or a board is asked, a signal ends the program
/// at once: there is nothing to clean up.
pub(super) fn shipments(
    build: &Path,
    places: &Places,
    purpose: Purpose,
    ctx: &Context,
) -> Result<Vec<Shipment>, CommandError> {
    let reading = Reading {
        places,
        purpose,
        cancel: &ctx.cancel,
    };
    if is_url(build).is_some() {
        interrupt::install(&ctx.cancel);
    }
    let shipments = choose::load(build, &reading, &Client::new(&ClientOptions::default()));
    match shipments {
        Err(ShipmentError::Interrupted | ShipmentError::Http(HttpError::Cancelled)) => {
            Err(CommandError::Interrupted)
        }
        other => Ok(other?),
    }
}

/// Returns the `.mpy` format that the connected board loads.
pub(super) fn board_format(ctx: &mut Context) -> Result<BoardFormat, CommandError> {
    Ok(BoardFormat::from(&ctx.session.facts()?))
}

/// Parses a key that is given as the path of a file, or as the key itself.
pub(super) fn public_key(text: &str) -> Result<PublicKey, CommandError> {
    Ok(keys::public_key(text)?)
}

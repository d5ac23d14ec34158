//! `keygen`: makes a pair of keys to sign builds with.

use std::path::PathBuf;

use piton::shipment::keys::NewKeyFiles;

use crate::context::Context;
use crate::error::CommandError;
use crate::{interrupt, signing};

/// Arguments of `keygen`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file of the secret key; the public one goes beside, ending in `.pub`
    #[arg(default_value = "piton.key")]
    path: PathBuf,
    /// Write the secret key without a password: everyone who has the file can sign
    #[arg(short = 'W', long)]
    no_password: bool,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    interrupt::install(&ctx.cancel);
    let files = NewKeyFiles::at(&args.path)?;
    let (password, care) = match args.no_password {
        true => (None, "it has no password"),
        false => (
            Some(signing::new_password(&args.path)?),
            "its password cannot be recovered",
        ),
    };
    let key = files.create(password.as_ref())?;
    if ctx.ui.json() {
        return ctx.ui.json_line(&key);
    }
    ctx.ui.line(&key.public_key)?;
    ctx.ui.note(&format!(
        "secret key `{}`: keep it secret, {care}; public key `{}`: publish it",
        key.secret_file, key.public_file
    ));
    Ok(())
}

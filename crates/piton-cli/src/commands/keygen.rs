//! `keygen`: a pair of keys to sign builds with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use piton::project::signature::SecretKey;

use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `keygen`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file of the secret key; the public one goes beside, ending in `.pub`
    #[arg(default_value = "piton.key")]
    path: PathBuf,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let key = SecretKey::generate().map_err(|source| CommandError::Key {
        path: args.path.clone(),
        source,
    })?;
    let public = args.path.with_extension("pub");
    create(&args.path, &key.to_text())?;
    create(&public, &key.public_text())?;
    ctx.ui
        .line(key.public_text().lines().nth(1).unwrap_or_default())?;
    ctx.ui.note(&format!(
        "secret key `{}`: keep it to yourself, it has no password; public key `{}`: give it to everybody",
        args.path.display(),
        public.display()
    ));
    Ok(())
}

/// Write a file that was not there, for its owner only: a key is not replaced by accident.
fn create(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| CommandError::WriteFile {
            path: path.display().to_string(),
            source,
        })
}

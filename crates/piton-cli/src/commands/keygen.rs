//! `keygen`: makes a pair of keys to sign builds with.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use piton::shipment::signature::SecretKey;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, FileError, SigningError};
use crate::{interrupt, signing};

/// Arguments of `keygen`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file of the secret key; the public one goes beside, ending in `.pub`
    #[arg(default_value = "piton.key")]
    path: PathBuf,
    /// Write the secret key without a password: whoever has its file can sign
    #[arg(short = 'W', long)]
    no_password: bool,
}

/// The report of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    public_key: &'a str,
    id: String,
    secret_file: String,
    public_file: String,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    interrupt::install(&ctx.cancel);
    let public = args.path.with_extension("pub");
    // Checked before a password is asked for.
    for path in [&args.path, &public] {
        if path.symlink_metadata().is_ok() {
            let source = io::ErrorKind::AlreadyExists.into();
            return Err(not_written(path, source));
        }
    }
    let failed = |source| {
        CommandError::from(SigningError::Key {
            path: args.path.clone(),
            source,
        })
    };
    let key = SecretKey::generate().map_err(failed)?;
    let (text, care) = if args.no_password {
        (key.to_text(), "it has no password")
    } else {
        let password = signing::new_password(&args.path)?;
        let text = key.protect(&password).map_err(failed)?;
        (text, "nobody can bring back its password")
    };
    create(&args.path, &text)?;
    create(&public, &key.public_text())?;
    let public_text = key.public_text();
    let public_key = public_text.lines().nth(1).unwrap_or_default();
    if ctx.ui.json() {
        return ctx.ui.json_line(&Report {
            public_key,
            id: key.id(),
            secret_file: args.path.display().to_string(),
            public_file: public.display().to_string(),
        });
    }
    ctx.ui.line(public_key)?;
    ctx.ui.note(&format!(
        "secret key `{}`: keep it to yourself, {care}; public key `{}`: give it to everybody",
        args.path.display(),
        public.display()
    ));
    Ok(())
}

/// Creates a file that only its owner can read. An existing one is never replaced.
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
        .map_err(|source| not_written(path, source))
}

fn not_written(path: &Path, source: io::Error) -> CommandError {
    CommandError::from(FileError::Write {
        path: path.display().to_string(),
        source,
    })
}

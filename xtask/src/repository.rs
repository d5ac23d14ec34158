//! `cargo xtask repository`: writes where the source is into the crates that are published.
//!
//! The tree does not name its own address: it is built and forked anywhere. What goes to a registry needs it, though: its page
//! links to the source, and `cargo binstall` looks for the archives of a release below it.

use std::path::Path;

use anyhow::{Context, ensure};
use toml_edit::DocumentMut;

use crate::metadata;
use crate::workspace::root;

/// Write the address of the source into the published crates' `Cargo.toml`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The address, such as `https://host/owner/piton`
    url: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(
        args.url.starts_with("https://"),
        "`{}` is no address that starts with `https://`",
        args.url
    );
    let metadata = metadata::read(root())?;
    for package in metadata.packages.iter().filter(|p| p.is_published()) {
        let path: &Path = &package.manifest_path;
        let text = fs_err::read_to_string(path)?;
        let text = with_repository(&text, &args.url)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        fs_err::write(path, text)?;
        println!("  {}", package.name);
    }
    Ok(())
}

/// Returns a `Cargo.toml` with the address of the repository in its `[package]`; all else is as it was.
///
/// # Errors
///
/// It is not TOML, or has no `[package]`.
fn with_repository(manifest: &str, url: &str) -> anyhow::Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    let package = document.get_mut("package").context("no `[package]`")?;
    let package = package.as_table_mut().context("no table `[package]`")?;
    package.insert("repository", toml_edit::value(url.trim_end_matches('/')));
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_added_and_comments_stay() {
        let before =
            "# First.\n[package]\nname = \"a\" # Its name.\n\n[dependencies]\nb.workspace = true\n";
        let after = with_repository(before, "https://host/owner/a/").unwrap();
        assert_eq!(
            after,
            "# First.\n[package]\nname = \"a\" # Its name.\nrepository = \"https://host/owner/a\"\n\n\
             [dependencies]\nb.workspace = true\n"
        );
        assert_eq!(
            with_repository(&after, "https://host/owner/a").unwrap(),
            after
        );
        assert!(with_repository("[workspace]\n", "https://host/owner/a").is_err());
    }
}

//! Links between the pages: where they lead, and whether something is there.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;

use super::page::{Page, address};

/// What links are relative to.
pub(super) struct Base<'a> {
    /// The folder of the documents.
    pub(super) docs: &'a Path,
    /// The address of the repository's files, if there is one.
    pub(super) source: Option<&'a str>,
}

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Out of the site.
    Address(String),
    /// A page (its address in the site) and a heading there, which may be empty.
    Page { address: String, anchor: String },
    /// A file of the repository that is not a page, and whose address is not known.
    File,
}

impl Base<'_> {
    /// Returns where a link of the document `path` leads.
    ///
    /// # Errors
    ///
    /// It leads out of the repository, or to a file that does not exist.
    pub(super) fn resolve(&self, path: &str, link: &str) -> anyhow::Result<Target> {
        if link.contains("://") || link.starts_with("mailto:") {
            return Ok(Target::Address(link.to_owned()));
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let mut parts: Vec<&str> = vec!["docs"];
        parts.extend(path.split('/'));
        if !file.is_empty() {
            parts.pop();
        }
        for part in file.split('/').filter(|part| !part.is_empty()) {
            match part {
                "." => {}
                ".." if parts.pop().is_some() => {}
                ".." => bail!("`{link}` leads out of the repository"),
                part => parts.push(part),
            }
        }
        let target = parts.join("/");
        if let Some(page) = target
            .strip_prefix("docs/")
            .filter(|_| target.ends_with(".md"))
        {
            return Ok(Target::Page {
                address: address(page),
                anchor: anchor.to_owned(),
            });
        }
        if !self.docs.join("..").join(&target).exists() {
            bail!("`{link}` leads to a file that does not exist");
        }
        Ok(match self.source {
            Some(source) => Target::Address(format!("{}/{target}", source.trim_end_matches('/'))),
            None => Target::File,
        })
    }
}

/// Checks that each link between pages leads to a page, and to a heading if it names one.
///
/// # Errors
///
/// Names all links that do not.
pub(super) fn check(pages: &[Page]) -> anyhow::Result<()> {
    let anchors: BTreeMap<&str, &[String]> = pages
        .iter()
        .map(|page| (page.address.as_str(), page.anchors.as_slice()))
        .collect();
    let mut dead = Vec::new();
    for page in pages {
        for (address, anchor) in &page.links {
            let known = anchors.get(address.as_str());
            let leads = known.is_some_and(|known| anchor.is_empty() || known.contains(anchor));
            if !leads {
                dead.push(format!("{}: {address}#{anchor}", page.path));
            }
        }
    }
    if !dead.is_empty() {
        bail!("links that lead nowhere:\n{}", dead.join("\n"));
    }
    Ok(())
}

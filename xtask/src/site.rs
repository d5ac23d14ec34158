//! `cargo xtask site`: the documents as a web site.
//!
//! The pages are the Markdown files of `docs/`, in the order of `docs/SUMMARY.md` (mdBook's format), and one page for each
//! command, from the program's own help. Nothing is fetched when a page is read, and the search works from files.
//!
//! mdBook itself would lock about a hundred packages, or take minutes to compile in CI; what these pages need is a Markdown parser
//! and a template.

mod links;
mod page;
mod reference;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::help::Help;
use crate::workspace::{Profile, build_piton, root};
use page::Page;
use summary::{Entry, Part};

const TEMPLATE: &str = include_str!("site/assets/page.html");
/// Files that each page uses.
const ASSETS: [(&str, &str); 3] = [
    ("style.css", include_str!("site/assets/style.css")),
    ("search.js", include_str!("site/assets/search.js")),
    ("menu.js", include_str!("site/assets/menu.js")),
];

/// The folder of the site, unless another is named.
const FOLDER: &str = "target/site";

/// Make the site from the documents and the program's help
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder that gets the site
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    out: PathBuf,
    /// Address of the folder with the files of this repository, for links from the documents to other files; without it
    /// these are not links
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

impl Default for Args {
    fn default() -> Args {
        Args {
            out: PathBuf::from(FOLDER),
            source: None,
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let help = Help::of(&build_piton(Profile::Dev)?)?;
    let files = build(&root().join("docs"), &help, args.source.as_deref())?;
    let out = root().join(&args.out);
    for (path, content) in &files {
        let path = out.join(path);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(path, content)?;
    }
    println!("{} files are in `{}`", files.len(), out.display());
    Ok(())
}

/// Returns path and content of each file of the site.
///
/// # Errors
///
/// A document is not in the summary or not there, has HTML, or has a link that leads nowhere; all links are named.
fn build(
    docs: &Path,
    help: &Help,
    source: Option<&str>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut parts = summary::parse(&fs_err::read_to_string(docs.join("SUMMARY.md"))?)?;
    let mut sources = documents(docs)?;
    check_summary(&parts, &sources)?;
    sources.extend(reference::pages(help));
    summary::add_reference(&mut parts)?;

    let mut pages = Vec::new();
    for (path, text) in &sources {
        let page = Page::parse(path, text, &links::Base { docs, source });
        pages.push(page.with_context(|| format!("docs/{path}"))?);
    }
    links::check(&pages)?;

    let order: Vec<&Entry> = parts.iter().flat_map(|part| &part.entries).collect();
    let mut files: BTreeMap<String, String> = pages
        .iter()
        .map(|page| (page.address.clone(), whole(page, &parts, &order)))
        .collect();
    for (name, text) in ASSETS {
        files.insert(name.to_owned(), text.to_owned());
    }
    let index = page::search_index(&pages)?;
    files.insert("search-index.js".to_owned(), index);
    for image in pages.iter().flat_map(|page| &page.images) {
        files.insert(image.clone(), fs_err::read_to_string(docs.join(image))?);
    }
    Ok(files)
}

/// Returns path (relative, with `/`) and text of each document but the summary.
fn documents(docs: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut documents = BTreeMap::new();
    let mut pending = vec![docs.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs_err::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let relative = path.strip_prefix(docs)?.to_string_lossy();
            let relative = relative.replace('\\', "/");
            if relative.ends_with(".md") && relative != "SUMMARY.md" {
                documents.insert(relative, fs_err::read_to_string(&path)?);
            }
        }
    }
    Ok(documents)
}

/// Checks that the summary has each document once, and nothing else.
fn check_summary(parts: &[Part], documents: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let mut left: BTreeSet<&str> = documents.keys().map(String::as_str).collect();
    for entry in parts.iter().flat_map(|part| &part.entries) {
        if !left.remove(entry.path.as_str()) {
            bail!(
                "`docs/SUMMARY.md` has `{}`, which does not exist or is there twice",
                entry.path
            );
        }
    }
    if let Some(path) = left.first() {
        bail!("`docs/SUMMARY.md` does not have `{path}`");
    }
    Ok(())
}

/// Returns the HTML of a page, with what is around it.
fn whole(page: &Page, parts: &[Part], order: &[&Entry]) -> String {
    let up = "../".repeat(page.address.matches('/').count());
    // A page of a command belongs to the list of commands.
    let own = order.iter().position(|entry| entry.path == page.path);
    let here = match own {
        Some(_) => page.path.as_str(),
        None => summary::COMMANDS,
    };
    let neighbour = |at: Option<usize>, class: &str| {
        let entry = at.and_then(|at| order.get(at));
        entry.map_or_else(String::new, |entry| {
            let address = page::address(&entry.path);
            let title = page::escaped(&entry.title);
            format!(r#"<a class="{class}" href="{up}{address}">{title}</a>"#)
        })
    };
    let before = own.and_then(|at| at.checked_sub(1));
    let after = own.map(|at| at + 1);
    let around = neighbour(before, "before") + &neighbour(after, "after");
    TEMPLATE
        .replace("@TITLE@", &page::escaped(&page.title))
        .replace("@UP@", &up)
        .replace("@MENU@", &menu(parts, here, &up))
        .replace("@AROUND@", &around)
        // The last one: the text may have such words.
        .replace("@CONTENT@", &page.html)
}

fn menu(parts: &[Part], here: &str, up: &str) -> String {
    let mut html = String::new();
    for part in parts {
        if !part.title.is_empty() {
            html.push_str(&format!("<h2>{}</h2>\n", page::escaped(&part.title)));
        }
        html.push_str("<ul>\n");
        for entry in &part.entries {
            let mark = match entry.path == here {
                true => r#" aria-current="page""#,
                false => "",
            };
            let address = page::address(&entry.path);
            let title = page::escaped(&entry.title);
            html.push_str(&format!(
                "<li><a href=\"{up}{address}\"{mark}>{title}</a></li>\n"
            ));
        }
        html.push_str("</ul>\n");
    }
    html
}

#[cfg(test)]
mod tests;

//! A document as a page: HTML, its headings, its links, and what the search finds in it.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Serialize;

use super::links::{Base, Target};

/// A page of the site.
pub(super) struct Page {
    /// The document, relative to the folder of the documents.
    pub(super) path: String,
    /// The file in the site.
    pub(super) address: String,
    pub(super) title: String,
    /// The content, without what is around it.
    pub(super) html: String,
    /// The names of its headings.
    pub(super) anchors: Vec<String>,
    /// Address and heading of each link to a page.
    pub(super) links: Vec<(String, String)>,
    /// The images, relative to the folder of the documents.
    pub(super) images: Vec<String>,
    /// Words of `<!-- search: ... -->`: how people ask for the page.
    keywords: String,
    sections: Vec<Section>,
}

/// A heading and what is below it, up to the next one.
#[derive(Default)]
struct Section {
    anchor: String,
    heading: String,
    text: String,
}

/// A section as the search reads it.
#[derive(Serialize)]
struct Entry<'a> {
    address: String,
    title: &'a str,
    heading: &'a str,
    keywords: &'a str,
    text: &'a str,
}

/// Returns the script with what the search finds. A script, since a page that is opened as a file may not read others.
pub(super) fn search_index(pages: &[Page]) -> anyhow::Result<String> {
    let entries = pages.iter().flat_map(|page| {
        page.sections.iter().enumerate().map(|(index, section)| {
            let anchor = match index {
                0 => String::new(),
                _ => format!("#{}", section.anchor),
            };
            Entry {
                address: format!("{}{anchor}", page.address),
                title: &page.title,
                heading: if index == 0 { "" } else { &section.heading },
                keywords: if index == 0 { &page.keywords } else { "" },
                text: &section.text,
            }
        })
    });
    let entries = serde_json::to_string(&entries.collect::<Vec<_>>())?;
    Ok(format!("globalThis.pitonIndex = {entries};\n"))
}

/// Returns the file of the site for a document.
pub(super) fn address(path: &str) -> String {
    let path = path.strip_suffix(".md").unwrap_or(path);
    match path.strip_suffix("README") {
        Some(folder) => format!("{folder}index.html"),
        None => format!("{path}.html"),
    }
}

/// Returns text as HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Page {
    /// Makes the page of a document.
    ///
    /// # Errors
    ///
    /// The document has no title or has HTML, or a link leads out of the repository or to a missing file.
    pub(super) fn parse(path: &str, text: &str, base: &Base<'_>) -> anyhow::Result<Page> {
        let mut reader = Reader {
            base,
            page: Page {
                path: path.to_owned(),
                address: address(path),
                title: String::new(),
                html: String::new(),
                anchors: Vec::new(),
                links: Vec::new(),
                images: Vec::new(),
                keywords: String::new(),
                sections: vec![Section::default()],
            },
            counts: BTreeMap::new(),
            is_link: Vec::new(),
        };
        let mut events = Vec::new();
        let mut pending = Parser::new_ext(text, Options::ENABLE_TABLES);
        while let Some(event) = pending.next() {
            reader.event(event, &mut pending, &mut events)?;
        }
        pulldown_cmark::html::push_html(&mut reader.page.html, events.into_iter());
        let mut page = reader.page;
        let title = page.sections.first().map(|section| section.heading.clone());
        page.title = title
            .filter(|title| !title.is_empty())
            .context("it has no title")?;
        Ok(page)
    }
}

/// The state while a document is read.
struct Reader<'a> {
    base: &'a Base<'a>,
    page: Page,
    /// How often each name of a heading is taken.
    counts: BTreeMap<String, usize>,
    /// For each link that is open, whether it is one in the page.
    is_link: Vec<bool>,
}

impl Reader<'_> {
    fn event<'t>(
        &mut self,
        event: Event<'t>,
        pending: &mut Parser<'t>,
        events: &mut Vec<Event<'t>>,
    ) -> anyhow::Result<()> {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading(level, pending, events)?,
            Event::Start(Tag::CodeBlock(kind)) => {
                let code = code_text(pending);
                self.add_text(&code);
                events.push(Event::Html(code_block(&kind, &code).into()));
            }
            Event::Start(Tag::Table(columns)) => {
                events.push(Event::Html("<div class=\"table\">".into()));
                events.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html("</div>\n".into()));
            }
            Event::Start(Tag::Image { dest_url, .. }) => self.image(&dest_url, pending, events),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let target = self.base.resolve(&self.page.path, &dest_url)?;
                self.link(target, events);
            }
            Event::End(TagEnd::Link) => {
                if self.is_link.pop() == Some(true) {
                    events.push(Event::Html("</a>".into()));
                }
            }
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html)?,
            Event::Text(text) => {
                self.add_text(&text);
                events.push(Event::Text(text));
            }
            Event::Code(code) => {
                self.add_text(&code);
                events.push(Event::Code(code));
            }
            Event::SoftBreak => {
                self.add_text(" ");
                events.push(Event::SoftBreak);
            }
            Event::End(end) => {
                self.add_text(" ");
                events.push(Event::End(end));
            }
            other => events.push(other),
        }
        Ok(())
    }

    fn add_text(&mut self, text: &str) {
        if let Some(section) = self.page.sections.last_mut() {
            let is_space = section.text.is_empty() || section.text.ends_with(' ');
            match text.trim().is_empty() {
                true if is_space => {}
                true => section.text.push(' '),
                false => section.text.push_str(&text.replace('\n', " ")),
            }
        }
    }

    /// Only one kind of HTML may be in a document: the comment with the words of the search.
    fn html(&mut self, html: &str) -> anyhow::Result<()> {
        let words = html.trim().strip_prefix("<!-- search: ");
        let words = words.and_then(|rest| rest.strip_suffix(" -->"));
        let words = words.with_context(|| format!("HTML is not allowed: `{}`", html.trim()))?;
        self.page.keywords = words.to_owned();
        Ok(())
    }

    fn heading<'t>(
        &mut self,
        level: HeadingLevel,
        pending: &mut Parser<'t>,
        events: &mut Vec<Event<'t>>,
    ) -> anyhow::Result<()> {
        let mut inner = Vec::new();
        let mut heading = String::new();
        for event in pending.by_ref() {
            match event {
                Event::End(TagEnd::Heading(_)) => break,
                Event::Start(Tag::Link { .. }) => bail!("a heading has a link"),
                event => {
                    if let Event::Text(text) | Event::Code(text) = &event {
                        heading.push_str(text);
                    }
                    inner.push(event);
                }
            }
        }
        let anchor = self.anchor(&heading);
        let section = Section {
            anchor: anchor.clone(),
            heading,
            text: String::new(),
        };
        match self.page.sections.as_mut_slice() {
            [first] if first.heading.is_empty() => *first = section,
            _ => self.page.sections.push(section),
        }
        let name = anchor.clone();
        self.page.anchors.push(anchor);
        let level = level as usize;
        events.push(Event::Html(format!("<h{level} id=\"{name}\">").into()));
        events.extend(inner);
        let mark = format!(" <a class=\"mark\" href=\"#{name}\" aria-label=\"link\">#</a>");
        let mark = if level == 1 { "" } else { &mark };
        events.push(Event::Html(format!("{mark}</h{level}>\n").into()));
        Ok(())
    }

    /// Returns the name of a heading: as GitHub makes it, so that links work there too.
    fn anchor(&mut self, heading: &str) -> String {
        let letters = heading.to_lowercase();
        let letters = letters.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        });
        let name: String = letters.collect();
        let count = self.counts.entry(name.clone()).or_default();
        *count += 1;
        match *count {
            1 => name,
            count => format!("{name}-{}", count - 1),
        }
    }

    fn link(&mut self, target: Target, events: &mut Vec<Event<'_>>) {
        let up = "../".repeat(self.page.address.matches('/').count());
        let href = match target {
            Target::Address(address) => Some(address),
            Target::Page { address, anchor } => {
                let end = match anchor.is_empty() {
                    true => String::new(),
                    false => format!("#{anchor}"),
                };
                let href = format!("{up}{address}{end}");
                self.page.links.push((address, anchor));
                Some(href)
            }
            Target::File => None,
        };
        self.is_link.push(href.is_some());
        if let Some(href) = href {
            let html = format!("<a href=\"{}\">", escaped(&href));
            events.push(Event::Html(html.into()));
        }
    }

    /// An image is a file of the documents; its description is shown by readers that do not show images.
    fn image(&mut self, file: &str, pending: &mut Parser<'_>, events: &mut Vec<Event<'_>>) {
        let mut description = String::new();
        for event in pending.by_ref() {
            match event {
                Event::End(TagEnd::Image) => break,
                Event::Text(text) => description.push_str(&text),
                _ => {}
            }
        }
        let html = format!(
            "<img src=\"{}\" alt=\"{}\">",
            escaped(file),
            escaped(&description)
        );
        events.push(Event::Html(html.into()));
        self.page.images.push(file.to_owned());
    }
}

/// Returns the text of a code block, up to its end.
fn code_text(pending: &mut Parser<'_>) -> String {
    let mut code = String::new();
    for event in pending.by_ref() {
        match event {
            Event::End(TagEnd::CodeBlock) => break,
            Event::Text(text) => code.push_str(&text),
            _ => {}
        }
    }
    code
}

/// Returns the HTML of a code block. The sign before a command can't be selected, so a copied line can be pasted. Lines that Rust's
/// documentation hides are left out.
fn code_block(kind: &CodeBlockKind<'_>, code: &str) -> String {
    let language = match kind {
        CodeBlockKind::Fenced(language) => language.split(',').next().unwrap_or_default(),
        CodeBlockKind::Indented => "",
    };
    let mut html = format!("<pre class=\"{}\"><code>", escaped(language));
    for line in code.lines() {
        match line.strip_prefix("$ ").filter(|_| language == "console") {
            Some(command) => html.push_str(&format!(
                "<span class=\"prompt\">$ </span><b>{}</b>\n",
                escaped(command)
            )),
            None if language == "rust" && (line == "#" || line.starts_with("# ")) => {}
            None => html.push_str(&format!("{}\n", escaped(line))),
        }
    }
    html.push_str("</code></pre>\n");
    html
}

//! Links and headings of Markdown files.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{HashMap, HashSet};

fn events(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES)
}

/// The destinations of all links and images, those in HTML (`href`, `src`) included, as they are written.
#[must_use]
pub fn destinations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for event in events(text) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                found.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for name in ["href", "src", "srcset"] {
                    found.extend(values(&html, name));
                }
            }
            _ => {}
        }
    }
    found
}

/// What `#...` may name in a file: its headings as GitHub writes them in addresses, and the `id`s and `name`s of its HTML.
#[must_use]
pub fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut heading: Option<String> = None;
    for event in events(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let before = times.entry(slug.clone()).or_default();
                anchors.insert(match *before {
                    0 => slug,
                    again => format!("{slug}-{again}"),
                });
                *before += 1;
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                anchors.extend(values(&html, "id"));
                anchors.extend(values(&html, "name"));
            }
            _ => {}
        }
    }
    anchors
}

/// A heading in an address: in lower case, without punctuation, with hyphens for spaces.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let letters = heading.trim().chars().filter(kept);
    letters.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The values of an attribute in a piece of HTML.
fn values(html: &str, name: &str) -> Vec<String> {
    let begins = format!(" {name}=\"");
    // An attribute may stand on a line of its own.
    let html = html.replace(['\n', '\t'], " ");
    let parts = html.split(&begins).skip(1);
    let ends = parts.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_anchors_as_on_github() {
        let text = "# `nnn-hub`: what, and why?\n## A\n## A\n<a id=\"here\"></a>\n";
        let mut found: Vec<String> = anchors(text).into_iter().collect();
        found.sort();
        assert_eq!(found, ["a", "a-1", "here", "nnn-hub-what-and-why"]);
    }

    #[test]
    fn links_in_code_are_text() {
        let text = "[a](b.md#c) ![d](e.svg) `[f](g.md)` <img alt=\"\" src=\"h.svg\">\n\n```\n[i](j.md)\n```\n";
        assert_eq!(destinations(text), ["b.md#c", "e.svg", "h.svg"]);
    }
}

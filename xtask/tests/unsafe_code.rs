//! Every `unsafe` is told in `docs/supply-chain.md`, with what it does and why it is sound, and has a comment where it stands.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;

const PAGE: &str = "docs/supply-chain.md";

/// The lines on which the keyword stands, counted from 0: within macros, too, but not in comments and strings.
fn places(text: &str) -> Vec<usize> {
    fn collect(tokens: TokenStream, lines: &mut Vec<usize>) {
        for token in tokens {
            match token {
                TokenTree::Ident(it) if it == "unsafe" => lines.push(it.span().start().line - 1),
                TokenTree::Group(it) => collect(it.stream(), lines),
                _ => {}
            }
        }
    }
    let mut lines = Vec::new();
    collect(text.parse().expect("valid Rust"), &mut lines);
    lines
}

/// Whether the comment above a line says why it is sound, or what the caller has to see to. Attributes may stand between, and the
/// first line of a statement that goes on to this one.
fn is_explained(lines: &[&str], place: usize) -> bool {
    let mut above = lines[..place].iter().rev().map(|it| it.trim()).peekable();
    while above.next_if(|it| it.starts_with("#[")).is_some() {}
    above.next_if(|it| {
        it.ends_with(['{', '(', '=']) && !it.contains("//") && !it.contains("unsafe")
    });
    let comment: Vec<&str> = above.take_while(|it| it.starts_with("//")).collect();
    let says = |it: &&str| it.contains("// SAFETY:") || it.contains("/// # Safety");
    comment.iter().any(says)
}

/// The texts of all Rust files that have the keyword, by path.
fn files() -> BTreeMap<String, String> {
    let files = xtask::tracked().into_iter();
    let rust = files.filter(|file| file.extension().is_some_and(|it| it == "rs"));
    let texts = rust.map(|file| {
        let text = std::fs::read_to_string(xtask::root().join(&file)).expect("readable source");
        (file.to_string_lossy().into_owned(), text)
    });
    texts
        .filter(|(_, text)| text.contains("unsafe") && !places(text).is_empty())
        .collect()
}

/// How often the page says that each file has it: rows like `| [near.rs](../crates/x/near.rs) | 3 | what | why |`.
fn listed() -> BTreeMap<String, usize> {
    let page = std::fs::read_to_string(xtask::root().join(PAGE)).expect("the page");
    let row = |line: &str| {
        let (file, rest) = line
            .strip_prefix("| [")?
            .split_once("](../")?
            .1
            .split_once(')')?;
        Some((
            file.to_owned(),
            rest.split('|').nth(1)?.trim().parse().ok()?,
        ))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn every_unsafe_is_listed() {
    let count = |(file, text): (String, String)| (file, places(&text).len());
    let found: BTreeMap<String, usize> = files().into_iter().map(count).collect();
    assert_eq!(
        listed(),
        found,
        "left what {PAGE} lists, right what there is"
    );
}

#[test]
fn every_unsafe_is_explained_where_it_stands() {
    for (file, text) in files() {
        let lines: Vec<&str> = text.lines().collect();
        for place in places(&text) {
            let line = place + 1;
            assert!(
                is_explained(&lines, place),
                "{file}:{line}: `// SAFETY:` is missing above"
            );
        }
    }
}

#[test]
fn what_is_not_explained_is_seen() {
    let text = "// SAFETY: a.\nlet a = unsafe { 1 };\nlet b = unsafe { \"unsafe\" };\nm!(|| unsafe { 2 }); // unsafe\n\
                /// # Safety\n/// b\n#[inline]\nunsafe fn c() {}\n";
    let lines: Vec<&str> = text.lines().collect();
    let explained = places(text)
        .into_iter()
        .map(|it| (it, is_explained(&lines, it)));
    assert_eq!(
        Vec::from_iter(explained),
        [(1, true), (2, false), (3, false), (7, true)]
    );
}

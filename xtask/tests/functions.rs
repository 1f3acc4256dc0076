//! Functions stay short: half have at most 8 lines, nine in ten at most 25, none more than 60.

use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A function's place and the lines from its signature to its closing brace.
struct Function {
    name: String,
    file: PathBuf,
    lines: usize,
}

struct Collector<'a> {
    file: &'a Path,
    functions: Vec<Function>,
}

impl Collector<'_> {
    fn add(&mut self, name: &syn::Ident, first: proc_macro2::Span, block: &syn::Block) {
        self.functions.push(Function {
            name: name.to_string(),
            file: self.file.to_owned(),
            lines: block.span().end().line - first.start().line + 1,
        });
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig.ident, item.sig.span(), &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig.ident, item.sig.span(), &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests are read case by case and may be long lists of cases.
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

fn functions() -> Vec<Function> {
    let crates = std::fs::read_dir(xtask::root().join("crates")).expect("crates/");
    let crates = crates.map(|entry| entry.expect("readable entry").path().join("src"));
    let files: Vec<PathBuf> = crates.flat_map(|it| xtask::rust_files(&it)).collect();
    let parse = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).expect("readable source");
        let tree = syn::parse_file(&text).expect("valid Rust");
        let mut collector = Collector {
            file,
            functions: Vec::new(),
        };
        collector.visit_file(&tree);
        collector.functions
    };
    files.iter().flat_map(parse).collect()
}

#[test]
fn functions_are_short() {
    let mut functions = functions();
    functions.sort_by_key(|function| function.lines);
    let longest = functions.last().expect("there are functions");
    let (name, file) = (&longest.name, longest.file.display());
    assert!(
        longest.lines <= 60,
        "`{name}` in {file} has {} lines; split it",
        longest.lines
    );
    let at = |share: f64| functions[(functions.len() as f64 * share) as usize].lines;
    assert!(at(0.5) <= 8, "the median function has {} lines", at(0.5));
    assert!(
        at(0.9) <= 25,
        "one function in ten has {} lines or more",
        at(0.9)
    );
}

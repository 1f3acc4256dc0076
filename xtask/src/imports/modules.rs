//! The modules of a crate, and what each path in them means.

use super::Import;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// Re-exports of re-exports that are followed; more are a circle.
const DEEPEST: usize = 16;

/// What a name stands for in a module.
#[derive(Debug)]
enum Name {
    /// An item that the module defines.
    Item,
    /// What this path leads to.
    Used(Vec<String>),
}

/// A module: a file, or a block of one.
#[derive(Debug)]
struct Module {
    /// Relative to `src`.
    file: PathBuf,
    /// The module itself for a root.
    parent: usize,
    children: HashMap<String, usize>,
    names: HashMap<String, Name>,
    /// Modules of which everything is used.
    globs: Vec<Vec<String>>,
    /// Every path of two parts or more that its items mention, and all that it uses.
    mentioned: Vec<Vec<String>>,
}

/// Where a path leads: to a module itself, or to an item that it defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    module: usize,
    is_module: bool,
}

impl Found {
    fn module(module: usize) -> Self {
        Self {
            module,
            is_module: true,
        }
    }

    fn item_of(module: usize) -> Self {
        Self {
            module,
            is_module: false,
        }
    }
}

/// All modules of a crate.
#[derive(Debug)]
pub(super) struct Modules {
    modules: Vec<Module>,
    /// The name by which the program sees the library, and the library's root.
    library: Option<(String, usize)>,
}

impl Modules {
    pub(super) fn read(folder: &Path) -> Self {
        let mut all = Self {
            modules: Vec::new(),
            library: None,
        };
        let src = folder.join("src");
        for root in ["lib.rs", "main.rs"] {
            if src.join(root).is_file() {
                let at = all.add_file(&src, root.into(), None, Path::new(""));
                if root == "lib.rs" {
                    let name = folder.file_name().unwrap_or_default().to_string_lossy();
                    all.library = Some((name.replace('-', "_"), at));
                }
            }
        }
        all
    }

    pub(super) fn files(&self) -> BTreeSet<PathBuf> {
        self.modules.iter().map(|it| it.file.clone()).collect()
    }

    pub(super) fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for (at, module) in self.modules.iter().enumerate() {
            for path in &module.mentioned {
                let Some(found) = self.resolve(at, path, 0) else {
                    continue;
                };
                let to = &self.modules[found.module].file;
                if *to != module.file {
                    imports.insert(Import {
                        from: module.file.clone(),
                        to: to.clone(),
                    });
                }
            }
        }
        imports
    }

    /// Reads a file whose child modules lie in `folder`, both relative to `src`.
    fn add_file(
        &mut self,
        src: &Path,
        file: PathBuf,
        parent: Option<usize>,
        folder: &Path,
    ) -> usize {
        let path = src.join(&file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tree =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.add(src, file, parent, folder, tree.items)
    }

    fn add(
        &mut self,
        src: &Path,
        file: PathBuf,
        parent: Option<usize>,
        folder: &Path,
        items: Vec<Item>,
    ) -> usize {
        let at = self.modules.len();
        self.modules.push(Module {
            file,
            parent: parent.unwrap_or(at),
            children: HashMap::new(),
            names: HashMap::new(),
            globs: Vec::new(),
            mentioned: Vec::new(),
        });
        for item in items
            .into_iter()
            .filter(|item| !is_for_tests(attributes(item)))
        {
            match item {
                Item::Mod(module) => self.add_child(src, at, folder, module),
                Item::Use(item) => self.modules[at].take_use(Vec::new(), &item.tree),
                item => self.modules[at].take_item(&item),
            }
        }
        at
    }

    fn add_child(&mut self, src: &Path, parent: usize, folder: &Path, module: syn::ItemMod) {
        let name = module.ident.to_string();
        let inner = folder.join(&name);
        let child = match module.content {
            Some((_, items)) => {
                let file = self.modules[parent].file.clone();
                self.add(src, file, Some(parent), &inner, items)
            }
            None => {
                let beside = folder.join(format!("{name}.rs"));
                let file = match src.join(&beside).is_file() {
                    true => beside,
                    false => inner.join("mod.rs"),
                };
                self.add_file(src, file, Some(parent), &inner)
            }
        };
        self.modules[parent].children.insert(name, child);
    }

    /// Where a path leads that stands in the module `at`; none for what lies outside the crate.
    fn resolve(&self, at: usize, path: &[String], depth: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => return Some(self.descend(self.root_of(at), rest, depth)),
            "self" => return Some(self.descend(at, rest, depth)),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                return self.resolve(self.modules[at].parent, rest, depth);
            }
            "super" => return Some(self.descend(self.modules[at].parent, rest, depth)),
            _ => {}
        }
        match self.lookup(at, first, depth) {
            Some(found) => Some(self.go_on(found, rest, depth)),
            None => {
                let (name, library) = self.library.as_ref()?;
                (first == name).then(|| self.descend(*library, rest, depth))
            }
        }
    }

    fn root_of(&self, mut at: usize) -> usize {
        while self.modules[at].parent != at {
            at = self.modules[at].parent;
        }
        at
    }

    /// Where a path leads from a module on. Of a name that is not known, such as one that a macro makes, it is the module.
    fn descend(&self, module: usize, path: &[String], depth: usize) -> Found {
        let next = path.split_first();
        let known = next.and_then(|(first, rest)| {
            let found = self.lookup(module, first, depth)?;
            Some(self.go_on(found, rest, depth))
        });
        known.unwrap_or(Found::module(module))
    }

    /// Behind an item come its variants and functions, which are in the same file.
    fn go_on(&self, found: Found, rest: &[String], depth: usize) -> Found {
        match found.is_module {
            true => self.descend(found.module, rest, depth),
            false => found,
        }
    }

    fn lookup(&self, at: usize, name: &str, depth: usize) -> Option<Found> {
        if depth > DEEPEST {
            return None;
        }
        let module = &self.modules[at];
        if let Some(&child) = module.children.get(name) {
            return Some(Found::module(child));
        }
        match module.names.get(name) {
            Some(Name::Item) => Some(Found::item_of(at)),
            // `use name::...` of another crate leads back to `name` itself.
            Some(Name::Used(path)) if path.first().is_some_and(|it| it == name) => None,
            Some(Name::Used(path)) => self.resolve(at, path, depth + 1),
            None => module.globs.iter().find_map(|glob| {
                let from = self.resolve(at, glob, depth + 1)?;
                from.is_module
                    .then(|| self.lookup(from.module, name, depth + 1))?
            }),
        }
    }
}

impl Module {
    fn take_use(&mut self, mut path: Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.take_use(path, &part.tree);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_use(path.clone(), tree);
                }
            }
            UseTree::Glob(_) => {
                self.mentioned.push(path.clone());
                self.globs.push(path);
            }
            UseTree::Name(name) => {
                let last = name.ident.to_string();
                if last != "self" {
                    path.push(last);
                }
                let known = path.last().cloned().unwrap_or_default();
                self.take_name(known, path);
            }
            UseTree::Rename(renamed) => {
                path.push(renamed.ident.to_string());
                self.take_name(renamed.rename.to_string(), path);
            }
        }
    }

    fn take_name(&mut self, known: String, path: Vec<String>) {
        self.mentioned.push(path.clone());
        // `use child;` or a `use` of an external crate says nothing new of the name.
        if path != [known.clone()] {
            self.names.insert(known, Name::Used(path));
        }
    }

    fn take_item(&mut self, item: &Item) {
        if let Some(name) = name_of(item) {
            self.names.insert(name, Name::Item);
        }
        let mut mentions = Mentions { module: self };
        mentions.visit_item(item);
    }
}

/// Collects the paths of an item, those in macros and attributes included.
struct Mentions<'m> {
    module: &'m mut Module,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let parts = path.segments.iter().map(|it| it.ident.to_string());
            self.module.mentioned.push(parts.collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // Within a function; its names are not the module's, but what it uses the module does.
        self.module.take_use(Vec::new(), &item.tree);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // `pub(super)` imports nothing.
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.take_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.take_tokens(list.tokens.clone());
        }
    }
}

impl Mentions<'_> {
    /// Names joined by `::`.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.end_path(&mut path);
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Group(group) => self.take_tokens(group.stream()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.module.mentioned.push(path);
        }
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled for tests only.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        attribute.path().is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

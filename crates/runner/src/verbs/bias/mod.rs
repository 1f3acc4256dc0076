//! `runner bias`: the bias of every item of a gallery, block by block, without a sweep.
//!
//! A bias depends on the item and the banks only. So blocks of a gallery are computed by themselves, kept as they are done, and
//! put together at the end; memory does not grow with the gallery.

mod additive;
mod ids;
mod pieces;
mod request;

pub use request::BiasRequest;

use crate::terminal::output::print;
use crate::terminal::progress::Progress;
use crate::threads::with_threads;
use crate::verbs::arrays::Parts;
use additive::Additive;
use anyhow::{Result, ensure};
use ids::IdFiles;
use nnn_data::count_rows;
use nnn_export::{BiasFile, BiasHeader, BiasRows, Ids, vector_marks};
use nnn_files::counted;
use pieces::Pieces;
use std::path::Path;

/// Items of one block: what a kill can lose.
const BLOCK: usize = 1 << 14;

/// Computes a bias for every gallery item and writes them to `request.out`. An interrupted call is resumed by the same call,
/// and the file is the same to the byte, however the gallery is cut into files.
///
/// # Errors
/// The method is not additive or asks for more than the banks have, a file cannot be read, ids repeat or are too few, the items
/// to be appended do not fit the file, or it cannot be written.
pub fn bias(request: &BiasRequest) -> Result<()> {
    with_threads(request.threads, || compute(request))?
}

fn compute(request: &BiasRequest) -> Result<()> {
    let old = existing(request)?;
    let additive = Additive::new(request)?;
    let (gallery, header) = (request.gallery_parts()?, additive.header());
    let left = Pieces::are_left(&request.out, &header)?;
    ensure!(left || !is_in_the_way(request), in_the_way(&request.out));
    if let Some(old) = &old {
        fits(request, old, &header)?;
        additive.of_new_items()?;
    }
    let ids = IdFiles::read(request, old.as_ref(), !left)?;
    let pieces = Pieces::open(&request.out, &header, ids.is_some())?;
    let items = compute_pieces(&additive, &gallery, ids, &pieces)?;
    ensure!(
        items > 0,
        "{}: the gallery has no items",
        request.gallery[0]
    );
    let before = old.as_ref().map_or(0, BiasFile::len);
    if old.is_some() && pieces.are_the_end_of(&request.out, items)? {
        pieces.remove();
        ensure!(left, added_before(&request.out, items));
        // By this call, which was killed as it ended.
        return Ok(print(&summary(request, &header, before - items, items))?);
    }
    if old.is_some() && left {
        ids::check_new(request)?;
    }
    let replaces = !is_in_the_way(request);
    ensure!(pieces.join(old, items, replaces)?, in_the_way(&request.out));
    print(&summary(request, &header, before, items))?;
    Ok(())
}

fn added_before(out: &Path, items: usize) -> String {
    let items = counted(items, "item");
    format!(
        "{}: its last {items} have the vectors of these: they were added before",
        out.display()
    )
}

/// Whether a file is there that is neither added to nor to be replaced.
fn is_in_the_way(request: &BiasRequest) -> bool {
    !request.append && !request.overwrite && request.out.exists()
}

fn in_the_way(out: &Path) -> String {
    format!(
        "{}: is there already; --append adds these items to it, --overwrite computes it anew",
        out.display()
    )
}

/// The file that items are appended to; none where it is made anew.
fn existing(request: &BiasRequest) -> Result<Option<BiasFile>> {
    let out = &request.out;
    let is_parquet = out.extension().is_some_and(|it| it == "parquet");
    ensure!(
        is_parquet,
        "--out {}: biases are written as .parquet",
        out.display()
    );
    // Before a bank is read. A call that was killed as it ended leaves the file and its pieces.
    ensure!(
        !is_in_the_way(request) || pieces::folder_of(out).exists(),
        in_the_way(out)
    );
    match request.append {
        true => Ok(Some(BiasFile::open(out)?)),
        false => Ok(None),
    }
}

/// Refuses to append what another method, another bank or another program computed.
fn fits(request: &BiasRequest, old: &BiasFile, new: &BiasHeader) -> Result<()> {
    let old = old.header();
    let mark = |bank: &Option<nnn_export::BankMark>| {
        bank.as_ref().map_or("none".to_owned(), ToString::to_string)
    };
    let pairs = [
        ("method", old.method.clone(), new.method.clone()),
        ("dimension", old.dim.to_string(), new.dim.to_string()),
        ("query bank", mark(&old.query_bank), mark(&new.query_bank)),
        (
            "gallery bank",
            mark(&old.gallery_bank),
            mark(&new.gallery_bank),
        ),
        ("program", old.code.clone(), new.code.clone()),
    ];
    for (what, old, new) in pairs {
        let out = request.out.display();
        ensure!(
            old == new,
            "{out}: was computed with {what} {old}, these items would be with {new}; all items of a file need the same"
        );
    }
    Ok(())
}

/// Computes what no earlier call has computed, and gives the number of items.
fn compute_pieces(
    additive: &Additive<'_>,
    gallery: &Parts,
    mut ids: Option<IdFiles>,
    pieces: &Pieces<'_>,
) -> Result<usize> {
    let progress = progress(gallery, additive.dim())?;
    let mut next = 0;
    additive.each_block(gallery, BLOCK, |block| {
        let rows = BiasRows {
            ids: match &mut ids {
                Some(ids) => Ids::Named(ids.take(block.len())?),
                None => Ids::Rows(0..block.len()),
            },
            biases: Vec::new(),
            vectors: vector_marks(block.rows()),
        };
        pieces.keep(next, rows, || additive.biases(block.rows()))?;
        next += block.len();
        let advance = |it: &Progress| it.advance(block.len() as u64);
        progress.iter().for_each(advance);
        Ok(())
    })?;
    if let Some(ids) = &ids {
        ids.end(next)?;
    }
    Ok(next)
}

/// None where files do not say how many items they have.
fn progress(gallery: &Parts, dim: usize) -> Result<Option<Progress>> {
    let counts = gallery
        .iter()
        .map(|(path, key)| count_rows(path, key.as_deref(), dim));
    let total: Option<usize> = counts.sum::<Result<_, _>>()?;
    Ok(total.map(|items| Progress::new("bias", items as u64, "items")))
}

fn summary(request: &BiasRequest, header: &BiasHeader, before: usize, items: usize) -> String {
    let added = match request.append {
        true => format!(" added to {}", counted(before, "item")),
        false => String::new(),
    };
    let bank = [
        ("query", &header.query_bank),
        ("gallery", &header.gallery_bank),
    ];
    let bank = bank
        .iter()
        .filter_map(|(name, bank)| Some(format!(", {name} bank of {}", bank.as_ref()?)));
    format!(
        "{}: {}{added}, {}{}",
        request.out.display(),
        counted(items, "item"),
        header.method,
        bank.collect::<String>()
    )
}

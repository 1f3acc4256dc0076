//! Times the means of the largest similarities by the exact pass and through an index, for `tools/peers/ann.py`, on `.npy`
//! files of unit-length f32 rows, and prints one JSON object.
//!
//! ```text
//! ann GALLERY.npy BANK.npy LISTS PROBES[,PROBES] K[,K] TRUTH
//! ```
//!
//! Writes the exact means and the similarities of the k-th neighbours, `(2, gallery)`, to `TRUTH-K.npy`. For two threads
//! set `RAYON_NUM_THREADS=2`; the index is built on one.
#![allow(clippy::print_stdout)] // the output is what this program is for

use nnn_ann::{BankIndex, Ivf};
use nnn_core::{Bank, BankStats, Banks, Embeddings, PassOptions, Stat, StatPlan};
use npyz::WriterBuilder;
use serde_json::{Value, json};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [gallery, bank, lists, probes, ks, truth] = &arguments[..] else {
        return Err("expected: GALLERY.npy BANK.npy LISTS PROBES[,PROBES] K[,K] TRUTH".into());
    };
    let (gallery, bank, ks) = (read(gallery)?, read(bank)?, numbers(ks)?);
    let exact = exact_times(&gallery, &bank, &ks)?;
    let stats = bounds(&gallery, &bank, &ks)?;
    for &k in &ks {
        write(&format!("{truth}-{k}.npy"), &stats, k)?;
    }
    let probes = numbers(probes)?;
    let ivf = Ivf {
        lists: lists.parse()?,
        probes: probes[0],
        seed: 0,
    };
    let started = Instant::now();
    let mut index = BankIndex::build(&bank, ivf)?;
    let build = started.elapsed().as_secs_f64();
    let mut searches = Vec::new();
    for probes in probes {
        index = index.with_probes(probes)?;
        let rows = searched(&gallery, &index, &ks, &stats)?;
        let setting = Ivf { probes, ..ivf }.to_string();
        searches.push(json!({"setting": setting, "build_seconds": build, "rows": rows}));
    }
    println!("{}", json!({"exact": exact, "ivf": searches}));
    Ok(())
}

/// Seconds of the exact pass for each `k` by itself.
fn exact_times(gallery: &Embeddings, bank: &Embeddings, ks: &[usize]) -> Outcome<Vec<Value>> {
    let timed = |&k: &usize| {
        let started = Instant::now();
        collect(gallery, bank, &[Stat::TopMean { k }])?;
        Ok(json!({"k": k, "search_seconds": started.elapsed().as_secs_f64()}))
    };
    ks.iter().map(timed).collect()
}

/// What the searches are compared with.
fn bounds(gallery: &Embeddings, bank: &Embeddings, ks: &[usize]) -> Outcome<BankStats> {
    let stats = ks
        .iter()
        .flat_map(|&k| [Stat::TopMean { k }, Stat::Kth { k }]);
    collect(gallery, bank, &stats.collect::<Vec<_>>())
}

/// Searches for each `k` by itself.
fn searched(
    gallery: &Embeddings,
    index: &BankIndex<'_>,
    ks: &[usize],
    exact: &BankStats,
) -> Outcome<Vec<Value>> {
    let search = |&k: &usize| {
        let started = Instant::now();
        let nearest = index.nearest(gallery.rows(), k)?;
        std::hint::black_box(nearest.top_mean(k));
        let seconds = started.elapsed().as_secs_f64();
        let accuracy = nearest.accuracy(k, exact)?;
        Ok(
            json!({"k": k, "search_seconds": seconds, "recall": accuracy.recall,
            "mean_error": accuracy.mean_error, "largest_error": accuracy.largest_error}),
        )
    };
    ks.iter().map(search).collect()
}

fn collect(gallery: &Embeddings, bank: &Embeddings, stats: &[Stat]) -> Outcome<BankStats> {
    let mut plan = StatPlan::default();
    stats.iter().for_each(|&stat| plan.need(Bank::Query, stat));
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    Ok(BankStats::collect(
        &plan,
        gallery.rows(),
        banks,
        PassOptions::default(),
    )?)
}

fn numbers(list: &str) -> Outcome<Vec<usize>> {
    Ok(list
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<_>, _>>()?)
}

fn read(path: &str) -> Outcome<Embeddings> {
    let file = npyz::NpyFile::new(BufReader::with_capacity(1 << 20, File::open(path)?))?;
    let dim = *file.shape().last().ok_or("a scalar has no rows")?;
    Ok(Embeddings::from_unit(
        file.into_vec::<f32>()?,
        usize::try_from(dim)?,
    )?)
}

fn write(path: &str, stats: &BankStats, k: usize) -> Outcome<()> {
    let mut out = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[2, stats.gallery() as u64])
        .writer(BufWriter::new(File::create(path)?))
        .begin_nd()?;
    out.extend(stats.get(Bank::Query, Stat::TopMean { k })?)?;
    out.extend(stats.get(Bank::Query, Stat::Kth { k })?)?;
    Ok(out.finish()?)
}

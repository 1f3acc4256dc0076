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
    let clock = Clock::start()?;
    let mut index = BankIndex::build(&bank, ivf)?;
    let build = clock.read()?;
    let mut searches = Vec::new();
    for probes in probes {
        index = index.with_probes(probes)?;
        let rows = searched(&gallery, &index, &ks, &stats)?;
        let setting = Ivf { probes, ..ivf }.to_string();
        searches.push(json!({"setting": setting, "build": build, "rows": rows}));
    }
    println!("{}", json!({"exact": exact, "ivf": searches}));
    Ok(())
}

/// Seconds of the exact pass for each `k` by itself.
fn exact_times(gallery: &Embeddings, bank: &Embeddings, ks: &[usize]) -> Outcome<Vec<Value>> {
    let timed = |&k: &usize| {
        let clock = Clock::start()?;
        collect(gallery, bank, &[Stat::TopMean { k }])?;
        Ok(json!({"k": k, "search": clock.read()?}))
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
        let clock = Clock::start()?;
        let nearest = index.nearest(gallery.rows(), k)?;
        std::hint::black_box(nearest.top_mean(k));
        let search = clock.read()?;
        let accuracy = nearest.accuracy(k, exact)?;
        Ok(json!({"k": k, "search": search, "recall": accuracy.recall,
            "mean_error": accuracy.mean_error, "largest_error": accuracy.largest_error}))
    };
    ks.iter().map(search).collect()
}

/// Wall seconds, and processor seconds of all threads (Linux, in steps of 10 ms).
struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Outcome<Self> {
        let wall = Instant::now();
        Ok(Self {
            wall,
            cpu: cpu_seconds()?,
        })
    }

    fn read(&self) -> Outcome<Value> {
        let seconds = self.wall.elapsed().as_secs_f64();
        Ok(json!({"seconds": seconds, "cpu_seconds": cpu_seconds()? - self.cpu}))
    }
}

fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // After the closing parenthesis of the name: user and system time are the 12th and 13th fields, in 1/100 s.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no process name")?;
    let ticks: Result<Vec<f64>, _> = fields.split(' ').skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / 100.0)
}

fn collect(gallery: &Embeddings, bank: &Embeddings, stats: &[Stat]) -> Outcome<BankStats> {
    let plan: StatPlan = stats.iter().map(|stat| (Bank::Query, stat)).collect();
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

//! Times what `tools/peers/compare.py` times of other packages, on `.npy` files of unit-length f32 rows, and prints one
//! JSON object.
//!
//! ```text
//! peers bias GALLERY.npy BANK.npy K OUT.npy [KERNEL]
//!                                                  gallery bias: the mean of the K largest similarities to the bank
//! peers grid GALLERY.npy BANK.npy QUERIES.npy      60 points of NNN: bias, ranking and R@1 of each
//! peers products WHO GALLERY.npy BANK.npy K        all scores in f32 by ours, gemm or faer; alone and with the K largest kept
//! peers betas GALLERY.npy BANK.npy                 log-mean-exp of 20 betas beside one top-mean pass
//! peers passes GALLERY.npy BANK.npy QUERIES.npy    one pass that computes all scores of each: what `grids.py` divides by
//! peers rank GALLERY.npy QUERIES.npy TOP           raw ranks, and the TOP best items of each query: what `scaling.py` times
//! peers sweep GALLERY.npy BANK.npy QUERIES.npy     ranks of 60 points of NNN, beside the product alone
//! ```
//!
//! In `grid` the answer to query `q` is gallery item `q / 5`, as five captions have one image; queries left over belong
//! to the last item. For two threads set `RAYON_NUM_THREADS=2`.
//!
//! A kernel is named as the others are listed where the name is unknown: `avx512` computes every score in f32.
#![allow(clippy::print_stdout)] // the output is what this program is for

mod products;
mod scaling;

use nnn_core::{
    Bank, BankStats, Banks, DotScorer, Embeddings, Fitted, Kernel, Nnn, Normalizer, Param,
    PassOptions, RankOptions, Rankings, Raw, Relevance, Stat, StatPlan, TieRule, rank,
};
use npyz::WriterBuilder;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

const KS: [usize; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const ALPHAS: [f64; 6] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["bias", gallery, bank, k, out] => bias(gallery, bank, k.parse()?, out, Kernel::detect()),
        ["bias", gallery, bank, k, out, name] => {
            bias(gallery, bank, k.parse()?, out, kernel(name)?)
        }
        ["products", who, gallery, bank, k] => products(who, gallery, bank, k.parse()?),
        ["grid", gallery, bank, queries] => grid(gallery, bank, queries),
        ["betas", gallery, bank] => betas(gallery, bank),
        ["passes", gallery, bank, queries] => passes(gallery, bank, queries),
        ["rank", gallery, queries, top] => scaling::rank_raw(gallery, queries, top.parse()?),
        ["sweep", gallery, bank, queries] => scaling::sweep(gallery, bank, queries),
        _ => Err("expected: bias|products|grid|betas|passes|rank|sweep and files".into()),
    }
}

fn kernel(name: &str) -> Outcome<Kernel> {
    let found = Kernel::available()
        .into_iter()
        .find(|kernel| format!("{kernel:?}") == name);
    Ok(found.ok_or_else(|| format!("{name}: expected one of {:?}", Kernel::available()))?)
}

fn bias(gallery: &str, bank: &str, k: usize, out: &str, kernel: Kernel) -> Outcome<()> {
    let (gallery, bank) = (read(gallery)?, read(bank)?);
    let clock = Clock::start()?;
    let means = collect(&gallery, &bank, [Stat::TopMean { k }], kernel)?;
    let times = clock.read()?;
    let values = means.get(Bank::Query, Stat::TopMean { k })?;
    write(out, values)?;
    println!(
        "{{\"seconds\": {}, \"cpu_seconds\": {:.2}, \"kernel\": \"{kernel:?}\", {}}}",
        times.wall,
        times.cpu,
        memory(&[&gallery, &bank])?
    );
    Ok(())
}

fn products(who: &str, gallery: &str, bank: &str, k: usize) -> Outcome<()> {
    let (gallery, bank) = (read(gallery)?, read(bank)?);
    println!(
        "{{{}}}",
        products::measure(who, gallery.rows(), bank.rows(), k)?
    );
    Ok(())
}

fn grid(gallery: &str, bank: &str, queries: &str) -> Outcome<()> {
    let (gallery, bank, queries) = (read(gallery)?, read(bank)?, read(queries)?);
    let relevance = relevance(&gallery, &queries)?;
    let points = points()?;
    let clock = Clock::start()?;
    let stats = collect(
        &gallery,
        &bank,
        KS.map(|k| Stat::TopMean { k }),
        Kernel::detect(),
    )?;
    let bias = clock.read()?;
    let fitted = fit(&points, &stats, &gallery)?;
    let methods: Vec<&Fitted> = fitted.iter().collect();
    let scorer = DotScorer::new(queries.rows(), gallery.rows())?;
    let rankings = rank(&scorer, &relevance, &methods, FIRST_RANKS);
    let times = clock.read()?;

    let hits: Vec<String> = points
        .iter()
        .zip(&rankings)
        .map(|(point, ranking)| format!("\"{}\": {}", point.signature(), first_places(ranking)))
        .collect();
    println!(
        "{{\"seconds\": {}, \"cpu_seconds\": {:.2}, \"bias_seconds\": {}, \"bias_cpu_seconds\": {:.2}, \"hits\": {{{}}}, {}}}",
        times.wall,
        times.cpu,
        bias.wall,
        bias.cpu,
        hits.join(", "),
        memory(&[&gallery, &bank, &queries])?
    );
    Ok(())
}

/// 6 alphas x 10 ks.
fn points() -> Outcome<Vec<Nnn>> {
    let pairs = KS.iter().flat_map(|&k| ALPHAS.map(|alpha| (k, alpha)));
    let point = |(k, alpha)| {
        Ok(Nnn {
            k,
            alpha: Param::new(alpha).ok_or("not finite")?,
        })
    };
    pairs.map(point).collect()
}

fn fit(points: &[Nnn], stats: &BankStats, gallery: &Embeddings) -> Outcome<Vec<Fitted>> {
    let fitted = points.iter().map(|point| point.fit(stats, gallery.rows()));
    Ok(fitted.collect::<Result<_, _>>()?)
}

fn betas(gallery: &str, bank: &str) -> Outcome<()> {
    let (gallery, bank) = (read(gallery)?, read(bank)?);
    let logs: Vec<Stat> = (0..20)
        .filter_map(|i| Param::new(0.001 * 400_000f64.powf(f64::from(i) / 19.0)))
        .map(|beta| Stat::LogMeanExp { beta })
        .collect();
    let mut cpu = Vec::new();
    for stats in [vec![Stat::TopMean { k: 128 }], logs] {
        let clock = Clock::start()?;
        collect(&gallery, &bank, stats, Kernel::detect())?;
        cpu.push(clock.read()?.cpu);
    }
    println!(
        "{{\"top_mean_cpu_seconds\": {:.2}, \"betas_cpu_seconds\": {:.2}}}",
        cpu[0], cpu[1]
    );
    Ok(())
}

/// One pass over a bank that computes all of its scores in f32, for their deviation, and one over the queries, for raw ranks.
fn passes(gallery: &str, bank: &str, queries: &str) -> Outcome<()> {
    let (gallery, bank, queries) = (read(gallery)?, read(bank)?, read(queries)?);
    let clock = Clock::start()?;
    collect(&gallery, &bank, [Stat::Deviation], Kernel::detect())?;
    let of_bank = clock.read()?;
    let clock = Clock::start()?;
    let relevance = relevance(&gallery, &queries)?;
    let raw = Raw.fit(
        &collect(&gallery, &bank, [], Kernel::detect())?,
        gallery.rows(),
    )?;
    let scorer = DotScorer::new(queries.rows(), gallery.rows())?;
    let rankings = rank(&scorer, &relevance, &[&raw], FIRST_RANKS);
    let of_queries = clock.read()?;
    println!(
        "{{\"bank_seconds\": {}, \"bank_cpu_seconds\": {:.2}, \"query_seconds\": {}, \"query_cpu_seconds\": {:.2}, \"hits\": {}}}",
        of_bank.wall,
        of_bank.cpu,
        of_queries.wall,
        of_queries.cpu,
        first_places(&rankings[0])
    );
    Ok(())
}

/// Item `q / 5` answers query `q`, the last item all that are left over.
fn relevance(gallery: &Embeddings, queries: &Embeddings) -> Outcome<Relevance> {
    let last = (gallery.len() - 1) as u32;
    let answers = (0..queries.len() as u32).map(|query| (query / 5).min(last));
    let answers: Vec<u32> = answers.collect();
    Ok(Relevance::one_each(&answers, gallery.len())?)
}

/// The rank of the best placed relevant item, however low.
const FIRST_RANKS: RankOptions = RankOptions {
    ties: TieRule::Index,
    top: 0,
    all_relevant: false,
    depth: None,
};

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

    fn read(&self) -> Outcome<Times> {
        Ok(Times {
            wall: self.wall.elapsed().as_secs_f64(),
            cpu: cpu_seconds()? - self.cpu,
        })
    }
}

struct Times {
    wall: f64,
    cpu: f64,
}

fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // After the closing parenthesis of the name: user and system time are the 12th and 13th fields, in 1/100 s.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no process name")?;
    let ticks: Result<Vec<f64>, _> = fields.split(' ').skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / 100.0)
}

fn collect(
    gallery: &Embeddings,
    bank: &Embeddings,
    stats: impl IntoIterator<Item = Stat>,
    kernel: Kernel,
) -> Outcome<BankStats> {
    let needs = stats.into_iter().map(|stat| (Bank::Query, stat));
    let plan: StatPlan = needs.collect();
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    Ok(BankStats::collect(
        &plan,
        gallery.rows(),
        banks,
        PassOptions {
            kernel,
            ..PassOptions::default()
        },
    )?)
}

fn first_places(rankings: &Rankings) -> usize {
    (0..rankings.queries())
        .filter(|&query| rankings.first_rank(query) == 1.0)
        .count()
}

fn read(path: &str) -> Outcome<Embeddings> {
    let file = npyz::NpyFile::new(BufReader::with_capacity(1 << 20, File::open(path)?))?;
    let dim = *file.shape().last().ok_or("a scalar has no rows")?;
    Ok(Embeddings::from_unit(
        file.into_vec::<f32>()?,
        usize::try_from(dim)?,
    )?)
}

fn write(path: &str, values: &[f64]) -> Outcome<()> {
    let mut out = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[values.len() as u64])
        .writer(BufWriter::new(File::create(path)?))
        .begin_nd()?;
    out.extend(values.iter())?;
    Ok(out.finish()?)
}

/// Peak resident memory of the process (Linux), and what of it the embeddings take, in MiB.
fn memory(embeddings: &[&Embeddings]) -> Outcome<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmHWM")?;
    let peak = peak.parse::<f64>()? / 1024.0;
    let floats: usize = embeddings.iter().map(|e| e.rows().data().len()).sum();
    let held = floats as f64 * 4.0 / 1048576.0;
    Ok(format!(
        "\"peak_mib\": {peak:.1}, \"embeddings_mib\": {held:.1}, \"beyond_mib\": {:.1}",
        peak - held
    ))
}

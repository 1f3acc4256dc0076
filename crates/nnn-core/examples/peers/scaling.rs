//! Ranking over galleries of any size.

use crate::{
    Clock, FIRST_RANKS, KS, Outcome, collect, first_places, fit, memory, points, read, relevance,
};
use nnn_core::{
    Delivery, DotScorer, Fitted, GalleryBias, Kernel, RankOptions, RowSink, Scorer, Stat, rank,
};
use std::hint::black_box;

/// Raw ranks, with some best items of each query or with none.
pub(crate) fn rank_raw(gallery: &str, queries: &str, top: usize) -> Outcome<()> {
    let (gallery, queries) = (read(gallery)?, read(queries)?);
    let relevance = relevance(&gallery, &queries)?;
    let raw = Fitted::Additive(GalleryBias::zero(gallery.len()));
    let scorer = DotScorer::new(queries.rows(), gallery.rows())?;
    let clock = Clock::start()?;
    let options = RankOptions { top, ..FIRST_RANKS };
    let rankings = rank(&scorer, &relevance, &[&raw], options);
    let times = clock.read()?;
    println!(
        "{{\"seconds\": {}, \"cpu_seconds\": {:.2}, \"hits\": {}, {}}}",
        times.wall,
        times.cpu,
        first_places(&rankings[0]),
        memory(&[&gallery, &queries])?
    );
    Ok(())
}

/// Looks at nothing.
struct Ignore;

impl RowSink for Ignore {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        black_box(scores);
    }
}

/// All points of a grid ranked together, beside the product of queries and gallery by itself.
pub(crate) fn sweep(gallery: &str, bank: &str, queries: &str) -> Outcome<()> {
    let (gallery, bank, queries) = (read(gallery)?, read(bank)?, read(queries)?);
    let relevance = relevance(&gallery, &queries)?;
    let tops = KS.map(|k| Stat::TopMean { k });
    let stats = collect(&gallery, &bank, tops, Kernel::detect())?;
    let fitted = fit(&points()?, &stats, &gallery)?;
    let methods: Vec<&Fitted> = fitted.iter().collect();
    let scorer = DotScorer::new(queries.rows(), gallery.rows())?;
    let clock = Clock::start()?;
    let mut ignores: Vec<Ignore> = (0..queries.len()).map(|_| Ignore).collect();
    let mut sinks: Vec<_> = ignores.iter_mut().map(|i| i as &mut dyn RowSink).collect();
    scorer.stream(Delivery::Pieces, 0, &mut sinks);
    let product = clock.read()?;
    let clock = Clock::start()?;
    let rankings = rank(&scorer, &relevance, &methods, FIRST_RANKS);
    let times = clock.read()?;
    let hits = rankings.iter().map(first_places).max();
    println!(
        "{{\"seconds\": {}, \"cpu_seconds\": {:.2}, \"product_seconds\": {}, \"product_cpu_seconds\": {:.2}, \"hits\": {}, {}}}",
        times.wall,
        times.cpu,
        product.wall,
        product.cpu,
        hits.unwrap_or(0),
        memory(&[&gallery, &bank, &queries])?
    );
    Ok(())
}

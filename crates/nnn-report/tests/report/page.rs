//! The page: what every part of it says, and that nothing in a data set's names becomes markup.

use nnn_report::{Experiment, Provenance, Records, answer, page};

use crate::fixture::{Cell, NNN, RAW, sweep};
use crate::whole::Whole;

/// A part of the page by the start of its first tag, to its end.
fn part<'a>(page: &'a str, start: &str, tag: &str) -> &'a str {
    let from = page
        .find(start)
        .unwrap_or_else(|| panic!("no {start} in the page"));
    let end = format!("</{tag}>");
    let to = page[from..].find(&end).expect("an end");
    &page[from..from + to + end.len()]
}

fn plain() -> Whole {
    Whole::new(&str::to_owned)
}

/// The parts in lines, a tag in each, so that a difference is seen.
fn lines(markup: &str) -> String {
    markup.replace("><", ">\n<")
}

#[test]
fn the_answer_is_one_sentence_with_counts_tests_and_the_largest_gain() {
    let whole = plain();
    insta::assert_snapshot!(answer(&whole.experiment().records), @"R@1 against raw: of 4 settings in 2 setups, 1 is significantly better, 0 are significantly worse and 0 are not distinguishable, 3 are not tested (paired randomisation, Holm's correction within a trial, 5 %); the largest gain is that of nnn(k=128,alpha=0.75) with flickr30k/train 20% in flickr30k t2i of CLIP: from 58.82 to 64.60, +5.78 [4.98, 6.58].");
    let nothing = Records::default();
    assert_eq!(answer(&nothing), "No correction was measured.");
}

/// Without a significant gain none is praised; a metric without a test is told without one.
#[test]
fn the_answer_praises_nothing_that_is_not_significant() {
    let scores = [RAW.share("R@1", 0.5, 0.5), NNN.share("R@1", 0.51, 0.5)];
    let mut comparisons = crate::fixture::comparisons();
    comparisons.truncate(1);
    comparisons[0].p_holm = 0.2;
    let records = Records {
        scores: &scores,
        comparisons: &comparisons,
        ..Records::default()
    };
    insta::assert_snapshot!(answer(&records), @"R@1 against raw: of 1 setting in 1 setup, 0 are significantly better, 0 are significantly worse and 1 is not distinguishable (paired randomisation, Holm's correction within a trial, 5 %); the largest gain, of nnn(k=128,alpha=0.75) with flickr30k/train 20%, is not significant: from 50.00 to 51.00, +1.00 [0.20, 1.80] (corrected p 0.2000).");
    let untested = Records {
        comparisons: &[],
        ..records
    };
    insta::assert_snapshot!(answer(&untested), @"R@1 of 1 setting was not tested against raw; the largest gain is that of nnn(k=128,alpha=0.75) with flickr30k/train 20%: from 50.00 to 51.00, +1.00 [0.20, 1.80].");
    let worse = [RAW.share("R@1", 0.5, 0.5), NNN.share("R@1", 0.49, 0.5)];
    let records = Records {
        scores: &worse,
        ..records
    };
    insta::assert_snapshot!(answer(&records), @"R@1 against raw: of 1 setting in 1 setup, 0 are significantly better, 0 are significantly worse and 1 is not distinguishable (paired randomisation, Holm's correction within a trial, 5 %); none gains anything: the best, nnn(k=128,alpha=0.75) with flickr30k/train 20%, goes from 50.00 to 49.00, -1.00 [-1.80, -0.20].");
}

#[test]
fn the_forest_shows_every_gain_with_its_interval() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<div class=\"setup\"", "div")), @r#"
    <div class="setup" data-setup="e0s0">
    <h3>flickr30k, t2i (CLIP)</h3>
    <p>Of 3 settings, 1 is significantly better, 0 are significantly worse and 0 are not distinguishable, 2 are not tested; the largest gain is that of nnn(k=128,alpha=0.75) with flickr30k/train 20%: from 58.82 to 64.60, +5.78 [4.98, 6.58].</p>
    <p class="note">Image retrieval (text queries): 5,000 queries, 1,000 gallery items; raw has R@1 58.82; intervals resampled by image (n = 1,000).</p>
    <div class="wide" tabindex="0" role="group" aria-label="Gains over raw, flickr30k, t2i (CLIP)">
    <table class="forest">
    <thead>
    <tr>
    <th scope="col">Method</th>
    <th scope="col">Reference set</th>
    <th class="plot" scope="col">Gain over raw in R@1</th>
    <th class="n" scope="col">Gain [95 %]</th>
    <th class="n" scope="col">p</th>
    </tr>
    </thead>
    <tbody>
    <tr class="best" data-setup="e0s0" data-trial="e0t0">
    <th scope="row" title="nnn(k=128,alpha=0.75)">nnn§</th>
    <td>flickr30k/train 20%</td>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M3.7 0V10">
    </path>
    <path class="bar better" d="M61.5 5H80.1">
    <title>95 % interval of nnn(k=128,alpha=0.75): +5.78 [4.98, 6.58]</title>
    </path>
    <path class="dot better" d="M70.8 5h0">
    <title>nnn(k=128,alpha=0.75): +5.78 [4.98, 6.58]</title>
    </path>
    </svg>
    </td>
    <td class="n">+5.78 [4.98, 6.58]</td>
    <td class="n">&lt;1e-4</td>
    </tr>
    <tr class="" data-setup="e0s0" data-trial="e0t1">
    <th scope="row" title="nnn(k=16,alpha=0.5)">nnn§</th>
    <td>coco/train 20%</td>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M3.7 0V10">
    </path>
    <path class="bar same" d="M51 5H69.6">
    <title>95 % interval of nnn(k=16,alpha=0.5): +4.88 [4.08, 5.68]</title>
    </path>
    <path class="dot same" d="M60.3 5h0">
    <title>nnn(k=16,alpha=0.5): +4.88 [4.08, 5.68]</title>
    </path>
    </svg>
    </td>
    <td class="n">+4.88 [4.08, 5.68]</td>
    <td class="n">–</td>
    </tr>
    <tr class="" data-setup="e0s0" data-trial="e0t0">
    <th scope="row" title="nnn(k=256,alpha=0.875)">nnn‡</th>
    <td>flickr30k/train 20%</td>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M3.7 0V10">
    </path>
    <path class="bar same" d="M65.4 5H84">
    <title>95 % interval of nnn(k=256,alpha=0.875): +6.12 [5.32, 6.92]</title>
    </path>
    <path class="dot same" d="M74.7 5h0">
    <title>nnn(k=256,alpha=0.875): +6.12 [5.32, 6.92]</title>
    </path>
    </svg>
    </td>
    <td class="n">+6.12 [5.32, 6.92]</td>
    <td class="n">–</td>
    </tr>
    <tr class="" data-setup="e0s0" data-trial="e0t0">
    <th scope="row" title="dn(lambda=0.5)">dn (lambda=0.5)</th>
    <td>flickr30k/train 20%</td>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M3.7 0V10">
    </path>
    <path class="bar same" d="M32 5H50.6">
    <title>95 % interval of dn(lambda=0.5): +3.24 [2.44, 4.04]</title>
    </path>
    <path class="dot same" d="M41.3 5h0">
    <title>dn(lambda=0.5): +3.24 [2.44, 4.04]</title>
    </path>
    </svg>
    </td>
    <td class="n">+3.24 [2.44, 4.04]</td>
    <td class="n">–</td>
    </tr>
    <tr class="" data-setup="e0s0" data-trial="e0t0">
    <th scope="row" title="dsl(tau=0.1)">dsl† (tau=0.1)</th>
    <td>flickr30k/train 20%</td>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M3.7 0V10">
    </path>
    <path class="bar better" d="M77.7 5H96.3">
    <title>95 % interval of dsl(tau=0.1): +7.18 [6.38, 7.98]</title>
    </path>
    <path class="dot better" d="M87 5h0">
    <title>dsl(tau=0.1): +7.18 [6.38, 7.98]</title>
    </path>
    </svg>
    </td>
    <td class="n">+7.18 [6.38, 7.98]</td>
    <td class="n">0.0480</td>
    </tr>
    </tbody>
    <tfoot>
    <tr>
    <td>
    </td>
    <td>
    </td>
    <td class="plot">
    <div class="axis" aria-hidden="true">
    <span style="left:3.7%">0</span>
    <span style="left:61.7%">5</span>
    </div>
    "#);
}

#[test]
fn the_table_has_every_number_and_its_signature() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<p class=\"files\">", "p")), @r#"<p class="files">Files: <a href="./scores.csv">scores.csv</a> <a href="./scores.parquet">scores.parquet</a> <a href="./comparisons.csv">comparisons.csv</a> <a href="./comparisons.parquet">comparisons.parquet</a> <a href="./choosing.csv">choosing.csv</a> <a href="./grid.parquet">grid.parquet</a> <a href="./tables/">tables/</a> <a href="./run.json">run.json</a> </p>"#);
    let table = part(&page, "<table class=\"numbers\">", "table");
    insta::assert_snapshot!(lines(part(table, "<thead>", "thead")), @r#"
    <thead>
    <tr>
    <th scope="col">Model</th>
    <th scope="col">Data set</th>
    <th scope="col">Direction</th>
    <th scope="col">Reference set</th>
    <th scope="col">Method</th>
    <th scope="col">Parameters</th>
    <th class="n" scope="col">R@1</th>
    <th class="n" scope="col" data-of="R@1">Gain</th>
    <th class="n" scope="col" data-of="R@1">p</th>
    <th class="n" scope="col">R@5</th>
    <th class="n" scope="col">R@10</th>
    <th class="n" scope="col">MedR</th>
    <th class="n" scope="col">k_skewness@10</th>
    <th scope="col">Signature</th>
    </tr>
    </thead>
    "#);
    let body = part(table, "<tbody>", "tbody");
    assert_eq!(body.matches("<tr ").count(), 8, "a line for each cell");
    let second = body.split("<tr ").nth(2).expect("a second line");
    insta::assert_snapshot!(lines(second), @r#"
    data-setup="e0s0" data-trial="e0t0">
    <td>CLIP</td>
    <td>flickr30k</td>
    <td>t2i</td>
    <td>flickr30k/train 20%</td>
    <th scope="row">nnn§</th>
    <td>k=128,alpha=0.75</td>
    <td class="n best" title="95 % bootstrap interval [62.94, 66.26]">64.60</td>
    <td class="n">
    <span class="better">▲ </span>+5.78 [4.98, 6.58]</td>
    <td class="n">&lt;1e-4</td>
    <td class="n" title="95 % bootstrap interval [86.71, 88.97]">87.84</td>
    <td class="n" title="95 % bootstrap interval [92.12, 93.88]">93.00</td>
    <td class="n">1.00</td>
    <td class="n">1.20</td>
    <td>
    <details>
    <summary>signature</summary>
    <code>METRIC|data:flickr30k#9c1e</code>
    </details>
    </td>
    </tr>
    "#);
}

#[test]
fn hubs_are_shown_before_and_after() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"hubs\">", "section")), @r##"
    <section class="hubs">
    <h4>Hubs</h4>
    <div class="beside">
    <figure>
    <svg class="histogram" viewBox="0 0 380 230" width="380" height="230" role="img" aria-label="How many gallery items are ranked first how often">
    <path class="grid" d="M44 177.8H380">
    </path>
    <text class="y" x="38" y="181.8">1</text>
    <path class="grid" d="M44 117.4H380">
    </path>
    <text class="y" x="38" y="121.4">10</text>
    <path class="grid" d="M44 57H380">
    </path>
    <text class="y" x="38" y="61">100</text>
    <rect class="raw" x="48.5" y="20.6" width="13.4" height="175.4">
    <title>raw: 400 items are first for no query</title>
    </rect>
    <rect class="after" x="62.7" y="57" width="13.4" height="139">
    <title>nnn(k=128,alpha=0.75): 100 items are first for no query</title>
    </rect>
    <text class="x" x="62.7" y="210">0</text>
    <text class="x" x="100" y="210">1</text>
    <rect class="raw" x="123.1" y="28.2" width="13.4" height="167.8">
    <title>raw: 300 items are first for 2–3 queries</title>
    </rect>
    <text class="x" x="137.3" y="210">2</text>
    <rect class="after" x="174.7" y="10" width="13.4" height="186">
    <title>nnn(k=128,alpha=0.75): 600 items are first for 4–7 queries</title>
    </rect>
    <text class="x" x="174.7" y="210">4</text>
    <rect class="raw" x="197.8" y="33" width="13.4" height="163">
    <title>raw: 250 items are first for 8–15 queries</title>
    </rect>
    <rect class="after" x="212" y="28.3" width="13.4" height="167.7">
    <title>nnn(k=128,alpha=0.75): 299 items are first for 8–15 queries</title>
    </rect>
    <text class="x" x="212" y="210">8</text>
    <text class="x" x="249.3" y="210">16</text>
    <rect class="raw" x="272.5" y="75.7" width="13.4" height="120.3">
    <title>raw: 49 items are first for 32–63 queries</title>
    </rect>
    <rect class="after" x="286.7" y="177.8" width="13.4" height="18.2">
    <title>nnn(k=128,alpha=0.75): 1 items are first for 32–63 queries</title>
    </rect>
    <text class="x" x="286.7" y="210">32</text>
    <text class="x" x="324" y="210">64</text>
    <rect class="raw" x="347.1" y="177.8" width="13.4" height="18.2">
    <title>raw: 1 items are first for 128–255 queries</title>
    </rect>
    <text class="x" x="361.3" y="210">128</text>
    <text class="x" x="212" y="226">queries that rank an item first</text>
    </svg>
    <figcaption>
    <span class="key raw">
    </span> raw<span class="key after">
    </span> nnn(k=128,alpha=0.75); items on a logarithmic axis, queries in doubling bins.</figcaption>
    </figure>
    <div class="wide" tabindex="0" role="group" aria-label="The worst hubs">
    <table class="worst">
    <caption>At most six items that raw ranks first most often, and two that the correction does: for how many queries.</caption>
    <thead>
    <tr>
    <th scope="col">Item</th>
    <th class="n" scope="col">Raw</th>
    <th class="n" scope="col">After</th>
    </tr>
    </thead>
    <tbody>
    <tr>
    <th scope="row">
    <span class="item">0.jpg</span>
    </th>
    <td class="n">162</td>
    <td class="n">12</td>
    </tr>
    <tr>
    <th scope="row">
    <svg class="picture" role="img" aria-label="1.jpg">
    <title>1.jpg</title>
    <use href="#p0">
    </use>
    </svg> <span class="item">1.jpg</span>
    </th>
    <td class="n">3</td>
    <td class="n">48</td>
    </tr>
    </tbody>
    </table>
    </div>
    </div>
    </section>
    "##);
}

#[test]
fn queries_have_both_lists_with_the_answer_marked() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"queries\">", "section")), @r##"
    <section class="queries">
    <h4>Queries</h4>
    <p class="note">Of 5,000 queries, 400 are answered first only with the correction, and 111 only without. Shown are the middle ones of each third of both, in their order.</p>
    <div class="beside">
    <div class="query">
    <p>
    <span class="won">won</span> <span class="item">a dog on a beach</span> <span class="note">rank 2 → 1</span>
    </p>
    <p class="list">Raw:</p>
    <ol>
    <li class="">
    <span class="item">0.jpg</span>
    </li>
    <li class="answers">
    <svg class="picture" role="img" aria-label="1.jpg">
    <title>1.jpg</title>
    <use href="#p0">
    </use>
    </svg> <span class="mark">✓<span class="hidden"> answers it</span>
    </span>
    </li>
    </ol>
    <p class="list">After:</p>
    <ol>
    <li class="answers">
    <svg class="picture" role="img" aria-label="1.jpg">
    <title>1.jpg</title>
    <use href="#p0">
    </use>
    </svg> <span class="mark">✓<span class="hidden"> answers it</span>
    </span>
    </li>
    <li class="">
    <span class="item">0.jpg</span>
    </li>
    </ol>
    </div>
    <div class="query">
    <p>
    <span class="lost">lost</span> <span class="item">a dog on a beach</span> <span class="note">rank 1 → 3</span>
    </p>
    <p class="list">Raw:</p>
    <ol>
    <li class="answers">
    <svg class="picture" role="img" aria-label="1.jpg">
    <title>1.jpg</title>
    <use href="#p0">
    </use>
    </svg> <span class="mark">✓<span class="hidden"> answers it</span>
    </span>
    </li>
    <li class="">
    <span class="item">row 2</span>
    </li>
    </ol>
    <p class="list">After:</p>
    <ol>
    <li class="">
    <span class="item">row 2</span>
    </li>
    <li class="">
    <span class="item">0.jpg</span>
    </li>
    </ol>
    </div>
    </div>
    </section>
    "##);
}

#[test]
fn grids_are_maps_on_both_sides_with_the_chosen_point() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"grids\">", "section")), @r#"
    <section class="grids">
    <h4>Parameters</h4>
    <p class="note">The farther a shade is from the paper's, the better, each map on its own scale. Ringed: the point that the held-out items chose. Dotted: the best of a map. The evaluated items choose nothing.</p>
    <div class="beside">
    <div class="map">
    <h5>nnn: R@1</h5>
    <figure>
    <svg class="heat" viewBox="0 0 132 62" width="132" height="62" role="img" aria-label="Held-out items: R@1 by alpha">
    <g class="h0" style="--square:24px">
    <rect x="56" y="0">
    <title>16, 0.25: 60.00</title>
    </rect>
    </g>
    <g class="h2" style="--square:24px">
    <rect x="80" y="0">
    <title>16, 0.5: 61.00</title>
    </rect>
    </g>
    <g class="h4" style="--square:24px">
    <rect x="104" y="0">
    <title>16, 0.75: 62.00</title>
    </rect>
    </g>
    <g class="h6" style="--square:24px">
    <rect x="56" y="16">
    <title>128, 0.25: 63.00</title>
    </rect>
    <rect x="104" y="16">
    <title>128, 0.75: 63.00</title>
    </rect>
    </g>
    <g class="h8" style="--square:24px">
    <rect x="80" y="16">
    <title>128, 0.5: 64.00, chosen</title>
    </rect>
    </g>
    <circle class="top" cx="92" cy="24" r="2.5">
    </circle>
    <circle class="ring" cx="92" cy="24" r="6">
    </circle>
    <text class="x" x="68" y="44">0.25</text>
    <text class="x" x="116" y="44">0.75</text>
    <text class="x" x="92" y="58">alpha</text>
    <text class="y" x="51" y="12">16</text>
    <text class="y" x="51" y="28">128</text>
    <text class="name" x="0" y="44">k ↑</text>
    </svg>
    <figcaption>Held-out items, 60.00 to 64.00; chosen k=128,alpha=0.5: 64.00</figcaption>
    </figure>
    <figure>
    <svg class="heat" viewBox="0 0 132 62" width="132" height="62" role="img" aria-label="Evaluated items: R@1 by alpha">
    <g class="h0" style="--square:24px">
    <rect x="104" y="16">
    <title>128, 0.75: 60.00</title>
    </rect>
    </g>
    <g class="h2" style="--square:24px">
    <rect x="80" y="16">
    <title>128, 0.5: 61.00, chosen</title>
    </rect>
    </g>
    <g class="h4" style="--square:24px">
    <rect x="56" y="16">
    <title>128, 0.25: 62.00</title>
    </rect>
    </g>
    <g class="h6" style="--square:24px">
    <rect x="56" y="0">
    <title>16, 0.25: 63.00</title>
    </rect>
    <rect x="104" y="0">
    <title>16, 0.75: 63.00</title>
    </rect>
    </g>
    <g class="h8" style="--square:24px">
    <rect x="80" y="0">
    <title>16, 0.5: 64.00</title>
    </rect>
    </g>
    <circle class="top" cx="92" cy="8" r="2.5">
    </circle>
    <circle class="ring" cx="92" cy="24" r="6">
    </circle>
    <text class="x" x="68" y="44">0.25</text>
    <text class="x" x="116" y="44">0.75</text>
    <text class="x" x="92" y="58">alpha</text>
    <text class="y" x="51" y="12">16</text>
    <text class="y" x="51" y="28">128</text>
    <text class="name" x="0" y="44">k ↑</text>
    </svg>
    <figcaption>Evaluated items, 60.00 to 64.00; chosen k=128,alpha=0.5: 61.00</figcaption>
    </figure>
    </div>
    </div>
    </section>
    "#);
}

#[test]
fn classes_are_shown_before_and_after() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"groups\">", "section")), @r#"
    <section class="groups">
    <h4>Groups</h4>
    <h5>bias@6 by class</h5>
    <p class="note">bias@n: first group less second group among the first n of the whole gallery, every item counted, over n.</p>
    <div class="wide" tabindex="0" role="group" aria-label="bias@6 by class">
    <table class="forest">
    <thead>
    <tr>
    <th scope="col">Class</th>
    <th class="plot" scope="col">
    <span class="key raw">
    </span> raw <span class="key after">
    </span> nnn(k=128,alpha=0.75)</th>
    <th class="n" scope="col">Raw</th>
    <th class="n" scope="col">After</th>
    </tr>
    </thead>
    <tbody>
    <tr>
    <th scope="row">pilot</th>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M40.7 0V10">
    </path>
    <path class="bar same" d="M50 5H96.3">
    <title>pilot: 0.750 raw, 0.125 after</title>
    </path>
    <path class="dot raw" d="M96.3 5h0">
    <title>raw 0.750</title>
    </path>
    <path class="dot after" d="M50 5h0">
    <title>after 0.125</title>
    </path>
    </svg>
    </td>
    <td class="n">0.750</td>
    <td class="n">0.125</td>
    </tr>
    <tr>
    <th scope="row">nurse</th>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="zero" d="M40.7 0V10">
    </path>
    <path class="bar same" d="M3.7 5H22.2">
    <title>nurse: -0.500 raw, -0.250 after</title>
    </path>
    <path class="dot raw" d="M3.7 5h0">
    <title>raw -0.500</title>
    </path>
    <path class="dot after" d="M22.2 5h0">
    <title>after -0.250</title>
    </path>
    </svg>
    </td>
    <td class="n">-0.500</td>
    <td class="n">-0.250</td>
    </tr>
    </tbody>
    <tfoot>
    <tr>
    <td>
    </td>
    <td class="plot">
    <div class="axis" aria-hidden="true">
    <span style="left:3.7%">-0.5</span>
    <span style="left:40.7%">0</span>
    <span style="left:77.8%">0.5</span>
    </div>
    </td>
    <td>
    </td>
    <td>
    </td>
    </tr>
    </tfoot>
    </table>
    </div>
    </section>
    "#);
}

#[test]
fn expected_numbers_are_dots_in_tolerances() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"published\"", "section")), @r#"
    <section class="published" id="e0-published">
    <h2>Expected numbers</h2>
    <p>of table 1, 4 of 8 numbers</p>
    <p>1 ok, 1 close, 2 FAIL</p>
    <p class="note">Every dot is a measured number, by how many tolerances it is off the expected one. Within one it is ok, within two close. What is farther off than 4 stands at the edge.</p>
    <div class="wide" tabindex="0" role="group" aria-label="Measured against expected numbers">
    <table class="forest">
    <thead>
    <tr>
    <th scope="col">Expected</th>
    <th class="plot" scope="col">Off, in tolerances</th>
    <th class="n" scope="col">Off</th>
    </tr>
    </thead>
    <tbody>
    <tr>
    <th scope="row">flickr30k t2i, R@1, raw (CLIP)</th>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="grid" d="M25 0V10">
    </path>
    <path class="grid" d="M37.5 0V10">
    </path>
    <path class="zero" d="M50 0V10">
    </path>
    <path class="grid" d="M62.5 0V10">
    </path>
    <path class="grid" d="M75 0V10">
    </path>
    <path class="dot better" d="M50 5h0">
    <title>CLIP: 58.82 measured, 58.82 published, +0.00 tolerances: ok</title>
    </path>
    </svg>
    </td>
    <td class="n">0.0</td>
    </tr>
    <tr>
    <th scope="row">flickr30k t2i, R@5, raw (CLIP)</th>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="grid" d="M25 0V10">
    </path>
    <path class="grid" d="M37.5 0V10">
    </path>
    <path class="zero" d="M50 0V10">
    </path>
    <path class="grid" d="M62.5 0V10">
    </path>
    <path class="grid" d="M75 0V10">
    </path>
    <path class="dot close" d="M33.5 5h0">
    <title>CLIP: 83.44 measured, 84.10 published, -1.32 tolerances: close</title>
    </path>
    </svg>
    </td>
    <td class="n">-1.3</td>
    </tr>
    <tr>
    <th scope="row">flickr30k t2i, R@10, raw (CLIP)</th>
    <td class="plot">
    <svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="grid" d="M25 0V10">
    </path>
    <path class="grid" d="M37.5 0V10">
    </path>
    <path class="zero" d="M50 0V10">
    </path>
    <path class="grid" d="M62.5 0V10">
    </path>
    <path class="grid" d="M75 0V10">
    </path>
    <path class="dot worse" d="M0 5h0">
    <title>CLIP: 90.08 measured, 95.00 published, -9.84 tolerances: FAIL</title>
    </path>
    </svg>
    </td>
    <td class="n">-9.8</td>
    </tr>
    </tbody>
    <tfoot>
    <tr>
    <td>
    </td>
    <td class="plot">
    <div class="axis" aria-hidden="true">
    <span style="left:0%">-4</span>
    <span style="left:25%">-2</span>
    <span style="left:50%">0</span>
    <span style="left:75%">2</span>
    <span style="left:100%">4</span>
    </div>
    </td>
    <td>
    </td>
    </tr>
    </tfoot>
    </table>
    </div>
    <details>
    <summary>1 without a dot</summary>
    <ul>
    <li>CLIP, flickr30k t2i, raw, R@100: 0 measured rows match</li>
    </ul>
    </details>
    </section>
    "#);
}

#[test]
fn provenance_says_what_ran_on_what() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"provenance\"", "section")), @r#"
    <section class="provenance" id="e0-provenance">
    <h2>Provenance</h2>
    <h3>Warnings</h3>
    <ul class="warnings">
    <li>116 captions equal</li>
    </ul>
    <dl>
    <dt>Config</dt>
    <dd>table-1.yaml, with models=[CLIP]</dd>
    <dt>Code</dt>
    <dd>0.1.0+abc; sources 123</dd>
    <dt>Machine</dt>
    <dd>arch x86_64, cores 2</dd>
    </dl>
    <details>
    <summary>Files that were read, with their SHA-256</summary>
    <div class="wide" tabindex="0" role="group" aria-label="Files that were read">
    <table>
    <thead>
    <tr>
    <th scope="col">Of</th>
    <th scope="col">File</th>
    <th scope="col">SHA-256</th>
    </tr>
    </thead>
    <tbody>
    <tr>
    <td>flickr30k</td>
    <td>captions.csv</td>
    <td>
    <code>0f</code>
    </td>
    </tr>
    </tbody>
    </table>
    </div>
    </details>
    <details>
    <summary>Seconds of every trial</summary>
    <div class="wide" tabindex="0" role="group" aria-label="Seconds of every trial">
    <table>
    <thead>
    <tr>
    <th scope="col">Trial</th>
    <th class="n" scope="col">Seconds</th>
    <th scope="col">By step</th>
    </tr>
    </thead>
    <tbody>
    <tr>
    <td>CLIP / flickr30k</td>
    <td class="n">1.5</td>
    <td>report 1.50</td>
    </tr>
    </tbody>
    </table>
    </div>
    </details>
    <details>
    <summary>The config as read</summary>
    <pre tabindex="0">{&quot;experiment&quot;: &quot;paper&quot;}</pre>
    </details>
    </section>
    "#);
}

/// Names come from data sets, and the page is opened by people who did not write them.
#[test]
fn no_name_becomes_markup() {
    let hostile =
        "\"><script>window.hacked=1</script><img src=x onerror='window.hacked=2'></title>&lt;";
    let whole = Whole::new(&|name| format!("{name}{hostile}"));
    let page = page(&[whole.experiment()]);
    assert!(
        page.contains("&lt;script&gt;window.hacked=1"),
        "the names are there"
    );
    assert_eq!(page.matches("<script").count(), 1, "the page's own script");
    for forbidden in ["<img", "hacked=1</script", "\"><script"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The name of the experiment stands in the title, where only its end could be dangerous.
    assert_eq!(
        page.matches("</title></head>").count() + page.matches("</title><link").count(),
        1
    );
}

/// A folder's name is an address, in which a colon or a quote would mean something else.
#[test]
fn links_are_relative_whatever_a_folder_is_called() {
    let whole = plain();
    let experiment = Experiment {
        folder: "../a b:\"c",
        ..whole.experiment()
    };
    let page = page(&[experiment]);
    assert!(
        page.contains("href=\"../a%20b%3A%22c/scores.csv\""),
        "{}",
        part(&page, "<p class=\"files\">", "p")
    );
}

#[test]
fn several_experiments_are_one_page_with_ids_of_their_own() {
    let whole = plain();
    let page = page(&[whole.experiment(), whole.experiment()]);
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "every id once: {ids:?}");
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an end");
        assert!(ids.contains(&id), "nothing is called {id}");
    }
}

/// The same picture under several items is in the page once.
#[test]
fn pictures_are_there_once_and_no_more_than_fit() {
    let mut whole = plain();
    let page_of = |whole: &Whole| page(&[whole.experiment()]);
    assert_eq!(page_of(&whole).matches("data:image/jpeg").count(), 1);
    let large = "A".repeat(3 << 20);
    let picture = whole.shown[0].items[1].picture.as_mut().expect("a picture");
    picture.jpeg = large;
    let page = page_of(&whole);
    assert_eq!(page.matches("data:image/jpeg").count(), 0);
    assert!(page.contains("1 picture had no room"), "it says so");
}

/// Where only raw was measured there is no figure, and what is not there has no part.
#[test]
fn parts_without_content_are_left_out() {
    let scores = [RAW.share("R@1", 0.5, 0.5)];
    let provenance = Provenance::default();
    let experiment = Experiment {
        name: "bare",
        folder: ".",
        records: Records {
            scores: &scores,
            ..Records::default()
        },
        grid: &[],
        shown: &[],
        checks: &[],
        provenance: &provenance,
    };
    let page = page(&[experiment]);
    for absent in [
        "class=\"trials\"",
        "class=\"published\"",
        "class=\"forest\"",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("The run is not complete"));
}

#[test]
fn equal_records_give_equal_bytes() {
    let [first, second] = [plain(), plain()];
    assert_eq!(page(&[first.experiment()]), page(&[second.experiment()]));
}

/// Every setting of a sweep is judged by its own test, whatever its parameters.
#[test]
fn settings_that_differ_in_parameters_are_told_apart() {
    let other = Cell {
        params: "k=16,alpha=0.5",
        chosen: "fixed",
        ..NNN
    };
    let mut scores = sweep();
    scores.push(other.share("R@1", 0.6, 0.588_2));
    let records = Records {
        scores: &scores,
        ..Records::default()
    };
    let provenance = Provenance::default();
    let experiment = Experiment {
        name: "x",
        folder: ".",
        records,
        grid: &[],
        shown: &[],
        checks: &[],
        provenance: &provenance,
    };
    let page = page(&[experiment]);
    assert!(
        page.contains("nnn (k=16,alpha=0.5)") && page.contains(">nnn§<"),
        "fixed ones have their parameters"
    );
}

/// What a matching head gains is not a correction's, and an upper bound is no result.
#[test]
fn neither_lists_ranked_again_nor_oracles_are_counted() {
    let again = Cell {
        method: "nnn+itm",
        kind: "additive, re-ranked",
        ..NNN
    };
    let oracle = Cell {
        chosen: "oracle",
        ..NNN
    };
    let scores = |more: &[&Cell<'_>]| {
        let others = more.iter().map(|cell| cell.share("R@1", 0.9, 0.5));
        std::iter::once(RAW.share("R@1", 0.5, 0.5))
            .chain(others)
            .collect::<Vec<_>>()
    };
    let told = |scores: &[nnn_report::ScoreRow]| {
        answer(&Records {
            scores,
            ..Records::default()
        })
    };
    let all = told(&scores(&[&again, &oracle, &NNN]));
    assert!(
        all.starts_with("R@1 of 1 setting was not tested against raw; "),
        "{all}"
    );
    let none = told(&scores(&[&again, &oracle]));
    assert!(none.starts_with("No setting is counted: "), "{none}");
    assert_eq!(told(&scores(&[])), "No correction was measured.");
}

/// Of an oracle's grid nothing can be seen: the evaluated items chose.
#[test]
fn the_grid_of_an_oracle_is_not_shown() {
    let mut whole = plain();
    for row in &mut whole.grid {
        row.cell.chosen = "oracle".to_owned();
    }
    assert!(!page(&[whole.experiment()]).contains("class=\"grids\""));
}

/// Experiments of one name are told apart by their folders.
#[test]
fn equal_names_have_their_folders_beside_them() {
    let whole = plain();
    let other = Experiment {
        folder: "../other/paper",
        ..whole.experiment()
    };
    let page = page(&[whole.experiment(), other]);
    assert!(page.contains("paper (.)") && page.contains("paper (../other/paper)"));
}

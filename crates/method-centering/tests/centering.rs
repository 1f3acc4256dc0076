//! The corrections beside their formulas in f64, their limits, and values from other packages.

use method_centering::{
    Abtt, AbttFamily, Centering, CenteringFamily, GrClip, GrClipFamily, SpectralTempering,
    SpectralTemperingFamily, Whitening, WhiteningFamily,
};
use nnn_core::{
    Bank, Embeddings, FitError, Fitted, MethodFamily, MethodKind, Nnn, Normalizer, ParamGrid,
    parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Matrix = Vec<Vec<f64>>;

fn abtt(d: usize) -> Abtt {
    Abtt { d: param(d as f64) }
}

fn whitening(dims: usize) -> Whitening {
    Whitening {
        dims: param(dims as f64),
    }
}

fn tempering(dims: usize) -> SpectralTempering {
    SpectralTempering {
        dims: param(dims as f64),
    }
}

/// Queries, gallery and both banks, around centres of their own.
struct Data {
    queries: Embeddings,
    gallery: Embeddings,
    query_bank: Embeddings,
    gallery_bank: Embeddings,
}

impl Data {
    fn random(dim: usize, seed: u64) -> Self {
        Self {
            queries: around(17, dim, seed, 900),
            gallery: around(23, dim, seed + 1, 901),
            query_bank: around(310, dim, seed + 2, 900),
            gallery_bank: around(190, dim, seed + 3, 901),
        }
    }

    /// The leading coordinates of real embeddings, so that the banks have more rows than dimensions.
    fn real(dim: usize) -> Option<Self> {
        let data = fashion()?;
        let cut = |vectors: &Embeddings| {
            let rows = vectors.rows().data().chunks_exact(vectors.dim());
            let leading = rows.flat_map(|row| row[..dim].to_vec());
            Embeddings::normalize(leading.collect(), dim).expect("no zero vectors")
        };
        Some(Self {
            queries: cut(&data.queries),
            gallery: cut(&data.gallery),
            query_bank: cut(&data.bank),
            gallery_bank: cut(&data.gallery_bank),
        })
    }

    fn fit(&self, method: &dyn Normalizer) -> Fitted {
        let banks = both_banks(&self.query_bank, &self.gallery_bank);
        fit_to(method, &self.gallery, banks)
    }
}

/// Random unit vectors around a random centre, with a spread that falls from coordinate to coordinate.
fn around(rows: usize, dim: usize, seed: u64, centre: u64) -> Embeddings {
    let (noise, centre) = (random_rows(rows, dim, seed), random_rows(1, dim, centre));
    let spread = |c: usize| 2.0 * 0.1f32.powf(c as f32 / dim as f32);
    let value = |(i, v): (usize, &f32)| centre.rows().data()[i % dim] + spread(i % dim) * v;
    let data = noise.rows().data().iter().enumerate().map(value).collect();
    Embeddings::normalize(data, dim).expect("no zero vectors")
}

fn mean64(bank: &Embeddings) -> Vec<f64> {
    let mut sum = vec![0.0; bank.dim()];
    for row in bank.rows().data().chunks_exact(bank.dim()) {
        sum.iter_mut()
            .zip(row)
            .for_each(|(s, &v)| *s += f64::from(v));
    }
    sum.iter().map(|s| s / bank.len() as f64).collect()
}

fn centroid64(data: &Data) -> Vec<f64> {
    let pair = [mean64(&data.query_bank), mean64(&data.gallery_bank)];
    pair[0]
        .iter()
        .zip(&pair[1])
        .map(|(a, b)| (a + b) / 2.0)
        .collect()
}

/// Covariance of both banks around their centroid, either with half of the weight: from the definition.
fn covariance64(data: &Data) -> Matrix {
    let (mu, dim) = (centroid64(data), data.gallery.dim());
    let mut covariance = vec![vec![0.0; dim]; dim];
    for bank in [&data.query_bank, &data.gallery_bank] {
        for row in bank.rows().data().chunks_exact(dim) {
            let z: Vec<f64> = row
                .iter()
                .zip(&mu)
                .map(|(&v, m)| f64::from(v) - m)
                .collect();
            for (i, line) in covariance.iter_mut().enumerate() {
                let weight = z[i] * 0.5 / bank.len() as f64;
                line.iter_mut().zip(&z).for_each(|(c, v)| *c += weight * v);
            }
        }
    }
    covariance
}

/// Eigenvalues and eigenvectors of a symmetric matrix, largest first, by Jacobi's rotations.
fn eigen64(mut a: Matrix) -> Vec<(f64, Vec<f64>)> {
    let n = a.len();
    let mut vectors: Matrix = (0..n)
        .map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    for _ in 0..20 {
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let angle = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
                let (s, c) = angle.sin_cos();
                let turn = |x: f64, y: f64| (c * x - s * y, s * x + c * y);
                for row in &mut a {
                    (row[p], row[q]) = turn(row[p], row[q]);
                }
                let (upper, lower) = a.split_at_mut(q);
                for (x, y) in upper[p].iter_mut().zip(&mut lower[0]) {
                    (*x, *y) = turn(*x, *y);
                }
                let (upper, lower) = vectors.split_at_mut(q);
                for (x, y) in upper[p].iter_mut().zip(&mut lower[0]) {
                    (*x, *y) = turn(*x, *y);
                }
            }
        }
    }
    let mut pairs: Vec<(f64, Vec<f64>)> = (0..n).map(|i| (a[i][i], vectors[i].clone())).collect();
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0));
    pairs
}

fn identity(dim: usize) -> Matrix {
    let row = |i| (0..dim).map(|j| f64::from(u8::from(i == j))).collect();
    (0..dim).map(row).collect()
}

/// `unit(matrix (x - shift))`, and how far off the f32 form of it may be: the rounding of shift, difference and matrix and
/// one a term of the product, relative to the length, twice for making the length one, and a last one.
fn unit_image(matrix: &Matrix, shift: &[f64], x: &[f32]) -> (Vec<f64>, f64) {
    let z: Vec<f64> = x
        .iter()
        .zip(shift)
        .map(|(&x, m)| f64::from(x) - m)
        .collect();
    let image: Vec<f64> = matrix.iter().map(|row| product(row, &z)).collect();
    let terms = z.len() as f64 + 3.0;
    let error = |row: &Vec<f64>| -> f64 {
        let parts = row.iter().zip(shift).zip(&z);
        let sizes = parts.map(|((w, m), z)| w.abs() * (m.abs() + terms * z.abs()));
        U32 * (1.0 + 1e-3) * sizes.sum::<f64>()
    };
    let errors: Vec<f64> = matrix.iter().map(error).collect();
    let length = product(&image, &image).sqrt();
    let relative = product(&errors, &errors).sqrt() / length;
    let unit = image.iter().map(|v| v / length).collect();
    (unit, 2.0 * relative / (1.0 - relative) + U32)
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Scores of vectors moved by one matrix and a shift for either side, within the bound and what the matrix itself, an
/// eigenvector's, may be off.
fn check_moved(
    data: &Data,
    method: &dyn Normalizer,
    matrix: &Matrix,
    shifts: [&[f64]; 2],
    slack: f64,
) {
    let found = moved_scores(&data.fit(method), &data.queries);
    let images = |vectors: &Embeddings, shift: &[f64]| -> Vec<(Vec<f64>, f64)> {
        let rows = vectors.rows().data().chunks_exact(vectors.dim());
        rows.map(|x| unit_image(matrix, shift, x)).collect()
    };
    let (queries, gallery) = (
        images(&data.queries, shifts[0]),
        images(&data.gallery, shifts[1]),
    );
    let mut worst = 0.0f64;
    for (row, (q, q_error)) in found.iter().zip(&queries) {
        for (got, (g, g_error)) in row.iter().zip(&gallery) {
            let bound = q_error + g_error + q_error * g_error + slack;
            let off = (got - product(q, g)).abs();
            assert!(
                off <= bound,
                "{}: {got}, expected {} within {bound:e}",
                method.signature(),
                product(q, g)
            );
            worst = worst.max(off);
        }
    }
    report(&method.signature(), data.gallery.dim(), worst);
}

/// The largest error of a check, for those who run it with `--nocapture`.
#[allow(clippy::print_stderr)]
fn report(what: &str, dim: usize, error: f64) {
    eprintln!("{what}, dimension {dim}: largest error {error:.1e}");
}

/// How far the span of eigenvectors may be turned: the error of the covariance and of its decomposition in f64, a few
/// roundings per row and dimension, over the gap behind the last one (Davis and Kahan), either side of a score.
fn turn(data: &Data, gap: f64) -> f64 {
    let terms = data.query_bank.len() + data.gallery_bank.len() + data.gallery.dim();
    16.0 * terms as f64 * U64 / gap
}

fn check_abtt(data: &Data, ds: &[usize]) {
    let (mu, axes) = (centroid64(data), eigen64(covariance64(data)));
    for &d in ds {
        let mut matrix = identity(data.gallery.dim());
        for (i, row) in matrix.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                let removed = axes[..d].iter().map(|axis| axis.1[i] * axis.1[j]);
                *value -= removed.sum::<f64>();
            }
        }
        let gap = if d == 0 {
            1.0
        } else {
            axes[d - 1].0 - axes[d].0
        };
        check_moved(data, &abtt(d), &matrix, [&mu, &mu], turn(data, gap));
    }
}

fn check_whitening(data: &Data, dims: &[usize]) {
    let (mu, axes) = (centroid64(data), eigen64(covariance64(data)));
    for &dims in dims {
        let kept = if dims == 0 { axes.len() } else { dims };
        let row = |axis: &(f64, Vec<f64>)| axis.1.iter().map(|v| v / axis.0.sqrt()).collect();
        let matrix: Matrix = axes[..kept].iter().map(row).collect();
        let last = axes[kept - 1].0;
        let gap = axes.get(kept).map_or(last, |next| last - next.0);
        let slack = turn(data, gap) * (axes[0].0 / last).sqrt();
        check_moved(data, &whitening(dims), &matrix, [&mu, &mu], slack);
    }
}

/// The knee of a falling curve, from the definition: of the local maxima of the distance to the diagonal, in their order, the first behind
/// which the distance is below the maximum by half of a step before it is at another maximum or a minimum, or below zero before it is
/// at another maximum.
fn knee64(curve: &[f64]) -> usize {
    let (n, first, last) = (curve.len(), curve[0], curve[curve.len() - 1]);
    let x = |i: usize| i as f64 / (n - 1) as f64;
    let distance = |i: usize| (first - curve[i]) / (first - last) - x(i);
    let neighbors = |i: usize| [distance(i.max(1) - 1), distance((i + 1).min(n - 1))];
    let is_maximum = |&i: &usize| neighbors(i).iter().all(|&other| other <= distance(i));
    let is_minimum = |&i: &usize| neighbors(i).iter().all(|&other| other >= distance(i));
    let maxima: Vec<usize> = (0..n).filter(is_maximum).collect();
    for (at, &maximum) in maxima.iter().enumerate() {
        let end = maxima.get(at + 1).copied().unwrap_or(n - 1);
        let threshold = distance(maximum) - 0.5 * x(1);
        let mut behind = maximum + 1..=end;
        let below = |i: usize| match (maximum + 1..i).any(|m| is_minimum(&m)) {
            true => distance(i) < 0.0,
            false => distance(i) < threshold,
        };
        if behind.any(below) {
            return maximum;
        }
    }
    panic!("a curve without a knee")
}

/// `SNR(kept) / SNR(knee)` of all variances, at most one.
fn gamma64(axes: &[(f64, Vec<f64>)], kept: usize) -> f64 {
    let start = axes.len() * 9 / 10;
    let noise = axes[start..].iter().map(|axis| axis.0).sum::<f64>() / (axes.len() - start) as f64;
    let ratios: Vec<f64> = axes[..start]
        .iter()
        .map(|axis| (axis.0 - noise) / noise)
        .collect();
    (ratios[kept.min(start) - 1] / ratios[knee64(&ratios)]).min(1.0)
}

/// As [`check_whitening`]: no power of a ratio of deviations is larger than the ratio. The power itself follows from variances that are
/// exact but for f64; it moves a score by at most its error times the logarithm of the ratio, either side.
fn check_tempering(data: &Data, dims: &[usize]) {
    let (mu, axes) = (centroid64(data), eigen64(covariance64(data)));
    for &dims in dims {
        let kept = if dims == 0 { axes.len() } else { dims };
        let gamma = gamma64(&axes, kept);
        let row = |axis: &(f64, Vec<f64>)| {
            let divisor = axis.0.powf(gamma / 2.0);
            axis.1.iter().map(|v| v / divisor).collect()
        };
        let matrix: Matrix = axes[..kept].iter().map(row).collect();
        let last = axes[kept - 1].0;
        let gap = axes.get(kept).map_or(last, |next| last - next.0);
        let spread = (axes[0].0 / last).sqrt();
        let of_power = 2.0 * spread.ln() * turn(data, axes[axes.len() - 1].0);
        let slack = turn(data, gap) * spread + of_power;
        check_moved(data, &tempering(dims), &matrix, [&mu, &mu], slack);
    }
}

#[test]
fn moved_vectors_score_as_the_formulas_say() {
    let real = Data::real(64);
    for (data, dim) in [
        (Some(Data::random(20, 1)), 20),
        (Some(Data::random(33, 5)), 33),
        (real, 64),
    ] {
        let Some(data) = data else { continue };
        let means = [mean64(&data.query_bank), mean64(&data.gallery_bank)];
        check_moved(&data, &GrClip, &identity(dim), [&means[0], &means[1]], 0.0);
        check_abtt(&data, &[0, 1, 2, 7]);
        check_whitening(&data, &[0, 1, 5, 15]);
        check_tempering(&data, &[0, 2, 5, 12, 18]);
    }
    if let Some(data) = Data::real(512) {
        let means = [mean64(&data.query_bank), mean64(&data.gallery_bank)];
        check_moved(&data, &GrClip, &identity(512), [&means[0], &means[1]], 0.0);
    }
}

/// `(q - mu) . (g - mu)` and what the method makes of `q . g` differ by one number per query only: compared as differences to
/// the first item. Four similarities in f32, or rather their bound, the f64 means, and roundings of numbers below two.
fn check_centering(data: &Data) {
    let (fitted, mu) = (data.fit(&Centering), centroid64(data));
    let items: Vec<&[f32]> = data.gallery.rows().data().chunks_exact(mu.len()).collect();
    let errors: Vec<f64> = items
        .iter()
        .map(|item| score_error(item, &data.queries) + 8.0 * U32)
        .collect();
    let mut rows = chain_matrix(data.queries.rows(), data.gallery.rows());
    for (q, row) in rows.iter_mut().enumerate() {
        fitted.apply(row);
        let centred =
            |x: &[f32]| -> Vec<f64> { x.iter().zip(&mu).map(|(&v, m)| f64::from(v) - m).collect() };
        let query = centred(data.queries.rows().row(q));
        let want: Vec<f64> = items
            .iter()
            .map(|item| product(&query, &centred(item)))
            .collect();
        for g in 0..row.len() {
            let (got, want) = (f64::from(row[g]) - f64::from(row[0]), want[g] - want[0]);
            assert!(
                (got - want).abs() <= errors[g] + errors[0],
                "({q}, {g}): {got}, expected {want}"
            );
        }
    }
}

#[test]
fn centering_orders_as_the_centred_product() {
    check_centering(&Data::random(24, 9));
    if let Some(data) = Data::real(512) {
        check_centering(&data);
    }
}

#[derive(serde::Deserialize)]
struct Golden {
    dim: usize,
    queries: Vec<Vec<f32>>,
    gallery: Vec<Vec<f32>>,
    query_bank: Vec<Vec<f32>>,
    gallery_bank: Vec<Vec<f32>>,
    scores: BTreeMap<String, Matrix>,
}

const FAMILIES: [&dyn MethodFamily; 5] = [
    &CenteringFamily,
    &GrClipFamily,
    &AbttFamily,
    &WhiteningFamily,
    &SpectralTemperingFamily,
];

fn by_signature(signature: &str) -> Box<dyn Normalizer> {
    let (name, grid) = parse_signature(signature).expect("a signature");
    let family = FAMILIES.into_iter().find(|family| family.name() == name);
    let mut points = family.expect("registered").expand(&grid).expect("valid");
    points.remove(0)
}

/// The bound of [`unit_image`] is at most 1.64e-5 for these vectors, both sides together, and gaps of the variances, at
/// least 5e-4, leave the components exact. Centering: as differences to the first item.
#[test]
fn scores_equal_those_of_other_packages() {
    let text = include_str!("golden/centering.json");
    let goldens: Vec<Golden> = serde_json::from_str(text).expect("goldens");
    for golden in goldens {
        let of =
            |rows: &[Vec<f32>]| Embeddings::from_unit(rows.concat(), golden.dim).expect("unit");
        let data = Data {
            queries: of(&golden.queries),
            gallery: of(&golden.gallery),
            query_bank: of(&golden.query_bank),
            gallery_bank: of(&golden.gallery_bank),
        };
        for (signature, want) in &golden.scores {
            let fitted = data.fit(&*by_signature(signature));
            let found = match &fitted {
                Fitted::VectorMoving(_) => moved_scores(&fitted, &data.queries),
                _ => differences(rewritten(&data, &fitted)),
            };
            let want = match &fitted {
                Fitted::VectorMoving(_) => want.clone(),
                _ => differences(want.clone()),
            };
            let mut worst = 0.0f64;
            for (got, want) in found.concat().iter().zip(want.concat()) {
                let off = (got - want).abs();
                assert!(off <= 1.7e-5, "{signature}: {got}, expected {want}");
                worst = worst.max(off);
            }
            report(signature, golden.dim, worst);
        }
    }
}

fn rewritten(data: &Data, fitted: &Fitted) -> Matrix {
    let mut rows = chain_matrix(data.queries.rows(), data.gallery.rows());
    rows.iter_mut().for_each(|row| fitted.apply(row));
    let wide = |row: &Vec<f32>| row.iter().map(|&v| f64::from(v)).collect();
    rows.iter().map(wide).collect()
}

fn differences(mut scores: Matrix) -> Matrix {
    for row in &mut scores {
        let first = row[0];
        row.iter_mut().for_each(|v| *v -= first);
    }
    scores
}

/// The whitened banks have the covariance `I`, on real vectors at their full dimension.
#[test]
fn whitened_banks_are_white() {
    let Some(data) = Data::real(512) else { return };
    let Fitted::VectorMoving(moved) = data.fit(&whitening(40)) else {
        panic!("moves vectors")
    };
    let mut map = moved.query;
    map.normalize = false;
    let mut covariance = vec![vec![0.0; 40]; 40];
    for bank in [&data.query_bank, &data.gallery_bank] {
        for row in map.apply(bank.rows()).data().chunks_exact(40) {
            for (i, line) in covariance.iter_mut().enumerate() {
                for (c, &v) in line.iter_mut().zip(row) {
                    *c += 0.5 / bank.len() as f64 * f64::from(row[i]) * f64::from(v);
                }
            }
        }
    }
    // 512 roundings a coordinate, of terms that sum to no more than |x - mu| / deviation, which is below 1 / 0.03; twice.
    let bound = 2.0 * 515.0 * U32 / 0.03;
    for (row, want) in covariance.concat().iter().zip(identity(40).concat()) {
        assert!((row - want).abs() <= bound, "{row}, expected {want}");
    }
}

fn methods() -> Vec<Box<dyn Normalizer>> {
    vec![
        Box::new(Centering),
        Box::new(GrClip),
        Box::new(abtt(2)),
        Box::new(whitening(0)),
        Box::new(whitening(6)),
        Box::new(tempering(0)),
        Box::new(tempering(6)),
    ]
}

/// What a gallery becomes: its vectors, or its bias.
fn gallery_of(fitted: &Fitted) -> (Vec<f32>, usize) {
    match fitted {
        Fitted::VectorMoving(moved) => (moved.gallery.data().to_vec(), moved.gallery.dim()),
        other => (other.additive().expect("additive").values().to_vec(), 1),
    }
}

#[test]
fn a_permuted_gallery_is_permuted_and_ties_stay_ties() {
    let mut data = Data::random(16, 20);
    let order: Vec<u32> = (0..23).map(|i| i * 5 % 23).chain([3, 3]).collect();
    for method in methods() {
        let (before, width) = gallery_of(&data.fit(&*method));
        let gallery = data.gallery.clone();
        data.gallery = gallery.select(&order);
        let (after, _) = gallery_of(&data.fit(&*method));
        let expected: Vec<f32> = order
            .iter()
            .flat_map(|&g| before[g as usize * width..][..width].to_vec())
            .collect();
        assert_eq!(after, expected, "{}", method.signature());
        data.gallery = gallery;
    }
}

#[test]
fn threads_change_no_bit() {
    let data = Data::random(48, 30);
    for method in methods() {
        let at = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads")
                .install(|| gallery_of(&data.fit(&*method)))
        };
        assert_eq!(at(1), at(3), "{}", method.signature());
    }
}

/// The second bank is missing: the plan says so.
#[test]
fn every_method_wants_both_banks() {
    for method in methods() {
        let (gallery, bank) = (random_rows(3, 4, 1), random_rows(5, 4, 2));
        let stats = collect_for(&*method, &gallery, query_bank(&bank));
        let error = stats.expect_err("no gallery bank");
        assert!(
            matches!(
                error,
                FitError::MissingBank {
                    bank: Bank::Gallery,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn counts_beyond_the_dimension_are_refused() {
    let data = Data::random(6, 40);
    let error = |method: &dyn Normalizer| {
        let banks = both_banks(&data.query_bank, &data.gallery_bank);
        let stats = collect_for(method, &data.gallery, banks);
        let fitted = method.fit(&stats.expect("valid plan"), data.gallery.rows());
        fitted.err().map(|e| e.to_string())
    };
    let message = "7 directions are asked for, but the vectors have dimension 6";
    assert_eq!(error(&abtt(7)).as_deref(), Some(message));
    assert_eq!(error(&whitening(7)).as_deref(), Some(message));
    assert_eq!(error(&tempering(7)).as_deref(), Some(message));
    assert_eq!(error(&abtt(6)), None);
    assert_eq!(error(&whitening(6)), None);
    let most = Abtt { d: param(f64::MAX) };
    assert!(error(&most).is_some());
}

fn all_scores(data: &Data, method: &dyn Normalizer) -> Vec<f64> {
    let fitted = data.fit(method);
    match fitted.kind() {
        MethodKind::VectorMoving => moved_scores(&fitted, &data.queries).concat(),
        _ => rewritten(data, &fitted).concat(),
    }
}

fn constant() -> Embeddings {
    Embeddings::normalize(vec![0.3, -0.4, 0.5, 0.1], 4).expect("valid")
}

/// One-item banks, banks of one repeated vector, items and queries that are the centroid.
#[test]
fn degenerate_banks_leave_numbers() {
    let (one, other, several) = (constant(), random_rows(1, 4, 3), random_rows(4, 4, 4));
    let repeated = one.select(&[0; 30]);
    let mut methods = methods();
    methods.retain(|method| !method.signature().ends_with("dims=6)"));
    methods.extend([
        Box::new(abtt(4)) as Box<dyn Normalizer>,
        Box::new(whitening(1)),
    ]);
    for (query_bank, gallery_bank) in [
        (&one, &one),
        (&repeated, &repeated),
        (&one, &other),
        (&repeated, &several),
    ] {
        for (queries, gallery) in [(&one, &several), (&several, &repeated), (&other, &one)] {
            let data = Data {
                queries: queries.clone(),
                gallery: gallery.clone(),
                query_bank: query_bank.clone(),
                gallery_bank: gallery_bank.clone(),
            };
            for method in &methods {
                let scores = all_scores(&data, &**method);
                assert!(
                    scores.iter().all(|s| s.is_finite()),
                    "{}",
                    method.signature()
                );
            }
        }
    }
}

#[test]
fn a_vector_of_which_nothing_is_left_scores_zero() {
    let repeated = constant().select(&[0; 30]);
    let data = Data {
        queries: constant(),
        gallery: random_rows(4, 4, 4),
        query_bank: repeated.clone(),
        gallery_bank: repeated,
    };
    assert_eq!(
        all_scores(&data, &GrClip),
        [0.0; 4],
        "the query is its bank's mean"
    );
    assert_eq!(all_scores(&data, &abtt(3)), [0.0; 4], "and the centroid");
    let far = Data {
        queries: random_rows(1, 4, 3),
        ..data
    };
    assert_eq!(all_scores(&far, &whitening(0)), [0.0; 4], "nothing varies");
    assert_eq!(all_scores(&far, &tempering(0)), [0.0; 4], "the same");
    assert_eq!(
        all_scores(&far, &abtt(2)),
        all_scores(&far, &abtt(0)),
        "nor is there a component to remove"
    );
    let full = Data::random(5, 50);
    assert!(all_scores(&full, &abtt(5)).iter().all(|&s| s == 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// With one bank on both sides, centering is distribution normalisation at weight one, and so NNN over the whole bank.
    #[test]
    fn centering_by_one_bank_is_nnn_over_all_of_it(seed in 0u64..1000) {
        let (gallery, bank) = (random_rows(20, 10, seed), random_rows(30, 10, seed + 1));
        let found = fit_to(&Centering, &gallery, both_banks(&bank, &bank));
        let nnn = bias(&Nnn { k: 30, alpha: param(1.0) }, &gallery, &bank);
        for (g, (a, b)) in found.additive().expect("additive").values().iter().zip(&nnn).enumerate() {
            // NNN's mean is of f32 similarities; both are rounded to f32.
            let bound = score_error(gallery.rows().row(g), &bank) + 2.0 * U32 + 4.0 * f64_error(30);
            prop_assert!((f64::from(*a) - f64::from(*b)).abs() <= bound);
        }
    }

    /// Without a component removed, with one bank on both sides, both are centred cosines.
    #[test]
    fn abtt_of_nothing_is_gr_clip_where_the_means_agree(seed in 0u64..1000) {
        let bank = around(60, 9, seed, 800);
        let data = Data { query_bank: bank.clone(), gallery_bank: bank, ..Data::random(9, seed + 10) };
        prop_assert_eq!(all_scores(&data, &abtt(0)), all_scores(&data, &GrClip));
    }

    /// Up to the knee the power is one, and deviations to the power of one are what whitening divides by, bit for bit.
    #[test]
    fn tempering_of_few_dimensions_is_whitening(seed in 0u64..1000) {
        let data = Data::random(20, seed);
        prop_assert_eq!(all_scores(&data, &tempering(1)), all_scores(&data, &whitening(1)));
        let variances = eigen64(covariance64(&data));
        for dims in (2..20).filter(|&dims| gamma64(&variances, dims) == 1.0) {
            prop_assert_eq!(all_scores(&data, &tempering(dims)), all_scores(&data, &whitening(dims)));
        }
    }

    /// The number of rows of a bank does not change its weight.
    #[test]
    fn a_repeated_bank_changes_nothing_beyond_rounding(seed in 0u64..1000) {
        let data = Data::random(8, seed);
        let twice: Vec<u32> = (0..620).map(|i| i % 310).collect();
        let doubled = Data { query_bank: data.query_bank.select(&twice), ..Data::random(8, seed) };
        let biases = [&data, &doubled].map(|data| gallery_of(&data.fit(&Centering)).0);
        for (a, b) in biases[0].iter().zip(&biases[1]) {
            // Means in f64 of numbers up to one, rounded to f32.
            let bound = 4.0 * f64_error(620) + 2.0 * U32 * f64::from(a.abs());
            prop_assert!((f64::from(*a) - f64::from(*b)).abs() <= bound, "{a} and {b}");
        }
    }
}

#[test]
fn signatures_read_back() {
    for (family, signature) in FAMILIES.into_iter().zip([
        "centering",
        "gr_clip",
        "abtt(d=5)",
        "whitening(dims=0)",
        "spectral_tempering(dims=0)",
    ]) {
        let default = family.expand(&ParamGrid::new()).expect("defaults");
        assert_eq!(default[0].signature(), signature);
        assert_eq!(by_signature(signature).signature(), signature);
        assert_eq!(Data::random(7, 60).fit(&*default[0]).kind(), family.kind());
        assert!(!family.transductive());
    }
}

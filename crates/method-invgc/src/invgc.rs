//! Steps away from all reference vectors.

use crate::step::{Push, moved};
use crate::{GALLERY_RATE, QUERY_RATE};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    Rows, Stat, StatPlan, VectorMap, Vectors, signature,
};

const PARAMS: &[ParamInfo] = &[GALLERY_RATE, QUERY_RATE];

/// The family `invgc`.
#[derive(Debug, Clone, Copy)]
pub struct InvGcFamily;

impl MethodFamily for InvGcFamily {
    fn name(&self) -> &'static str {
        "invgc"
    }

    fn doc(&self) -> &'static str {
        "q . unit(mean over both banks of unit(g - r mean_i (s_i - m) d_i)), m the mean of all s: InvGC (arXiv 2310.13276)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::VectorMoving
    }

    fn whole_gallery(&self) -> bool {
        true
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(InvGc {
            r_g: point[0],
            r_q: point[1],
        })
    }
}

/// InvGC at one pair of rates.
///
/// The similarities of an item to the bank are linear in the item, so that with `mu` the mean and `C` the second moments
/// of the bank `(1/M) sum_i (s_i - m) d_i = C g - m mu`, where `m = mean(g) . mu` over the gallery: nothing needs the
/// `(gallery, bank)` similarities. Through `m` an item's vector depends on the whole gallery.
#[derive(Debug, Clone, Copy)]
pub struct InvGc {
    /// Rate of the gallery bank, at least 0.
    pub r_g: Param,
    /// Rate of the query bank, at least 0.
    pub r_q: Param,
}

impl Normalizer for InvGc {
    fn signature(&self) -> String {
        signature("invgc", PARAMS, &[self.r_g, self.r_q])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Gallery, Stat::Moments);
        plan.need(Bank::Query, Stat::Moments);
    }

    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let centred = |bank| -> Result<Vec<f64>, FitError> {
            Ok(centred(gallery, stats.get(bank, Stat::Moments)?))
        };
        let vectors = [centred(Bank::Gallery)?, centred(Bank::Query)?];
        let push = |side: usize, rate: Param| Push {
            rate: rate.get(),
            vectors: &vectors[side],
        };
        Ok(moved(gallery, [push(0, self.r_g), push(1, self.r_q)]))
    }
}

/// `C g - m mu` of every gallery item, from the bank's mean and second moments.
fn centred(gallery: Rows<'_>, moments: &[f64]) -> Vec<f64> {
    let dim = gallery.dim();
    let (mean, second) = moments.split_at(dim);
    let map = VectorMap {
        matrix: Some(Vectors::new(
            second.iter().map(|&v| v as f32).collect(),
            dim,
        )),
        ..VectorMap::default()
    };
    let all = mean_similarity(gallery, mean);
    let mut vectors: Vec<f64> = map
        .apply(gallery)
        .data()
        .iter()
        .map(|&v| v.into())
        .collect();
    for vector in vectors.chunks_exact_mut(dim) {
        vector.iter_mut().zip(mean).for_each(|(v, m)| *v -= all * m);
    }
    vectors
}

/// `m`: the mean over the gallery of `mu . g`.
fn mean_similarity(gallery: Rows<'_>, mean: &[f64]) -> f64 {
    let rows = gallery.data().chunks_exact(gallery.dim());
    let similarity = |row: &[f32]| -> f64 {
        let products = row.iter().zip(mean).map(|(&v, m)| f64::from(v) * m);
        products.sum()
    };
    rows.map(similarity).sum::<f64>() / gallery.len() as f64
}

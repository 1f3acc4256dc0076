//! One step away from both banks.

use nnn_core::{Fitted, MovedVectors, Rows, VectorMap, Vectors};

/// What a bank pushes an item by: a rate, and a vector for every gallery item.
pub(crate) struct Push<'a> {
    pub(crate) rate: f64,
    pub(crate) vectors: &'a [f64],
}

/// `unit(unit(g - rate_1 v_1) / 2 + unit(g - rate_2 v_2) / 2)` for every gallery item; queries stay.
pub(crate) fn moved(gallery: Rows<'_>, pushes: [Push<'_>; 2]) -> Fitted {
    let dim = gallery.dim();
    let row = |item: usize| {
        let moved = pushes.each_ref().map(|push| {
            let vector = &push.vectors[item * dim..][..dim];
            away(gallery.row(item), vector, push.rate)
        });
        let mean = moved[0].iter().zip(&moved[1]).map(|(a, b)| (a + b) / 2.0);
        unit(mean.collect())
    };
    let data = (0..gallery.len()).flat_map(row).map(|v| v as f32);
    Fitted::VectorMoving(MovedVectors {
        gallery: Vectors::new(data.collect(), dim),
        query: VectorMap::default(),
    })
}

/// `unit(item - rate vector)`. Both are scaled by `1 / (1 + rate)`, which leaves the direction and cannot overflow.
fn away(item: &[f32], vector: &[f64], rate: f64) -> Vec<f64> {
    let (stay, go) = (1.0 / (1.0 + rate), rate / (1.0 + rate));
    let pairs = item.iter().zip(vector);
    unit(pairs.map(|(&x, v)| stay * f64::from(x) - go * v).collect())
}

/// To unit length; zero stays.
fn unit(vector: Vec<f64>) -> Vec<f64> {
    let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 {
        return vector.iter().map(|v| v / length).collect();
    }
    vector
}

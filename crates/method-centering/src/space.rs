//! Both banks as one set of vectors.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, MatRef, Par};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MovedVectors, Rows, Stat, StatPlan, VectorMap, Vectors,
};

/// Of the largest variance: directions of less are lost in the rounding of f32 products, as their deviation is below a
/// ten-thousandth of the largest.
const RELATIVE_FLOOR: f64 = 1e-8;
/// Deviation of 3e-7: what rounding a unit vector to f32 leaves of a direction in which nothing varies.
const ABSOLUTE_FLOOR: f64 = 1e-13;

/// Declares the moments of both banks.
pub(crate) fn need_moments(plan: &mut StatPlan) {
    plan.need(Bank::Query, Stat::Moments);
    plan.need(Bank::Gallery, Stat::Moments);
}

/// To f32.
pub(crate) fn round(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

/// Centroid and principal axes of the union of both banks, either with half of the weight.
pub(crate) struct Space {
    centroid: Vec<f64>,
    /// Orthonormal, of descending variance.
    axes: Vec<Axis>,
}

/// A principal component.
pub(crate) struct Axis {
    pub(crate) variance: f64,
    /// Of length one.
    pub(crate) direction: Vec<f64>,
}

impl Space {
    /// The space of declared moments.
    pub(crate) fn new(stats: &BankStats, dim: usize) -> Result<Self, FitError> {
        let query = stats.get(Bank::Query, Stat::Moments)?;
        let gallery = stats.get(Bank::Gallery, Stat::Moments)?;
        let both: Vec<f64> = query
            .iter()
            .zip(gallery)
            .map(|(q, g)| (q + g) / 2.0)
            .collect();
        let (centroid, second) = both.split_at(dim);
        let covariance = Mat::from_fn(dim, dim, |i, j| {
            second[i * dim + j] - centroid[i] * centroid[j]
        });
        Ok(Self {
            axes: axes(covariance.as_ref()),
            centroid: centroid.to_vec(),
        })
    }

    /// The axes along which the banks vary by more than rounding; no more than `at_most`.
    ///
    /// # Errors
    /// `at_most` is more than there are dimensions.
    pub(crate) fn varying(&self, at_most: usize) -> Result<&[Axis], FitError> {
        let dim = self.axes.len();
        if at_most > dim {
            return Err(FitError::BeyondDimension {
                asked: at_most,
                dim,
            });
        }
        let floor = ABSOLUTE_FLOOR.max(RELATIVE_FLOOR * self.axes[0].variance);
        let varying = self.axes.iter().take_while(|axis| axis.variance > floor);
        Ok(&self.axes[..varying.count().min(at_most)])
    }

    /// The axes of largest variance along which the banks vary; 0 stands for all of them.
    ///
    /// # Errors
    /// `dims` is more than there are dimensions.
    pub(crate) fn kept(&self, dims: usize) -> Result<&[Axis], FitError> {
        match dims {
            0 => self.varying(self.axes.len()),
            dims => self.varying(dims),
        }
    }

    /// `x -> (x - centroid) matrix^T`, to unit length, for both sides; `rows` are those of the matrix.
    pub(crate) fn moved(&self, rows: &[f64], gallery: Rows<'_>) -> Fitted {
        let map = VectorMap {
            shift: round(&self.centroid),
            matrix: Some(Vectors::new(round(rows), self.centroid.len())),
            normalize: true,
        };
        Fitted::VectorMoving(MovedVectors {
            gallery: map.apply(gallery),
            query: map,
        })
    }
}

/// The axes' directions, each divided by what `divisor` says of its deviation, row by row; a row of zeros where nothing varies, so
/// that all scores are equal.
pub(crate) fn projector(axes: &[Axis], dim: usize, divisor: impl Fn(f64) -> f64) -> Vec<f64> {
    if axes.is_empty() {
        return vec![0.0; dim];
    }
    let row = |axis: &Axis| {
        let divisor = divisor(axis.variance.sqrt());
        let scaled = axis.direction.iter().map(|v| v / divisor);
        scaled.collect::<Vec<f64>>()
    };
    axes.iter().flat_map(row).collect()
}

/// Eigenvalues and eigenvectors, largest first; on one thread, so that the number of threads changes nothing.
fn axes(covariance: MatRef<'_, f64>) -> Vec<Axis> {
    let dim = covariance.nrows();
    let (mut variances, mut directions) = (Diag::zeros(dim), Mat::zeros(dim, dim));
    let (par, vectors) = (Par::Seq, ComputeEigenvectors::Yes);
    let scratch = self_adjoint_evd_scratch::<f64>(dim, vectors, par, Default::default());
    self_adjoint_evd(
        covariance,
        variances.as_mut(),
        Some(directions.as_mut()),
        par,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .expect("a finite symmetric matrix has eigenvectors");
    let axis = |i: usize| Axis {
        variance: variances[i],
        direction: directions.col(i).iter().copied().collect(),
    };
    (0..dim).rev().map(axis).collect()
}

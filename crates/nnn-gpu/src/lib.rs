//! Products of a graphics processor that tell which scores can matter: a [`Device`](nnn_core::Device) on candle's matrix product.
//!
//! Results have the bits of the passes on the CPU, since what can matter is computed there.

use candle_core::cuda::{gemm_reduced_precision_f32, set_gemm_reduced_precision_f32};
use candle_core::{DType, Device, Tensor};
use nnn_core::{Embeddings, Rows};
use std::sync::{Mutex, OnceLock};
use thiserror::Error;

/// What factors are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// 24 bits.
    Single,
    /// 11 bits, in results of 24: what tensor cores make of single precision. On the CPU as [`Numbers::Single`].
    Tf32,
    /// 8 bits, results too.
    Bf16,
}

impl Numbers {
    /// What rounding leaves of a product of two vectors of length one at most; the README says why.
    fn rounding(self) -> f64 {
        match self {
            Self::Single => 0.0,
            Self::Tf32 => 2.01 / 1024.0,
            Self::Bf16 => 4.05 / 512.0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Single => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

/// Why a device is not used.
#[derive(Debug, Error)]
pub enum ProductError {
    /// It reports an error.
    #[error("{name}: {reason}")]
    Device {
        /// Name of the device.
        name: String,
        /// What it reported.
        reason: String,
    },
    /// A product is further from its score than it may be.
    #[error(
        "{name}: a product is {found:e} from its score, and {expected:e} is the most that it may be"
    )]
    Outside {
        /// Name of the device.
        name: String,
        /// How far it is.
        found: f64,
        /// How far it may be.
        expected: f64,
    },
}

/// Products on one of candle's devices.
pub struct Products {
    device: Device,
    numbers: Numbers,
    name: String,
    failure: OnceLock<String>,
}

/// The number type of products in single precision is one switch for the whole process.
static SWITCH: Mutex<()> = Mutex::new(());

impl Products {
    /// On a device, after some products have been compared with their scores.
    ///
    /// # Errors
    /// The device does not multiply, or outside its bound.
    pub fn new(device: Device, numbers: Numbers) -> Result<Self, ProductError> {
        let place = if device.is_cpu() { "cpu" } else { "cuda" };
        let products = Self {
            device,
            numbers,
            name: format!("{place}+{}", numbers.name()),
            failure: OnceLock::new(),
        };
        for dim in [1, 31, 512, 4096] {
            products.check(dim)?;
        }
        Ok(products)
    }

    /// Why the device has been left out since, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    fn check(&self, dim: usize) -> Result<(), ProductError> {
        let (rows, columns) = (seeded(67, dim, 1), seeded(130, dim, 2));
        let products = self.multiply(rows.rows(), columns.rows());
        let products = products.map_err(|error| ProductError::Device {
            name: self.name.clone(),
            reason: error.to_string(),
        })?;
        let pairs = (0..rows.len()).flat_map(|r| (0..columns.len()).map(move |c| (r, c)));
        let distances = pairs.zip(products).map(|((r, c), product)| {
            let pairs = rows.rows().row(r).iter().zip(columns.rows().row(c));
            let score = pairs.fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
            (f64::from(product) - f64::from(score)).abs()
        });
        let expected = nnn_core::Device::error(self, dim);
        // What is no number is the largest.
        match distances.max_by(f64::total_cmp) {
            Some(found) if found.is_nan() || found > expected => Err(ProductError::Outside {
                name: self.name.clone(),
                found,
                expected,
            }),
            _ => Ok(()),
        }
    }

    fn multiply(&self, rows: Rows<'_>, columns: Rows<'_>) -> candle_core::Result<Vec<f32>> {
        let dtype = match self.numbers {
            Numbers::Bf16 => DType::BF16,
            _ => DType::F32,
        };
        let load = |rows: Rows<'_>| {
            let shape = (rows.len(), rows.dim());
            Tensor::from_slice(rows.data(), shape, &self.device)?.to_dtype(dtype)
        };
        let (rows, columns) = (load(rows)?, load(columns)?);
        let products = {
            let _alone = SWITCH.lock();
            let before = gemm_reduced_precision_f32();
            set_gemm_reduced_precision_f32(self.numbers == Numbers::Tf32);
            let products = rows.matmul(&columns.t()?);
            set_gemm_reduced_precision_f32(before);
            products?
        };
        products.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }
}

impl nnn_core::Device for Products {
    fn name(&self) -> &str {
        &self.name
    }

    fn error(&self, dim: usize) -> f64 {
        self.numbers.rounding() + dim as f64 / f64::from(1 << 22)
    }

    fn products(&self, rows: Rows<'_>, columns: Rows<'_>) -> Option<Vec<f32>> {
        if self.failure.get().is_some() {
            return None;
        }
        let found = self.multiply(rows, columns);
        found
            .map_err(|error| self.failure.set(error.to_string()))
            .ok()
    }
}

/// Vectors without pattern, some with one large coordinate.
fn seeded(rows: usize, dim: usize, seed: u64) -> Embeddings {
    let mut state = seed;
    let mut next = |large: bool| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let value = (state >> 40) as f32 / 8_388_608.0 - 1.0;
        if large { 50.0 * value } else { value }
    };
    let data = (0..rows * dim)
        .map(|at| next(at % (3 * dim) == 0))
        .collect();
    Embeddings::normalize(data, dim).expect("no row of zeros")
}

//! Where a forward pass runs and in which number type.

use candle_core::utils::{barrier_pool, get_num_threads};
use candle_core::{DType, Device};
use nnn_files::contained;
use std::sync::{Mutex, OnceLock};
use std::thread::Builder;
use std::{env, io, thread};
use thiserror::Error;

/// Where a forward pass runs and in which number type.
#[derive(Clone, Debug)]
pub struct Compute {
    /// The processor.
    pub device: Device,
    /// The number type of weights and activations; on the processor `bf16` is that of the factors of linear layers alone, see
    /// [`rounds_products`](Self::rounds_products).
    pub dtype: DType,
}

/// Why a forward pass cannot run as asked.
#[derive(Debug, Error)]
pub enum ComputeError {
    /// The device's name is unknown.
    #[error("unknown device `{received}`, expected `cpu` or `cuda`")]
    Device {
        /// What was given.
        received: String,
    },
    /// The number type's name is unknown.
    #[error("unknown number type `{received}`, expected `f32`, `f16` or `bf16`")]
    NumberType {
        /// What was given.
        received: String,
    },
    /// The system gives fewer threads than a forward pass takes.
    #[error("{wanted} threads for the forward pass cannot be started: {reason}")]
    Threads {
        /// How many it takes.
        wanted: usize,
        /// What the system, or the library, reported.
        reason: String,
    },
    /// The program cannot use GPUs.
    #[error("device `cuda`: this program was built without the feature `cuda`")]
    NotBuilt,
    /// The GPU or its driver does not answer.
    #[error("device `cuda`: {reason}")]
    Cuda {
        /// What candle reported.
        reason: String,
    },
}

impl Compute {
    /// Opens a device by name, `cpu` or `cuda` (the first GPU), for the number type `f32`, `f16` or `bf16`.
    ///
    /// # Errors
    /// Another name, a program built without the feature `cuda`, or no GPU that answers.
    pub fn new(device: &str, dtype: &str) -> Result<Self, ComputeError> {
        let dtype = match dtype {
            "f32" => DType::F32,
            "f16" => DType::F16,
            "bf16" => DType::BF16,
            other => {
                return Err(ComputeError::NumberType {
                    received: other.into(),
                });
            }
        };
        let device = match device {
            "cpu" => Device::Cpu,
            "cuda" if !cfg!(feature = "cuda") => return Err(ComputeError::NotBuilt),
            "cuda" => Device::new_cuda(0).map_err(|error| ComputeError::Cuda {
                reason: error.to_string(),
            })?,
            other => {
                return Err(ComputeError::Device {
                    received: other.into(),
                });
            }
        };
        Ok(Self { device, dtype })
    }

    /// Whether linear layers round their inputs and weights to bf16 and everything else is in single precision, sums,
    /// norms, attention and residuals: what `bf16` means on the processor.
    #[must_use]
    pub fn rounds_products(&self) -> bool {
        self.device.is_cpu() && self.dtype == DType::BF16
    }

    /// The number type of activations, and of weights before they are rounded.
    #[must_use]
    pub fn activations(&self) -> DType {
        match self.rounds_products() {
            true => DType::F32,
            false => self.dtype,
        }
    }

    /// The same device in single precision; none if that is what this is.
    #[must_use]
    pub fn in_single(&self) -> Option<Self> {
        (self.dtype != DType::F32).then(|| Self {
            device: self.device.clone(),
            dtype: DType::F32,
        })
    }

    /// What embeddings are told apart by: the number type, and how it is used where that is not everywhere.
    pub(crate) fn arithmetic(&self) -> &'static str {
        match self.rounds_products() {
            true => "bf16 products",
            false => self.dtype.as_str(),
        }
    }
}

/// Starts the threads of candle's kernels, once. It would start them by itself in the first forward pass, and panic where the system gives
/// none; those that had started would then look at memory that is gone. So as many are tried before.
///
/// # Errors
/// The system gives fewer.
pub(crate) fn start_threads() -> Result<(), ComputeError> {
    static STARTED: OnceLock<()> = OnceLock::new();
    if STARTED.get().is_some() {
        return Ok(());
    }
    let asked = env::var("CANDLE_NUM_THREADS").ok();
    let asked = asked.and_then(|it| it.parse().ok()).filter(|&it| it > 0);
    let wanted = asked.unwrap_or_else(get_num_threads);
    let refused = |reason: &str| ComputeError::Threads {
        wanted,
        reason: reason.into(),
    };
    try_threads(wanted - 1).map_err(|error| refused(&error.to_string()))?;
    let start = || {
        barrier_pool();
        Ok(())
    };
    contained(start, refused)?;
    let _ = STARTED.set(());
    Ok(())
}

/// Whether the system gives so many threads at once.
fn try_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let _closed = gate.lock();
        (0..count).try_for_each(|_| {
            let waits = || drop(gate.lock());
            Builder::new().spawn_scoped(scope, waits).map(drop)
        })
    })
}

impl Default for Compute {
    /// Single precision on the CPU.
    fn default() -> Self {
        Self {
            device: Device::Cpu,
            dtype: DType::F32,
        }
    }
}

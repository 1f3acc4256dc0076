//! Where a forward pass runs and in which number type.

use candle_core::{DType, Device};
use thiserror::Error;

/// Where a forward pass runs and in which number type.
#[derive(Clone, Debug)]
pub struct Compute {
    /// The processor.
    pub device: Device,
    /// The number type of weights and activations.
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

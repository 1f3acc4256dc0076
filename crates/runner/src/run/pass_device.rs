//! Passes whose products are computed on the encoders' device, where that is no processor.

use crate::warning::Warning;
use nnn_core::Device;
use nnn_encode::Compute;
use nnn_gpu::{Numbers, ProductError, Products};

/// The device of the passes, if there is one.
pub(super) struct PassDevice {
    products: Option<Result<Products, ProductError>>,
    told: bool,
}

impl PassDevice {
    /// What encoders run on, unless that is the processor.
    pub(super) fn new(encoders: &Compute) -> Self {
        let device = Some(&encoders.device).filter(|device| !device.is_cpu());
        Self {
            products: device.map(|device| Products::new(device.clone(), Numbers::Tf32)),
            told: false,
        }
    }

    pub(super) fn device(&self) -> Option<&dyn Device> {
        let products = self.products.as_ref()?.as_ref().ok()?;
        Some(products)
    }

    /// Why passes ran on the processor, told once.
    pub(super) fn left_out(&mut self) -> Option<Warning> {
        let reason = match self.products.as_ref()? {
            Ok(products) => products.failure()?.to_owned(),
            Err(error) => error.to_string(),
        };
        let first = !std::mem::replace(&mut self.told, true);
        first.then_some(Warning::DeviceLeftOut { reason })
    }
}

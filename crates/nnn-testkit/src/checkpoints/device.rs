//! Where tests compute.

use nnn_encode::Compute;

/// The device that `NNN_TEST_DEVICE` names, `cpu` where it does not: parity of a GPU is that of the same tests.
pub fn test_device() -> String {
    std::env::var("NNN_TEST_DEVICE").unwrap_or_else(|_| "cpu".into())
}

/// Single precision there.
///
/// # Panics
/// There is no such device.
pub fn test_compute() -> Compute {
    Compute::new(&test_device(), "f32").expect("the device of NNN_TEST_DEVICE")
}

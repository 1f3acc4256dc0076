//! Interpolated positions against PyTorch's.

mod common;

use candle_core::{Device, Tensor};
use common::json;
use nnn_encode::resized_positions;

#[test]
fn positions_are_those_of_pytorch() {
    let values = |value: &serde_json::Value| -> Vec<f32> {
        serde_json::from_value(value.clone()).expect("numbers")
    };
    let golden = json("positions.json");
    let (old, width) = (4, 3);
    let shape = (1, 1 + old * old, width);
    let positions = Tensor::from_vec(values(&golden["positions"]), shape, &Device::Cpu);
    let positions = positions.expect("positions");
    for (grid, expected) in golden["grids"].as_object().expect("grids") {
        let grid: usize = grid.parse().expect("a number");
        let ours = resized_positions(&positions, grid).expect("positions");
        assert_eq!(ours.dims(), [1, 1 + grid * grid, width]);
        let ours: Vec<f32> = ours
            .flatten_all()
            .and_then(|it| it.to_vec1())
            .expect("values");
        // PyTorch computes weights in single precision, through terms of up to 6: each is off by up to 6 x 2^-24. Four of
        // them, by values of up to 3, along either side, the other side's weights adding up to less than 1.4 in size.
        let bound = 2.0 * 1.4 * 4.0 * 3.0 * 6.0 / (1 << 24) as f32;
        for (ours, theirs) in ours.iter().zip(values(expected)) {
            assert!((ours - theirs).abs() <= bound, "{grid}: {ours} {theirs}");
        }
    }
}

#[test]
fn positions_of_no_square_grid_are_refused() {
    let positions = Tensor::zeros((1, 7, 2), candle_core::DType::F32, &Device::Cpu);
    let error = resized_positions(&positions.expect("zeros"), 2).expect_err("six patches");
    assert!(error.to_string().contains("7 positions"), "{error}");
}

//! `passes GALLERY BANK DIM K`: seconds of NNN's bias pass on the GPU and on the processor, in turns, as JSON; the bits have to be equal.
// What was measured is what it prints.
#![allow(clippy::print_stdout)]

use candle_core::Device;
use nnn_core::{Bank, BankStats, Banks, Embeddings, PassOptions, Stat, StatPlan};
use nnn_gpu::{Numbers, Products};
use std::error::Error;
use std::time::Instant;

const TURNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Result<Vec<usize>, _> = std::env::args().skip(1).map(|it| it.parse()).collect();
    let [gallery, bank, dim, k] = words?[..] else {
        return Err("expected `passes GALLERY BANK DIM K`".into());
    };
    let (gallery, bank) = (rows(gallery, dim, 1)?, rows(bank, dim, 2)?);
    let plan: StatPlan = [(Bank::Query, Stat::TopMean { k })].into_iter().collect();
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    let numbers = [Numbers::Single, Numbers::Tf32, Numbers::Bf16];
    let devices = numbers.map(|numbers| {
        Products::new(Device::new_cuda(0)?, numbers).map_err(Box::<dyn Error>::from)
    });
    let devices: Result<Vec<Products>, _> = devices.into_iter().collect();
    let devices = devices?;
    let mut contenders: Vec<(&str, Option<&dyn nnn_core::Device>)> = vec![("processor", None)];
    contenders.extend(devices.iter().map(|it| {
        (
            nnn_core::Device::name(it),
            Some(it as &dyn nnn_core::Device),
        )
    }));
    let mut seconds = vec![Vec::new(); contenders.len()];
    let mut expected = None;
    for _ in 0..TURNS {
        for ((name, device), seconds) in contenders.iter().zip(&mut seconds) {
            let options = PassOptions {
                device: *device,
                ..PassOptions::default()
            };
            let start = Instant::now();
            let stats = BankStats::collect(&plan, gallery.rows(), banks, options)?;
            seconds.push(start.elapsed().as_secs_f64());
            let expected = expected.get_or_insert_with(|| stats.clone());
            if *expected != stats {
                return Err(format!("{name}: other bits than the processor's").into());
            }
        }
    }
    for ((name, _), mut seconds) in contenders.iter().zip(seconds) {
        seconds.sort_by(f64::total_cmp);
        println!("{{\"on\": \"{name}\", \"seconds\": {seconds:?}}}");
    }
    Ok(())
}

/// Vectors without pattern.
fn rows(count: usize, dim: usize, seed: u64) -> Result<Embeddings, Box<dyn Error>> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let data = (0..count * dim).map(|_| next()).collect();
    Ok(Embeddings::normalize(data, dim)?)
}

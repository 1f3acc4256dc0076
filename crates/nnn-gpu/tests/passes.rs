//! Passes with products of a device have the bits of passes without. The device is candle's CPU backend, or the GPU where
//! `NNN_TEST_DEVICE=cuda` asks for it.

use candle_core::Device;
use nnn_core::{
    Bank, BankStats, Banks, DotScorer, Fitted, GalleryBias, PassOptions, RankOptions, Relevance,
    Stat, StatPlan, TieRule, best, rank,
};
use nnn_gpu::{Numbers, Products};
use nnn_testkit::methods::random_rows;

const ALL: [Numbers; 3] = [Numbers::Single, Numbers::Tf32, Numbers::Bf16];

fn products(numbers: Numbers) -> Products {
    let device = match std::env::var("NNN_TEST_DEVICE").as_deref() {
        Ok("cuda") => Device::new_cuda(0).expect("a GPU"),
        _ => Device::Cpu,
    };
    Products::new(device, numbers).expect("within its bound")
}

#[test]
fn statistics_have_the_bits_of_the_processor() {
    let (gallery, bank) = (random_rows(300, 64, 1), random_rows(20_000, 64, 2));
    let stats = [1, 20, 500].map(|k| (Bank::Query, Stat::TopMean { k }));
    let plan: StatPlan = stats.into_iter().collect();
    let banks = Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    };
    let collect = |options: PassOptions<'_>| {
        BankStats::collect(&plan, gallery.rows(), banks, options).expect("a valid plan")
    };
    let expected = collect(PassOptions::default());
    for numbers in ALL {
        let products = products(numbers);
        let options = PassOptions {
            device: Some(&products),
            ..PassOptions::default()
        };
        assert_eq!(collect(options), expected, "{numbers:?}");
        assert_eq!(products.failure(), None);
    }
}

#[test]
fn rankings_have_the_bits_of_the_processor() {
    let (gallery, queries) = (random_rows(3_000, 64, 3), random_rows(200, 64, 4));
    let biases = (0..7).map(|seed| {
        let value = move |item: usize| ((item * 7 + seed * 13) % 11) as f64 / 160.0;
        Fitted::Additive(GalleryBias::from_f64((0..3_000).map(value)))
    });
    let biases: Vec<Fitted> = biases.collect();
    let relevant: Vec<u32> = (0..200).map(|query| query * 13 % 3_000).collect();
    let relevance = Relevance::one_each(&relevant, 3_000).expect("in range");
    let options = RankOptions {
        ties: TieRule::Index,
        top: 10,
        all_relevant: false,
        depth: None,
    };
    let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
    let methods: Vec<&Fitted> = biases.iter().collect();
    let expected = rank(&scorer, &relevance, &methods, options);
    for numbers in ALL {
        let products = products(numbers);
        let on_device = scorer.with_device(&products);
        assert_eq!(
            rank(&on_device, &relevance, &methods, options),
            expected,
            "{numbers:?}"
        );
        for method in &methods[..2] {
            assert_eq!(
                best(&on_device, method, 5),
                best(&scorer, method, 5),
                "{numbers:?}"
            );
        }
    }
}

//! Bad input is an error that carries what was expected and what arrived.

mod own;

use nnn_core::{
    Bank, BankStats, Banks, Embeddings, FitError, Nnn, Normalizer, PassOptions, Stat, StatPlan,
};
use nnn_testkit::methods::*;
use own::{Centroid, Pool};

fn collect_error(stat: impl Into<Stat>, bank: Option<&Embeddings>) -> FitError {
    let gallery = random_rows(4, 8, 1);
    let banks = Banks {
        query: bank.map(Embeddings::rows),
        ..Banks::default()
    };
    BankStats::collect(
        &plan(&[stat.into()]),
        gallery.rows(),
        banks,
        PassOptions::default(),
    )
    .expect_err("refused")
}

#[test]
fn a_k_above_the_bank_is_refused_with_both_numbers() {
    let error = collect_error(Stat::TopMean { k: 11 }, Some(&random_rows(10, 8, 2)));
    assert_eq!(
        error,
        FitError::KExceedsBank {
            parameter: "k",
            k: 11,
            bank: Bank::Query,
            size: 10
        }
    );
    assert_eq!(
        error.to_string(),
        "k = 11 is larger than the query bank, which has 10 items"
    );
}

#[test]
fn missing_and_empty_banks_are_refused() {
    let stat = Stat::TopMean { k: 1 };
    let missing = collect_error(&stat, None);
    assert_eq!(
        missing,
        FitError::MissingBank {
            stat,
            bank: Bank::Query
        }
    );
    assert_eq!(
        missing.to_string(),
        "top_mean(k=1) needs a query bank, but this reference set has none"
    );
    let empty = Embeddings::normalize(Vec::new(), 8).expect("no rows");
    assert_eq!(
        collect_error(Stat::Mean, Some(&empty)),
        FitError::EmptyBank { bank: Bank::Query }
    );
}

#[test]
fn dimensions_are_refused_with_both_numbers() {
    let error = collect_error(Stat::Mean, Some(&random_rows(10, 9, 3)));
    assert_eq!(
        error,
        FitError::Dimension {
            gallery: 8,
            bank: Bank::Query,
            other: 9
        }
    );
}

#[test]
fn an_undeclared_statistic_is_refused_by_fit() {
    let gallery = random_rows(4, 8, 1);
    let stats = BankStats::collect(
        &StatPlan::default(),
        gallery.rows(),
        Banks::default(),
        PassOptions::default(),
    );
    let fitted = Nnn {
        k: 2,
        alpha: param(0.5),
    }
    .fit(&stats.expect("nothing to compute"), gallery.rows());
    let expected = FitError::NotDeclared {
        stat: Stat::TopMean { k: 2 },
        bank: Bank::Query,
    };
    assert_eq!(fitted.err(), Some(expected));
}

#[test]
fn an_unused_bank_is_not_looked_at() {
    let (gallery, other) = (random_rows(4, 8, 1), random_rows(4, 5, 2));
    let banks = Banks {
        query: Some(gallery.rows()),
        gallery: Some(other.rows()),
        ..Banks::default()
    };
    assert!(
        BankStats::collect(
            &plan(&[Stat::Mean]),
            gallery.rows(),
            banks,
            PassOptions::default()
        )
        .is_ok()
    );
}

#[test]
fn a_statistic_from_outside_is_checked_as_the_own_ones_are() {
    let bank = random_rows(10, 8, 2);
    let beyond = FitError::KExceedsBank {
        parameter: "k",
        k: 11,
        bank: Bank::Query,
        size: 10,
    };
    assert_eq!(collect_error(Centroid { k: 11 }, Some(&bank)), beyond);
    for (stat, name) in [
        (Stat::from(Centroid { k: 0 }), "centroid(k=0)"),
        (Pool { share: 1.5 }.into(), "pool(share=1.5)"),
    ] {
        let error = collect_error(&stat, Some(&bank));
        assert_eq!(error, FitError::OutOfRange { stat });
        let message =
            format!("{name} is out of range: counts start at 1, temperatures and shares above 0");
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(
        collect_error(Pool { share: 0.5 }, None).to_string(),
        "pool(share=0.5) needs a query bank, but this reference set has none"
    );
}

/// Two crates may name their statistics alike: what one computes is not the other's.
#[test]
fn statistics_of_one_name_and_two_types_are_two() {
    struct Namesake;
    impl std::fmt::Display for Namesake {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Centroid { k: 3 }.fmt(f)
        }
    }
    impl nnn_core::NeighborStat for Namesake {
        fn neighbors(&self, _bank: usize) -> usize {
            1
        }
        fn of_item(&self, _nearest: nnn_core::Neighbors<'_>) -> Vec<f64> {
            vec![7.0]
        }
    }
    let (gallery, bank) = (random_rows(4, 8, 1), random_rows(10, 8, 2));
    let stats = collect(
        &[Namesake.into(), Centroid { k: 3 }.into()],
        &gallery,
        &bank,
    );
    let get = |stat: Stat| stats.get(Bank::Query, stat).expect("declared");
    assert_eq!(get(Namesake.into()), [7.0; 4]);
    assert!(
        get(Centroid { k: 3 }.into())
            .iter()
            .all(|&norm| norm <= 1.0 + 1e-6)
    );
}

#[test]
fn plans_of_several_methods_are_one_union() {
    let [first, second] = [1, 2].map(|k| Nnn {
        k,
        alpha: param(0.5),
    });
    let both = StatPlan::of([&first as &dyn Normalizer, &second, &first]);
    let stats = [1, 2].map(|k| Stat::TopMean { k });
    assert_eq!(both, plan(&stats));
    assert!(StatPlan::of([]).is_empty());
    let kept: StatPlan = both.iter().filter(|need| *need.1 == stats[1]).collect();
    assert_eq!(kept, plan(&stats[1..]));
}

//! Bad input is an error that carries what was expected and what arrived.

mod common;

use common::*;
use nnn_core::{
    Bank, BankStats, Banks, Embeddings, FitError, Nnn, Normalizer, PassOptions, Stat, StatPlan,
};

fn collect_error(stat: Stat, bank: Option<&Embeddings>) -> FitError {
    let gallery = random_rows(4, 8, 1);
    let banks = Banks {
        query: bank.map(Embeddings::rows),
        ..Banks::default()
    };
    BankStats::collect(
        &plan(&[stat]),
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
    let missing = collect_error(stat, None);
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

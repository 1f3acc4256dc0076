//! The page: what every part of it says, and that nothing in a data set's names becomes markup.

use nnn_report::{Experiment, Provenance, Records, answer, page};

use crate::fixture::{Cell, NNN, RAW, sweep};
use crate::whole::Whole;

/// A part of the page by the start of its first tag, to its end.
fn part<'a>(page: &'a str, start: &str, tag: &str) -> &'a str {
    let from = page
        .find(start)
        .unwrap_or_else(|| panic!("no {start} in the page"));
    let end = format!("</{tag}>");
    let to = page[from..].find(&end).expect("an end");
    &page[from..from + to + end.len()]
}

fn plain() -> Whole {
    Whole::new(&str::to_owned)
}

/// The parts in lines, a tag in each, so that a difference is seen.
fn lines(markup: &str) -> String {
    markup.replace("><", ">\n<")
}

#[test]
fn the_answer_is_one_sentence_with_counts_tests_and_the_largest_gain() {
    let whole = plain();
    insta::assert_snapshot!(answer(&whole.experiment().records), @"");
    let nothing = Records::default();
    assert_eq!(answer(&nothing), "No correction was measured.");
}

/// Without a significant gain none is praised; a metric without a test is told without one.
#[test]
fn the_answer_praises_nothing_that_is_not_significant() {
    let scores = [RAW.share("R@1", 0.5, 0.5), NNN.share("R@1", 0.51, 0.5)];
    let mut comparisons = crate::fixture::comparisons();
    comparisons.truncate(1);
    comparisons[0].p_holm = 0.2;
    let records = Records {
        scores: &scores,
        comparisons: &comparisons,
        ..Records::default()
    };
    insta::assert_snapshot!(answer(&records), @"");
    let untested = Records {
        comparisons: &[],
        ..records
    };
    insta::assert_snapshot!(answer(&untested), @"");
    let worse = [RAW.share("R@1", 0.5, 0.5), NNN.share("R@1", 0.49, 0.5)];
    let records = Records {
        scores: &worse,
        ..records
    };
    insta::assert_snapshot!(answer(&records), @"");
}

#[test]
fn the_forest_shows_every_gain_with_its_interval() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<div class=\"setup\"", "div")), @"");
}

#[test]
fn the_table_has_every_number_and_its_signature() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<p class=\"files\">", "p")), @"");
    let table = part(&page, "<table class=\"numbers\">", "table");
    insta::assert_snapshot!(lines(part(table, "<thead>", "thead")), @"");
    let body = part(table, "<tbody>", "tbody");
    assert_eq!(body.matches("<tr ").count(), 8, "a line for each cell");
    let second = body.split("<tr ").nth(2).expect("a second line");
    insta::assert_snapshot!(lines(second), @"");
}

#[test]
fn hubs_are_shown_before_and_after() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"hubs\">", "section")), @"");
}

#[test]
fn queries_have_both_lists_with_the_answer_marked() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"queries\">", "section")), @"");
}

#[test]
fn grids_are_maps_on_both_sides_with_the_chosen_point() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"grids\">", "section")), @"");
}

#[test]
fn classes_are_shown_before_and_after() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"groups\">", "section")), @"");
}

#[test]
fn expected_numbers_are_dots_in_tolerances() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"published\"", "section")), @"");
}

#[test]
fn provenance_says_what_ran_on_what() {
    let whole = plain();
    let page = page(&[whole.experiment()]);
    insta::assert_snapshot!(lines(part(&page, "<section class=\"provenance\"", "section")), @"");
}

/// Names come from data sets, and the page is opened by people who did not write them.
#[test]
fn no_name_becomes_markup() {
    let hostile =
        "\"><script>window.hacked=1</script><img src=x onerror='window.hacked=2'></title>&lt;";
    let whole = Whole::new(&|name| format!("{name}{hostile}"));
    let page = page(&[whole.experiment()]);
    assert!(
        page.contains("&lt;script&gt;window.hacked=1"),
        "the names are there"
    );
    assert_eq!(page.matches("<script").count(), 1, "the page's own script");
    for forbidden in ["<img", "hacked=1</script", "\"><script"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The name of the experiment stands in the title, where only its end could be dangerous.
    assert_eq!(
        page.matches("</title></head>").count() + page.matches("</title><link").count(),
        1
    );
}

/// A folder's name is an address, in which a colon or a quote would mean something else.
#[test]
fn links_are_relative_whatever_a_folder_is_called() {
    let whole = plain();
    let experiment = Experiment {
        folder: "../a b:\"c",
        ..whole.experiment()
    };
    let page = page(&[experiment]);
    assert!(
        page.contains("href=\"../a%20b%3A%22c/scores.csv\""),
        "{}",
        part(&page, "<p class=\"files\">", "p")
    );
}

#[test]
fn several_experiments_are_one_page_with_ids_of_their_own() {
    let whole = plain();
    let page = page(&[whole.experiment(), whole.experiment()]);
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "every id once: {ids:?}");
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an end");
        assert!(ids.contains(&id), "nothing is called {id}");
    }
}

/// The same picture under several items is in the page once.
#[test]
fn pictures_are_there_once_and_no_more_than_fit() {
    let mut whole = plain();
    let page_of = |whole: &Whole| page(&[whole.experiment()]);
    assert_eq!(page_of(&whole).matches("data:image/jpeg").count(), 1);
    let large = "A".repeat(3 << 20);
    let picture = whole.shown[0].items[1].picture.as_mut().expect("a picture");
    picture.jpeg = large;
    let page = page_of(&whole);
    assert_eq!(page.matches("data:image/jpeg").count(), 0);
    assert!(page.contains("1 picture had no room"), "it says so");
}

/// Where only raw was measured there is no figure, and what is not there has no part.
#[test]
fn parts_without_content_are_left_out() {
    let scores = [RAW.share("R@1", 0.5, 0.5)];
    let provenance = Provenance::default();
    let experiment = Experiment {
        name: "bare",
        folder: ".",
        records: Records {
            scores: &scores,
            ..Records::default()
        },
        grid: &[],
        shown: &[],
        checks: &[],
        provenance: &provenance,
    };
    let page = page(&[experiment]);
    for absent in [
        "class=\"trials\"",
        "class=\"published\"",
        "class=\"forest\"",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("The run is not complete"));
}

#[test]
fn equal_records_give_equal_bytes() {
    let [first, second] = [plain(), plain()];
    assert_eq!(page(&[first.experiment()]), page(&[second.experiment()]));
}

/// Every setting of a sweep is judged by its own test, whatever its parameters.
#[test]
fn settings_that_differ_in_parameters_are_told_apart() {
    let other = Cell {
        params: "k=16,alpha=0.5",
        chosen: "fixed",
        ..NNN
    };
    let mut scores = sweep();
    scores.push(other.share("R@1", 0.6, 0.588_2));
    let records = Records {
        scores: &scores,
        ..Records::default()
    };
    let provenance = Provenance::default();
    let experiment = Experiment {
        name: "x",
        folder: ".",
        records,
        grid: &[],
        shown: &[],
        checks: &[],
        provenance: &provenance,
    };
    let page = page(&[experiment]);
    assert!(
        page.contains("nnn (k=16,alpha=0.5)") && page.contains(">nnn§<"),
        "fixed ones have their parameters"
    );
}

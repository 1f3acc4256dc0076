//! The page's text: names of models, data sets, classes and items. Whatever they are, the markup stays the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_report::page;
use std::sync::LazyLock;

#[allow(dead_code)]
#[path = "../../crates/nnn-report/tests/report/fixture.rs"]
mod fixture;
#[allow(dead_code)]
#[path = "../../crates/nnn-report/tests/report/whole.rs"]
mod whole;

/// Tags and their attributes' names, without text and values.
fn skeleton(page: &str) -> Vec<u8> {
    let mut skeleton = Vec::with_capacity(page.len());
    let (mut tag, mut value) = (false, false);
    for byte in page.bytes() {
        match byte {
            b'<' if !value => tag = true,
            b'>' if !value => tag = false,
            b'"' if tag => value = !value,
            _ => (),
        }
        if (tag || byte == b'>') && !value {
            skeleton.push(byte);
        }
    }
    skeleton
}

fn of(name: &str) -> Vec<u8> {
    let whole = whole::Whole::new(&|it| format!("{it}{name}"));
    skeleton(&page(&[whole.experiment()]))
}

static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| of("a"));

fuzz_target!(|name: &str| {
    assert!(of(name) == *PLAIN, "{name:?} becomes markup");
});

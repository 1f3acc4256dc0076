//! Configs: YAML, and after zero bytes up to three overrides of the command line.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.split(|it| *it == 0);
    let text = parts.next().unwrap_or(&[]);
    let overrides = parts
        .take(3)
        .map(|it| String::from_utf8_lossy(it).into_owned());
    let overrides: Vec<String> = overrides.collect();
    let file = nnn_fuzz::file("it.yaml", text);
    match runner::read_spec(&file, &overrides) {
        Ok(spec) => {
            // What is recorded with results reads back as the same.
            let text = serde_json::to_string(&spec).expect("written");
            let again = runner::parse_spec(&text).expect("read back");
            assert_eq!(again, spec);
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
});

//! Vectors in several files, and the record of all of them.

use crate::lab::lasting;
use crate::vectors::{GALLERY, Noise, by_role, npy, role_config};

/// Parts in a list, by a pattern and in a folder give the results of the whole; the record has every part.
#[test]
fn parts_give_the_results_of_the_whole() {
    let lab = by_role();
    let mut whole = Noise(2).rows(GALLERY);
    lab.run(&role_config("query_to_gallery"), &[]);
    let expected = lasting(&lab.files("results"));
    let last = whole.split_off(12);
    let second = whole.split_off(7);
    for (number, rows) in [(2, &whole), (9, &second), (10, &last)] {
        lab.write(&format!("img_emb/img_emb_{number}.npy"), npy(rows));
    }
    let each = [2, 9, 10].map(|it| format!("{{file: img_emb/img_emb_{it}.npy}}"));
    for gallery in [
        format!("[{}]", each.join(", ")),
        "{file: img_emb/*.npy}".to_owned(),
        "{file: img_emb}".to_owned(),
    ] {
        let config = role_config("query_to_gallery").replace("{file: gallery.npy}", &gallery);
        std::fs::remove_dir_all(lab.path("results")).expect("results");
        lab.run(&config, &[]);
        let found = lasting(&lab.files("results"));
        let scores = |files: &crate::lab::Files| files.get("lab/queries").cloned();
        assert_eq!(found.len(), expected.len());
        assert_eq!(scores(&found), scores(&expected));
        let record = lab.record("lab").to_string();
        for number in [2, 9, 10] {
            assert!(
                record.contains(&format!("img_emb_{number}.npy")),
                "{record}"
            );
        }
    }
}

/// Another order of the same parts is other data, and is run again.
#[test]
fn the_order_of_parts_is_part_of_their_checksum() {
    let lab = by_role();
    lab.write("one.npy", npy(&Noise(7).rows(GALLERY - 5)));
    lab.write("two.npy", npy(&Noise(8).rows(5)));
    let sum = |parts: &str| {
        let config = role_config("query_to_gallery").replace("{file: gallery.npy}", parts);
        lab.run(&config, &[]);
        let record = lab.record("lab");
        let data = record.to_string();
        let at = data.find("\"data\":\"made-up\"").expect("a source");
        data[at..].split("\"sha256\":\"").nth(1).expect("a sum")[..64].to_owned()
    };
    let first = sum("[{file: one.npy}, {file: two.npy}]");
    assert_ne!(first, sum("[{file: two.npy}, {file: one.npy}]"));
}

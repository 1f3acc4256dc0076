//! Roles: skewed in training, balanced in the gallery, and never said to be of a group by a query.

use std::collections::BTreeMap;

use dataset_blocks::{BlocksSpec, CAPTIONS_FILE, Colour, Role, Sample, content_checksum, generate};

fn samples(split: &str, images: u64) -> Vec<(Sample, Role)> {
    let spec = BlocksSpec::blocks_roles(0);
    let sample = |index| {
        let sample = spec.sample(split, index).unwrap();
        let role = sample.role.unwrap();
        (sample, role)
    };
    (0..images).map(sample).collect()
}

/// How many images of each role are red, and how many there are.
fn counts(samples: &[(Sample, Role)]) -> BTreeMap<String, (usize, usize)> {
    let mut counts = BTreeMap::new();
    for (_, role) in samples {
        let count: &mut (usize, usize) = counts.entry(role.name()).or_default();
        count.0 += usize::from(role.group == Colour::Red);
        count.1 += 1;
    }
    counts
}

#[test]
fn the_gallery_is_balanced() {
    let counts = counts(&samples("test", 400));
    assert_eq!(counts.len() as u64, Role::COUNT);
    assert!(counts.values().all(|&count| count == (5, 10)), "{counts:?}");
}

#[test]
fn training_is_skewed_role_by_role_and_even_over_all() {
    let counts = counts(&samples("train", 2000));
    assert_eq!(counts.len(), 40);
    // Of 50 images 42.5 are expected to be of the usual group; five standard deviations are 12.6.
    let skewed = |&(red, of): &(usize, usize)| of == 50 && red.max(of - red) >= 30;
    assert!(counts.values().all(skewed), "{counts:?}");
    assert_eq!(counts.values().filter(|count| count.0 > 25).count(), 20);
    let red: usize = counts.values().map(|count| count.0).sum();
    // Five standard deviations of 2,000 such draws are 80.
    assert!((920..=1080).contains(&red), "{red}");
}

#[test]
fn scenes_show_their_role_and_group_once() {
    for (sample, role) in samples("test", 400) {
        let of = |object: &&dataset_blocks::Object| object.shape == role.shape;
        assert_eq!(sample.scene.objects.iter().filter(of).count(), 1);
        let grouped =
            |object: &&dataset_blocks::Object| [Colour::Red, Colour::Blue].contains(&object.colour);
        let grouped: Vec<_> = sample.scene.objects.iter().filter(grouped).collect();
        assert_eq!(grouped.len(), 1);
        assert_eq!(
            (grouped[0].shape, grouped[0].colour),
            (role.shape, role.group)
        );
        assert_eq!(sample.scene.background, role.place);
    }
}

#[test]
fn queries_say_the_role_and_not_the_group() {
    let mut texts = BTreeMap::new();
    for (sample, role) in samples("test", 400) {
        assert!(sample.by_role);
        for caption in &sample.captions {
            assert!(
                !caption.contains("red") && !caption.contains("blue"),
                "{caption}"
            );
            assert_eq!(
                *texts.entry(caption.clone()).or_insert(role.name()),
                role.name()
            );
        }
    }
    assert_eq!(texts.len(), 200);
    let train = samples("train", 40);
    assert!(train.iter().all(|(sample, _)| !sample.by_role));
    let captions = train.iter().flat_map(|(sample, _)| &sample.captions);
    assert!(
        captions
            .filter(|caption| caption.contains("red") || caption.contains("blue"))
            .count()
            > 50
    );
}

#[test]
fn the_table_has_classes_and_groups() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = BlocksSpec::blocks_roles(3);
    spec.image_size = 16;
    spec.splits.iter_mut().for_each(|split| split.images = 12);
    let checksum = generate(&spec, folder.path(), &|_| {}).unwrap();
    assert_eq!(content_checksum(folder.path()).unwrap(), checksum);
    let table = folder.path().join(CAPTIONS_FILE);
    let mut reader = csv::Reader::from_path(&table).unwrap();
    assert_eq!(
        reader.headers().unwrap(),
        vec!["image", "split", "caption", "class", "group"]
    );
    let rows: Vec<[String; 5]> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5 * 24);
    let class = |split: &str| rows.iter().find(|row| row[1] == split).unwrap()[3].clone();
    assert_eq!(
        (class("train").as_str(), class("test").as_str()),
        ("", "circle on paper")
    );
    assert!(
        rows.iter()
            .all(|row| ["red", "blue"].contains(&row[4].as_str()))
    );
    // A changed group is another content.
    let text = std::fs::read_to_string(&table).unwrap();
    std::fs::write(&table, text.replacen(",red\n", ",blue\n", 1)).unwrap();
    assert_ne!(content_checksum(folder.path()).unwrap(), checksum);
}

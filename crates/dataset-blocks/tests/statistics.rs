//! What the scenes and captions are like, over the first thousand samples of a split.

use std::collections::{HashMap, HashSet};

use dataset_blocks::{Background, BlocksSpec, Colour, Pattern, Sample, Shape, Size};

fn samples(spec: &BlocksSpec, split: &str, count: u64) -> Vec<Sample> {
    (0..count)
        .map(|index| spec.sample(split, index).unwrap())
        .collect()
}

fn everyday(count: u64) -> Vec<Sample> {
    samples(&BlocksSpec::blocks(0), "train", count)
}

fn words(caption: &str) -> Vec<String> {
    let lower = caption.to_lowercase();
    lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The share of captions that hold none of the words of a list.
fn share_without(captions: &[&String], list: &[&str]) -> f64 {
    let without = captions
        .iter()
        .filter(|caption| !words(caption).iter().any(|w| list.contains(&w.as_str())));
    without.count() as f64 / captions.len() as f64
}

#[test]
fn every_kind_of_thing_is_drawn() {
    let samples = everyday(1000);
    let objects: Vec<_> = samples
        .iter()
        .flat_map(|sample| &sample.scene.objects)
        .collect();
    let distinct = |count: usize, all: usize| assert_eq!(count, all);
    distinct(
        objects
            .iter()
            .map(|o| o.shape)
            .collect::<HashSet<_>>()
            .len(),
        Shape::ALL.len(),
    );
    distinct(
        objects
            .iter()
            .map(|o| o.colour)
            .collect::<HashSet<_>>()
            .len(),
        Colour::ALL.len(),
    );
    distinct(
        objects
            .iter()
            .map(|o| o.pattern)
            .collect::<HashSet<_>>()
            .len(),
        Pattern::ALL.len(),
    );
    distinct(
        objects.iter().map(|o| o.size).collect::<HashSet<_>>().len(),
        Size::ALL.len(),
    );
    distinct(
        objects.iter().map(|o| o.cell).collect::<HashSet<_>>().len(),
        9,
    );
    let backgrounds: HashSet<_> = samples
        .iter()
        .map(|sample| sample.scene.background)
        .collect();
    distinct(backgrounds.len(), Background::ALL.len());
}

#[test]
fn one_to_four_objects_in_cells_of_their_own() {
    let mut seen = HashSet::new();
    for Sample { scene, .. } in everyday(1000) {
        let cells: HashSet<_> = scene.objects.iter().map(|object| object.cell).collect();
        assert_eq!(cells.len(), scene.objects.len());
        seen.insert(cells.len());
    }
    assert_eq!(seen, HashSet::from([1, 2, 3, 4]));
}

/// Colours, shapes and patterns that a caption names belong to some object of its scene.
#[test]
fn captions_are_true() {
    // Words of the settings that are also words for objects.
    let settings = [
        "green lawn",
        "blue waves",
        "white sheet",
        "plain background",
    ];
    for Sample {
        scene, captions, ..
    } in everyday(1000)
    {
        for caption in &captions {
            let text = settings
                .iter()
                .fold(caption.to_lowercase(), |text, setting| {
                    text.replace(setting, "")
                });
            for word in words(&text) {
                let named = |list: &[&str]| list.contains(&word.as_str());
                let objects = &scene.objects;
                let colour = Colour::ALL.iter().any(|c| named(c.words()));
                assert!(
                    !colour || objects.iter().any(|o| named(o.colour.words())),
                    "{caption}"
                );
                let shape = Shape::ALL.iter().any(|s| named(s.words()));
                assert!(
                    !shape || objects.iter().any(|o| named(o.shape.words())),
                    "{caption}"
                );
                let pattern = Pattern::ALL.iter().any(|p| named(p.words()));
                assert!(
                    !pattern || objects.iter().any(|o| named(o.pattern.words())),
                    "{caption}"
                );
            }
        }
    }
}

/// A relation holds between the two objects that it names, where each can be told by colour and shape.
#[test]
fn relations_are_true() {
    let mut checked = 0;
    for Sample {
        scene, captions, ..
    } in everyday(2000)
    {
        for caption in &captions {
            let lower = caption.to_lowercase();
            let Some((before, after)) = lower.split_once(" above ") else {
                continue;
            };
            let find = |text: &str| {
                let named = |list: &[&str]| words(text).iter().any(|w| list.contains(&w.as_str()));
                let matching = scene
                    .objects
                    .iter()
                    .filter(|o| named(o.colour.words()) && named(o.shape.words()));
                matching.collect::<Vec<_>>()
            };
            if let ([first], [second]) = (&find(before)[..], &find(after)[..]) {
                assert!(first.cell.row < second.cell.row, "{caption}");
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked} relations");
}

/// Most captions leave objects out, and the attributes of those they mention.
#[test]
fn captions_are_partial() {
    let samples: Vec<Sample> = everyday(1000)
        .into_iter()
        .filter(|s| s.scene.objects.len() >= 3)
        .collect();
    let captions: Vec<&String> = samples.iter().flat_map(|sample| &sample.captions).collect();
    let shapes: Vec<&str> = Shape::ALL
        .iter()
        .flat_map(|shape| shape.words())
        .copied()
        .collect();
    let mentions = captions.iter().map(|c| {
        words(c)
            .iter()
            .filter(|w| shapes.contains(&w.as_str()))
            .count()
    });
    let mean = mentions.sum::<usize>() as f64 / captions.len() as f64;
    // Every scene here has three or four objects.
    assert!((1.0..2.0).contains(&mean), "{mean} shapes a caption");
    let settings = [
        "paper",
        "sheet",
        "background",
        "grass",
        "lawn",
        "meadow",
        "sand",
        "beach",
        "water",
        "waves",
    ];
    let settings: Vec<&str> = settings
        .into_iter()
        .chain(["night", "dark", "wall", "bricks", "wood"])
        .collect();
    let settings: Vec<&str> = settings.into_iter().chain(["wooden", "grid"]).collect();
    assert!(share_without(&captions, &settings) > 0.4);
    assert!(share_without(&captions, &settings) < 0.8);
}

/// Different images share captions now and then, as in collections made by people; one image's captions differ.
#[test]
fn duplicate_captions() {
    let share = |samples: &[Sample]| {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for caption in samples.iter().flat_map(|sample| &sample.captions) {
            *counts.entry(caption).or_default() += 1;
        }
        let repeated: u32 = counts.values().filter(|&&count| count > 1).sum();
        f64::from(repeated) / (5 * samples.len()) as f64
    };
    let samples_everyday = everyday(1000);
    let everyday_share = share(&samples_everyday);
    assert!((0.005..0.05).contains(&everyday_share), "{everyday_share}");
    let styled_share = share(&samples(&BlocksSpec::blocks_styled(0), "train", 1000));
    assert!((0.3..0.7).contains(&styled_share), "{styled_share}");
    let repeats = samples_everyday
        .iter()
        .filter(|s| s.captions.iter().collect::<HashSet<_>>().len() < 5);
    assert!(repeats.count() <= 10);
}

#[test]
fn splits_share_no_picture() {
    let (blocks, styled) = (BlocksSpec::blocks(0), BlocksSpec::blocks_styled(0));
    let mut pictures = HashSet::new();
    for split in ["pretrain", "train", "validation", "test"] {
        pictures.extend(
            samples(&blocks, split, 500)
                .into_iter()
                .map(|sample| sample.image.into_raw()),
        );
    }
    pictures.extend(
        samples(&styled, "train", 500)
            .into_iter()
            .map(|sample| sample.image.into_raw()),
    );
    assert_eq!(pictures.len(), 2500);
}

#[test]
fn seeds_make_different_worlds() {
    let first = BlocksSpec::blocks(0).sample("train", 0).unwrap();
    let second = BlocksSpec::blocks(1).sample("train", 0).unwrap();
    assert_ne!(first.image, second.image);
    assert_ne!(first.captions, second.captions);
}

#[test]
fn image_size_changes_pixels_only() {
    let spec = BlocksSpec::blocks(0);
    let large = BlocksSpec {
        image_size: 96,
        ..spec.clone()
    };
    let (small, large) = (
        spec.sample("train", 5).unwrap(),
        large.sample("train", 5).unwrap(),
    );
    assert_eq!((large.image.width(), large.image.height()), (96, 96));
    assert_eq!(small.scene, large.scene);
    assert_eq!(small.captions, large.captions);
}

/// Every object shows: the cell that it lies in has its colour, or its pattern's, near its centre.
#[test]
fn objects_are_drawn_where_they_are() {
    for sample in everyday(200) {
        for object in sample
            .scene
            .objects
            .iter()
            .filter(|o| o.shape != Shape::Ring && o.pattern == Pattern::Solid)
        {
            let (column, row) = (u32::from(object.cell.column), u32::from(object.cell.row));
            let [r, g, b] = object.colour.rgb().map(i32::from);
            let near = |[x, y, z]: [u8; 3]| {
                (i32::from(x) - r)
                    .abs()
                    .max((i32::from(y) - g).abs())
                    .max((i32::from(z) - b).abs())
                    <= 45
            };
            let cell = (0..441).map(|n| (21 * column + n % 21, 21 * row + n / 21));
            let shown = cell
                .filter(|&(x, y)| near(sample.image.get_pixel(x, y).0))
                .count();
            assert!(shown >= 12, "{object:?}: {shown} pixels");
        }
    }
}

#[test]
fn catalogue_has_words_and_scenes_of_its_own() {
    let styled = samples(&BlocksSpec::blocks_styled(0), "train", 500);
    let captions: Vec<&String> = styled.iter().flat_map(|sample| &sample.captions).collect();
    let everyday_samples = everyday(500);
    let everyday_captions: Vec<&String> = everyday_samples
        .iter()
        .flat_map(|sample| &sample.captions)
        .collect();
    let articles = ["a", "an"];
    assert_eq!(share_without(&captions, &articles), 1.0);
    assert!(share_without(&everyday_captions, &articles) < 0.1);
    let single = |samples: &[Sample]| {
        samples
            .iter()
            .filter(|sample| sample.scene.objects.len() == 1)
            .count()
    };
    assert!(single(&styled) > single(&everyday_samples));
}

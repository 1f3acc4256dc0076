//! Numbers known from elsewhere: FashionCLIP's embeddings, which are not part of the repository.

use crate::lab::{Lab, skip, workspace};

/// NNN's settings and how many of the 544 queries find their item first, as NumPy counts them.
const KNOWN: [(&str, f64); 4] = [
    ("", 338.0),
    ("k=16,alpha=0.75", 352.0),
    ("k=8,alpha=0.5", 352.0),
    ("k=1,alpha=1", 299.0),
];

#[test]
fn fashion_clip() {
    let folder = workspace().join("../shared/data/fashion-clip");
    if !folder.is_dir() {
        return skip("the embeddings of FashionCLIP are not here");
    }
    let folder = folder.display();
    let config = format!(
        "
experiment: fashion
embeddings:
  - name: fashion
    by_dataset:
      images: {{file: '{folder}/images.npy'}}
      texts: {{file: '{folder}/texts.npy'}}
      text_to_image: {{file: '{folder}/text_to_image.npy'}}
      split: {{file: '{folder}/images.csv', key: split}}
directions: [t2i]
reference_sets: [{{split: reference}}]
methods:
  - raw
  - nnn: {{k: 16, alpha: 0.75}}
  - nnn: {{k: 8, alpha: 0.5}}
  - nnn: {{k: 1, alpha: 1}}
metrics: [R@1]
statistics: {{resamples: 100, permutations: 100}}
"
    );
    let lab = Lab::new();
    lab.run(&config, &[]);
    let scores = lab.scores("fashion");
    let found = scores.iter().map(|row| {
        assert_eq!(row.n_queries, 544);
        (row.cell.params.as_str(), (row.value * 544.0).round())
    });
    assert_eq!(found.collect::<Vec<_>>(), KNOWN);
}

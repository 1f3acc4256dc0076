//! Extraction and its cache: order, progress, interruption, damage.

mod common;

use common::{Toy, golden};
use nnn_encode::{
    CacheFault, EmbeddingCache, EncodeError, ExtractError, ExtractOptions, Extracted, ImageError,
    RgbImage, extract_images, extract_texts, files_sha256, texts_sha256,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs, thread, time::Duration};

const SHARD: usize = 10;

/// Texts of several lengths, some equal.
fn texts() -> Vec<String> {
    (0..47)
        .map(|at| "abcdefgh"[..1 + at * at % 8].repeat(1 + at % 3))
        .collect()
}

fn images() -> Vec<PathBuf> {
    let folder = fs::read_dir(golden("images")).expect("images");
    let mut files: Vec<_> = folder.map(|it| it.expect("a file").path()).collect();
    files.sort();
    files
}

fn cached(toy: &Toy, folder: &Path) -> Result<Extracted, ExtractError> {
    let cache = EmbeddingCache::new(folder).with_shard_items(SHARD);
    let options = ExtractOptions {
        cache: Some(&cache),
        ..ExtractOptions::default()
    };
    let texts = texts();
    extract_texts(toy, &texts, &texts_sha256(&texts), &options)
}

/// Every file under `folder` with its bytes; leftovers of interrupted writes, which are hidden, aside.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("entries") {
        let entry = entry.expect("an entry").path();
        for shard in fs::read_dir(&entry).expect("shards") {
            let shard = shard.expect("a shard").path();
            let name = shard.strip_prefix(folder).expect("inside").to_path_buf();
            if !name
                .file_name()
                .is_some_and(|it| it.to_string_lossy().starts_with('.'))
            {
                files.insert(name, fs::read(&shard).expect("bytes"));
            }
        }
    }
    files
}

fn bits(rows: &[f32]) -> Vec<u32> {
    rows.iter().map(|it| it.to_bits()).collect()
}

#[test]
fn rows_are_unit_and_in_order() {
    let (toy, texts, files) = (Toy::new(), texts(), images());
    let options = ExtractOptions::default();
    let embedded = extract_texts(&toy, &texts, "any", &options).expect("texts");
    assert_eq!((embedded.dim, embedded.reused), (3, 0));
    assert_eq!(embedded.rows.len(), texts.len() * 3);
    for (text, row) in texts.iter().zip(embedded.rows.chunks_exact(3)) {
        let sum = text.bytes().map(u32::from).sum::<u32>();
        let expected = [
            text.len() as f64,
            f64::from(sum),
            f64::from(text.as_bytes()[0]) - 90.5,
        ];
        let norm = expected.iter().map(|it| it * it).sum::<f64>().sqrt();
        let expected = expected.map(|it| (it / norm) as f32);
        assert_eq!(row, expected, "{text}");
    }
    let embedded = extract_images(&toy, &files, "any", &options).expect("images");
    for (file, row) in files.iter().zip(embedded.rows.chunks_exact(3)) {
        let image = nnn_encode::load_image(file, options.limits).expect("an image");
        let ratio = f64::from(row[0]) / f64::from(row[1]);
        let expected = f64::from(image.width()) / f64::from(image.height());
        assert!(
            (ratio - expected).abs() < 1e-6 * expected,
            "{}",
            file.display()
        );
    }
}

#[test]
fn progress_rises_to_the_number_of_items() {
    let seen = Mutex::new(Vec::new());
    let progress = |done| seen.lock().expect("a lock").push(done);
    let options = ExtractOptions {
        progress: Some(&progress),
        ..ExtractOptions::default()
    };
    let files: Vec<PathBuf> = images().into_iter().cycle().take(70).collect();
    extract_images(&Toy::new(), &files, "any", &options).expect("images");
    assert_eq!(*seen.lock().expect("a lock"), [32, 64, 70]);
}

#[test]
fn a_second_run_reads_what_the_first_wrote() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = cached(&Toy::new(), folder.path()).expect("first");
    let toy = Toy::new();
    let second = cached(&toy, folder.path()).expect("second");
    assert_eq!((toy.call_count(), second.reused), (0, 47));
    assert_eq!(bits(&first.rows), bits(&second.rows));
    let uncached = extract_texts(&toy, &texts(), "any", &ExtractOptions::default());
    assert_eq!(bits(&first.rows), bits(&uncached.expect("uncached").rows));
}

#[test]
fn everything_that_decides_a_value_is_in_the_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let changes: [fn(&mut nnn_encode::EncoderInfo); 8] = [
        |_| (),
        |it| it.family.push('!'),
        |it| it.architecture.push('!'),
        |it| it.weights_sha256.push('!'),
        |it| it.preprocessing.push('!'),
        |it| it.tokenizer_sha256.push('!'),
        |it| it.dtype.push('!'),
        |it| it.code.push('!'),
    ];
    for (entries, change) in changes.into_iter().enumerate() {
        cached(&Toy::with_info(change), folder.path()).expect("extracted");
        let found = fs::read_dir(folder.path()).expect("entries").count();
        assert_eq!(found, entries + 1);
    }
    let cache = EmbeddingCache::new(folder.path()).with_shard_items(SHARD);
    let options = ExtractOptions {
        cache: Some(&cache),
        ..ExtractOptions::default()
    };
    extract_texts(&Toy::new(), &texts(), "other data", &options).expect("extracted");
    extract_images(&Toy::new(), &images(), "other data", &options).expect("extracted");
    assert_eq!(fs::read_dir(folder.path()).expect("entries").count(), 10);
}

/// Guards against losing all finished batches of a shard.
#[test]
fn an_interrupted_run_loses_one_batch_and_no_bit() {
    let (whole, resumed) = (tempfile::tempdir(), tempfile::tempdir());
    let (whole, resumed) = (whole.expect("a folder"), resumed.expect("a folder"));
    let undisturbed = cached(&Toy::new(), whole.path()).expect("undisturbed");
    let calls = {
        let toy = Toy::new();
        let texts = texts();
        extract_texts(
            &toy,
            &texts[..2 * SHARD],
            "any",
            &ExtractOptions {
                cache: Some(
                    &EmbeddingCache::new(tempfile::tempdir().expect("a folder").path())
                        .with_shard_items(SHARD),
                ),
                ..ExtractOptions::default()
            },
        )
        .expect("two shards");
        toy.call_count()
    };
    let error = cached(&Toy::failing_at(calls + 1), resumed.path()).expect_err("told to fail");
    assert!(
        matches!(error, ExtractError::Encode { ref items, .. } if *items == (20..30)),
        "{error}"
    );
    assert_eq!(contents(resumed.path()).len(), 2);
    let again = cached(&Toy::new(), resumed.path()).expect("resumed");
    // The batch of the third shard that was done before the failure is not encoded again either.
    assert!(
        (2 * SHARD + 1..3 * SHARD).contains(&again.reused),
        "{}",
        again.reused
    );
    assert_eq!(again.warnings.len(), 0);
    assert_eq!(bits(&again.rows), bits(&undisturbed.rows));
    assert_eq!(contents(resumed.path()), contents(whole.path()));
}

/// Guards against batches that are encoded again without a word because a bit has flipped.
#[test]
fn a_damaged_journal_is_named_and_a_torn_one_is_not() {
    let whole = tempfile::tempdir().expect("a folder");
    let undisturbed = cached(&Toy::new(), whole.path()).expect("undisturbed");
    let flip: fn(&mut Vec<u8>) = |bytes| bytes[80] ^= 1;
    let tear: fn(&mut Vec<u8>) = |bytes| bytes.truncate(bytes.len() - 3);
    for (damage, named) in [(flip, true), (tear, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        // The second batch.
        cached(&Toy::failing_at(1), folder.path()).expect_err("told to fail");
        let journal = hidden(folder.path()).remove(0);
        let mut bytes = fs::read(&journal).expect("a journal");
        damage(&mut bytes);
        fs::write(&journal, bytes).expect("damaged");
        let again = cached(&Toy::new(), folder.path()).expect("resumed");
        assert_eq!(bits(&again.rows), bits(&undisturbed.rows));
        let files: Vec<&PathBuf> = again.warnings.iter().map(|it| &it.file).collect();
        assert_eq!(files, if named { vec![&journal] } else { vec![] });
        assert!(hidden(folder.path()).is_empty());
    }
}

/// What a killed run was writing stayed where nothing was encoded any more.
#[test]
fn old_temporary_files_go_from_a_whole_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    cached(&Toy::new(), folder.path()).expect("encoded");
    let entry = fs::read_dir(folder.path()).expect("entries").next();
    let entry = entry.expect("an entry").expect("an entry").path();
    let [old, new] = ["a", "b"].map(|it| entry.join(format!(".part-{it}")));
    let days = Duration::from_secs(2 * 24 * 3600);
    let before = std::time::SystemTime::now() - days;
    let file = fs::File::create(&old).expect("a file");
    file.set_modified(before).expect("an old file");
    fs::write(&new, "").expect("a file");
    cached(&Toy::new(), folder.path()).expect("cached");
    assert_eq!(hidden(folder.path()), [new]);
}

/// Images that the killed runs embed, and how many share a forward pass.
const IMAGES: usize = 400;
const BATCH: usize = 4;

/// A toy that takes its time and writes a byte to a file for every image that it encodes.
struct Counting {
    toy: Toy,
    log: PathBuf,
}

impl nnn_encode::Encoder for Counting {
    fn info(&self) -> &nnn_encode::EncoderInfo {
        self.toy.info()
    }
    fn prepare_image(&self, image: &RgbImage) -> Result<Vec<f32>, EncodeError> {
        self.toy.prepare_image(image)
    }
    fn prepare_text(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.toy.prepare_text(text)
    }
    fn encode_pixels(&self, batch: &[Vec<f32>]) -> Result<Vec<f32>, EncodeError> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log);
        let bytes = vec![b'.'; batch.len()];
        log.and_then(|mut log| log.write_all(&bytes))
            .expect("a log");
        thread::sleep(Duration::from_millis(8));
        self.toy.encode_pixels(batch)
    }
    fn encode_tokens(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        self.toy.encode_tokens(batch)
    }
}

/// Embeds [`IMAGES`] images with shards of 64, counting into `folder/log`.
fn counted(folder: &Path) -> Extracted {
    let encoder = Counting {
        toy: Toy::new(),
        log: folder.join("log"),
    };
    let cache = EmbeddingCache::new(folder.join("cache")).with_shard_items(64);
    let options = ExtractOptions {
        cache: Some(&cache),
        image_batch: Some(BATCH),
        ..ExtractOptions::default()
    };
    let files: Vec<PathBuf> = images().into_iter().cycle().take(IMAGES).collect();
    extract_images(&encoder, &files, "any", &options).expect("embeddings")
}

fn encoded(folder: &Path) -> usize {
    fs::metadata(folder.join("log")).map_or(0, |log| log.len() as usize)
}

/// The child of the next test: embeds until it is killed.
#[test]
fn child_that_is_killed() {
    if let Some(folder) = env::var_os("NNN_ENCODE_KILL_FOLDER") {
        counted(Path::new(&folder));
    }
}

/// Starts a child, and kills it some time after it has encoded `more` images.
fn kill_after(folder: &Path, more: usize, pause: Duration) {
    let before = encoded(folder);
    let mut child = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "child_that_is_killed"])
        .env("NNN_ENCODE_KILL_FOLDER", folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a child");
    while encoded(folder) < before + more {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended by itself"
        );
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(pause);
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
}

/// Guards against kills that cost a whole shard each.
#[test]
#[cfg(unix)]
fn ten_kills_cost_a_batch_each_and_no_bit() {
    let (whole, killed) = (tempfile::tempdir(), tempfile::tempdir());
    let (whole, killed) = (whole.expect("a folder"), killed.expect("a folder"));
    let undisturbed = counted(whole.path());
    assert_eq!(encoded(whole.path()), IMAGES);
    let mut noise = 12_345u64;
    let mut random = |below: u64| {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (noise >> 33) % below
    };
    for _ in 0..10 {
        let (more, pause) = (1 + random(24), Duration::from_micros(random(16_000)));
        kill_after(killed.path(), more as usize, pause);
    }
    let before = encoded(killed.path());
    let resumed = counted(killed.path());
    let twice = encoded(killed.path()) - IMAGES;
    assert!(twice <= 10 * BATCH, "{twice} images were encoded twice");
    assert!(
        resumed.reused >= before - 10 * BATCH,
        "{} of {before}",
        resumed.reused
    );
    assert_eq!(bits(&resumed.rows), bits(&undisturbed.rows));
    let [whole, killed] = [&whole, &killed].map(|it| it.path().join("cache"));
    assert_eq!(contents(&killed), contents(&whole));
    assert!(hidden(&killed).is_empty(), "{:?}", hidden(&killed));
}

/// What interrupted writes left.
fn hidden(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("entries");
    let shards = entries.flat_map(|it| fs::read_dir(it.expect("an entry").path()).expect("shards"));
    let files = shards.map(|it| it.expect("a file").path());
    files
        .filter(|it| {
            it.file_name()
                .is_some_and(|it| it.to_string_lossy().starts_with('.'))
        })
        .collect()
}

#[test]
fn the_size_of_a_batch_changes_no_bit() {
    let files = images();
    let rows = |image_batch| {
        let options = ExtractOptions {
            image_batch,
            ..ExtractOptions::default()
        };
        let toy = Toy::new();
        let rows = extract_images(&toy, &files, "any", &options)
            .expect("images")
            .rows;
        (toy.call_count(), bits(&rows))
    };
    let (_, expected) = rows(None);
    for (batch, calls) in [(1, files.len()), (5, files.len().div_ceil(5)), (1000, 1)] {
        assert_eq!(rows(Some(batch)), (calls, expected.clone()));
    }
}

/// Spoils the second shard, extracts again, and expects one warning and nothing else to notice.
fn spoil(folder: &Path, spoilt: Vec<u8>, undisturbed: &Extracted) -> CacheFault {
    let before = contents(folder);
    let (name, _) = before.iter().nth(1).expect("a second shard");
    fs::write(folder.join(name), spoilt).expect("spoilt");
    let again = cached(&Toy::new(), folder).expect("extracted again");
    assert_eq!(again.reused, 47 - SHARD);
    assert_eq!(bits(&again.rows), bits(&undisturbed.rows));
    assert_eq!(contents(folder), before);
    let [warning] = &again.warnings[..] else {
        panic!("one warning expected: {:?}", again.warnings);
    };
    assert_eq!(warning.file, folder.join(name));
    warning.reason.clone()
}

#[test]
fn damaged_shards_are_named_and_made_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let undisturbed = cached(&Toy::new(), folder).expect("undisturbed");
    let shards: Vec<Vec<u8>> = contents(folder).into_values().collect();
    let good = &shards[1];
    for keep in [0, 1, 8, 20, good.len() / 2, good.len() - 1] {
        let fault = spoil(folder, good[..keep].to_vec(), &undisturbed);
        assert!(matches!(fault, CacheFault::Format(_)), "{fault}");
    }
    let longer = [good.as_slice(), b"!"].concat();
    assert!(matches!(
        spoil(folder, longer, &undisturbed),
        CacheFault::Format(_)
    ));
    let last = good.len() - 1;
    let mut flipped = good.clone();
    flipped[last] ^= 1;
    let fault = spoil(folder, flipped, &undisturbed);
    assert!(matches!(fault, CacheFault::Checksum { .. }), "{fault}");
    // A whole and sound shard in another's place.
    let fault = spoil(folder, shards[0].clone(), &undisturbed);
    assert!(matches!(fault, CacheFault::Checksum { .. }), "{fault}");
    let fault = spoil(folder, shards[4].clone(), &undisturbed);
    assert!(
        matches!(
            fault,
            CacheFault::Shape {
                expected: 10,
                dim: 3,
                ..
            }
        ),
        "{fault}"
    );
}

#[test]
fn an_unreadable_shard_is_a_warning_or_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    cached(&Toy::new(), folder.path()).expect("extracted");
    let name = contents(folder.path())
        .into_keys()
        .nth(1)
        .expect("a second shard");
    let shard = folder.path().join(name);
    fs::remove_file(&shard).expect("removed");
    fs::create_dir(&shard).expect("a folder in its place");
    let error = cached(&Toy::new(), folder.path()).expect_err("a folder cannot be replaced");
    assert!(
        matches!(error, ExtractError::Store { ref file, .. } if *file == shard),
        "{error}"
    );
}

#[test]
fn the_first_bad_image_is_named_and_nothing_hangs() {
    let mut files: Vec<PathBuf> = images().into_iter().cycle().take(200).collect();
    files[150] = "no/such/first.png".into();
    files[170] = "no/such/second.png".into();
    let options = ExtractOptions::default();
    let error = extract_images(&Toy::new(), &files, "any", &options).expect_err("a bad file");
    assert!(matches!(error, ExtractError::Image(ImageError::Read(_))));
    assert!(error.to_string().contains("no/such/first.png"), "{error}");
    // The forward pass fails while the other thread waits to hand over its next batch.
    let error = extract_images(&Toy::failing_at(0), &files[..150], "any", &options);
    let error = error.expect_err("told to fail").to_string();
    assert!(error.starts_with("items 0 to 31: "), "{error}");
}

#[test]
fn features_without_direction_are_refused() {
    let none = extract_images(&Toy::new(), &[], "any", &ExtractOptions::default());
    assert_eq!(none.expect("nothing").rows.len(), 0);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let toy = Zero(Toy::new());
    let cache = EmbeddingCache::new(folder.path());
    let options = ExtractOptions {
        cache: Some(&cache),
        ..ExtractOptions::default()
    };
    let error = extract_texts(&toy, &["ab", "c"], "any", &options).expect_err("no direction");
    assert!(
        matches!(error, ExtractError::Norm { item: 1, .. }),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// A toy whose texts of one byte have no features.
struct Zero(Toy);

impl nnn_encode::Encoder for Zero {
    fn info(&self) -> &nnn_encode::EncoderInfo {
        self.0.info()
    }
    fn prepare_image(
        &self,
        image: &nnn_encode::RgbImage,
    ) -> Result<Vec<f32>, nnn_encode::EncodeError> {
        self.0.prepare_image(image)
    }
    fn prepare_text(&self, text: &str) -> Result<Vec<u32>, nnn_encode::EncodeError> {
        self.0.prepare_text(text)
    }
    fn encode_pixels(&self, batch: &[Vec<f32>]) -> Result<Vec<f32>, nnn_encode::EncodeError> {
        self.0.encode_pixels(batch)
    }
    fn encode_tokens(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, nnn_encode::EncodeError> {
        match batch[0].len() {
            1 => Ok(vec![0.0; 3 * batch.len()]),
            _ => self.0.encode_tokens(batch),
        }
    }
}

#[test]
fn checksums_depend_on_content_and_order_alone() {
    let files = images();
    let sum = files_sha256(&files).expect("a checksum");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = |file: &PathBuf| {
        let to = folder.path().join(file.file_name().expect("a name"));
        fs::copy(file, &to).expect("copied");
        to
    };
    let mut copies: Vec<PathBuf> = files.iter().map(copy).collect();
    assert_eq!(files_sha256(&copies).expect("a checksum"), sum);
    copies.swap(0, 1);
    assert_ne!(files_sha256(&copies).expect("a checksum"), sum);
    copies[3] = "no/such/file".into();
    let error = files_sha256(&copies).expect_err("missing").to_string();
    assert!(error.contains("no/such/file"), "{error}");
    assert_ne!(texts_sha256(&["ab", "c"]), texts_sha256(&["a", "bc"]));
}

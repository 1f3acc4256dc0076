//! The real client against a small server on loopback. No test reaches any other address.

use nnn_files::{HubFile, RemoteFile, RemotePlace, RepoKind};
use nnn_hub::{Event, Hub, HubError, Local, Network, Patience, Settings, Token};
use nnn_testkit::hub::{COMMIT, Fault, Resource, Server, git_sha1, sha256};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const REPO: &str = "owner/model";
const TOKEN: &str = "hf_verysecret";

/// A hub, its storage at another port, and the caches of a user.
struct World {
    hub: Server,
    storage: Server,
    folder: TempDir,
    pauses: Arc<Mutex<Vec<Duration>>>,
}

impl World {
    fn new() -> Self {
        Self {
            hub: Server::start().expect("a server"),
            storage: Server::start().expect("a server"),
            folder: tempfile::tempdir().expect("a folder"),
            pauses: Arc::default(),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            endpoint: self.hub.url(),
            hub_cache: self.folder.path().join("hf"),
            downloads: self.folder.path().join("own"),
            token: None,
            offline: false,
            network: Network::default(),
        }
    }

    /// A client that notes its pauses and makes none.
    fn client(&self, settings: Settings) -> Hub {
        let pauses = Arc::clone(&self.pauses);
        let patience = Patience {
            tries: 4,
            sleep: Arc::new(move |pause| pauses.lock().expect("pauses").push(pause)),
            ..Patience::default()
        };
        Hub::new(settings, patience)
    }

    fn open(&self, file: &RemoteFile) -> Result<Local, HubError> {
        self.client(self.settings()).open(file, &|_| {})
    }

    fn gets(&self, file: &RemoteFile) -> Vec<nnn_testkit::hub::Request> {
        let path = resolve(file);
        let all = self.hub.requests().into_iter();
        all.filter(|it| it.method == "GET" && it.path == path)
            .collect()
    }

    fn gets_of(&self, path: &str) -> usize {
        let all = self.hub.requests().into_iter();
        all.filter(|it| it.method == "GET" && it.path == path)
            .count()
    }

    fn blob(&self, etag: &str) -> PathBuf {
        self.settings()
            .hub_cache
            .join("models--owner--model/blobs")
            .join(etag)
    }

    fn pauses(&self) -> usize {
        self.pauses.lock().expect("pauses").len()
    }
}

fn at(revision: &str, name: &str) -> RemoteFile {
    RemoteFile {
        name: name.to_owned(),
        place: RemotePlace::Hub(HubFile {
            kind: RepoKind::Model,
            repo: REPO.to_owned(),
            revision: revision.to_owned(),
            path: name.to_owned(),
        }),
        sha256: None,
        bytes: None,
    }
}

fn pinned(name: &str) -> RemoteFile {
    at(COMMIT, name)
}

fn resolve(file: &RemoteFile) -> String {
    match &file.place {
        RemotePlace::Hub(hub) => format!("/{}/resolve/{}/{}", hub.repo, hub.revision, hub.path),
        RemotePlace::Urls(_) => panic!("no file of a hub"),
    }
}

fn urls(name: &str, urls: Vec<String>) -> RemoteFile {
    RemoteFile {
        name: name.to_owned(),
        place: RemotePlace::Urls(urls),
        sha256: None,
        bytes: None,
    }
}

/// Bytes that differ everywhere, more than one piece of a transfer.
fn content() -> Vec<u8> {
    (0..300_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn status(code: u16) -> Fault {
    Fault::Status(code, Vec::new())
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file")
}

/// The whole layout, as `huggingface_hub` makes it.
#[test]
fn files_lie_where_the_python_tools_look() {
    let world = World::new();
    world.hub.publish(REPO, "config.json", b"{}", None);
    world
        .hub
        .publish(REPO, "deep/model.bin", &content(), Some(&world.storage));
    let small = world.open(&pinned("config.json")).expect("small");
    let mut file = pinned("deep/model.bin");
    file.name = "model.bin".into();
    let large = world.open(&file).expect("large");
    let root = world.settings().hub_cache.join("models--owner--model");
    assert_eq!(
        small.path,
        root.join("snapshots").join(COMMIT).join("config.json")
    );
    let link = |path: &Path| fs::read_link(path).expect("a link");
    let etag = git_sha1(b"{}");
    assert_eq!(link(&small.path), Path::new("../../blobs").join(&etag));
    let sum = sha256(&content());
    assert_eq!(link(&large.path), Path::new("../../../blobs").join(&sum));
    assert_eq!(read(&large.path), content());
    assert_eq!(large.sha256, sum);
    // A pinned commit needs no ref; a branch has one.
    assert!(!root.join("refs").exists());
    world.open(&at("main", "config.json")).expect("main");
    assert_eq!(read(&root.join("refs/main")), COMMIT.as_bytes());
    let blobs = fs::read_dir(root.join("blobs")).expect("blobs").count();
    assert_eq!(blobs, 2, "a partial file is left");
}

/// What a killed call was writing beside the note of a branch's commit stayed for good.
#[test]
fn old_temporary_files_go_from_the_notes_of_branches() {
    let world = World::new();
    world.hub.publish(REPO, "config.json", b"{}", None);
    let refs = (world.settings().hub_cache).join("models--owner--model/refs");
    fs::create_dir_all(&refs).expect("a folder");
    let [old, new] = ["a", "b"].map(|it| refs.join(format!(".part-{it}")));
    fs::write(&new, "").expect("a file");
    let before = std::time::SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    let file = fs::File::create(&old).expect("a file");
    file.set_modified(before).expect("an old file");
    world.open(&at("main", "config.json")).expect("main");
    assert!(!old.exists() && new.exists());
}

#[test]
fn what_the_python_tools_fetched_is_used_as_it_is() {
    let world = World::new();
    let root = world.settings().hub_cache.join("models--owner--model");
    let snapshot = root.join("snapshots").join(COMMIT);
    for folder in [&snapshot, &root.join("refs"), &root.join("blobs")] {
        fs::create_dir_all(folder).expect("folders");
    }
    fs::write(root.join("blobs/e"), "{}").expect("a blob");
    std::os::unix::fs::symlink("../../blobs/e", snapshot.join("a.json")).expect("a link");
    fs::write(root.join("refs/main"), COMMIT).expect("a ref");
    for file in [pinned("a.json"), at("main", "a.json")] {
        let found = world.open(&file).expect("found");
        assert_eq!((read(&found.path), found.fetched), (b"{}".to_vec(), false));
    }
    assert!(world.hub.requests().is_empty());
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let world = World::new();
    world
        .hub
        .publish(REPO, "model.bin", &content(), Some(&world.storage));
    let mut settings = world.settings();
    settings.token = Token::new(TOKEN);
    let hub = world.client(settings);
    hub.open(&pinned("model.bin"), &|_| {}).expect("fetched");
    let bearer = format!("Bearer {TOKEN}");
    let at_hub = world.hub.requests();
    assert!(at_hub.len() >= 2);
    for request in at_hub {
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
    }
    let elsewhere = world.storage.requests();
    assert!(!elsewhere.is_empty());
    for request in elsewhere {
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn the_token_does_not_go_to_plain_addresses() {
    let world = World::new();
    world.hub.put("/a.bin", Resource::plain(b"abc"));
    let mut settings = world.settings();
    settings.token = Token::new(TOKEN);
    let file = urls("a.bin", vec![format!("{}/a.bin", world.hub.url())]);
    world
        .client(settings)
        .open(&file, &|_| {})
        .expect("fetched");
    assert!(
        world
            .hub
            .requests()
            .iter()
            .all(|it| it.header("authorization").is_none())
    );
}

/// A renamed repository: the hub redirects to itself, and the token goes along.
#[test]
fn a_redirect_within_the_hub_is_followed() {
    let world = World::new();
    world.hub.publish("new/name", "a.json", b"{}", None);
    let file = pinned("a.json");
    let moved = Resource {
        redirect: Some(format!("/new/name/resolve/{COMMIT}/a.json")),
        ..Resource::default()
    };
    world.hub.put(&resolve(&file), moved);
    assert_eq!(read(&world.open(&file).expect("fetched").path), b"{}");
}

#[test]
fn redirects_without_end_are_left() {
    let world = World::new();
    let file = pinned("a.json");
    let circle = Resource {
        redirect: Some(resolve(&file)),
        ..Resource::default()
    };
    world.hub.put(&resolve(&file), circle);
    let error = world.open(&file).expect_err("no end").to_string();
    assert!(error.contains("redirects"), "{error}");
}

#[test]
fn a_broken_transfer_goes_on_where_it_stopped() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let file = pinned("a.bin");
    world.hub.fail(
        &resolve(&file),
        [Fault::Truncate(100_000), Fault::Truncate(50_000)],
    );
    let starts = Mutex::new(Vec::new());
    let bytes = Mutex::new(0);
    let tell = |event: Event<'_>| match event {
        Event::Start { have, total, .. } => starts.lock().expect("starts").push((have, total)),
        Event::Bytes(count) => *bytes.lock().expect("bytes") += count,
        _ => {}
    };
    let found = world
        .client(world.settings())
        .open(&file, &tell)
        .expect("fetched");
    assert_eq!(read(&found.path), content());
    let ranges: Vec<_> = world
        .gets(&file)
        .iter()
        .map(|it| it.header("range").map(str::to_owned))
        .collect();
    let range = |from: usize| Some(format!("bytes={from}-"));
    assert_eq!(ranges, [None, range(100_000), range(150_000)]);
    let total = Some(300_000);
    assert_eq!(
        *starts.lock().expect("starts"),
        [(0, total), (100_000, total), (150_000, total)]
    );
    assert_eq!(*bytes.lock().expect("bytes"), 300_000);
}

/// Progress begins the count of failures again: more breaks than tries are survived if each brings something.
#[test]
fn many_breaks_that_each_bring_something_are_survived() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let file = pinned("a.bin");
    world
        .hub
        .fail(&resolve(&file), (0..8).map(|_| Fault::Truncate(20_000)));
    assert_eq!(read(&world.open(&file).expect("fetched").path), content());
}

#[test]
fn breaks_that_bring_nothing_are_not() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let file = pinned("a.bin");
    world
        .hub
        .fail(&resolve(&file), (0..9).map(|_| Fault::Truncate(0)));
    let error = world.open(&file).expect_err("gives up");
    assert!(
        matches!(error, HubError::GaveUp { tries: 4, .. }),
        "{error}"
    );
    assert_eq!(world.gets(&file).len(), 4);
}

/// A server without ranges begins anew every time; a transfer that never gets further ends.
#[test]
fn a_server_without_ranges_cannot_hold_us_for_ever() {
    let world = World::new();
    let file = urls("a.bin", vec![format!("{}/a.bin", world.hub.url())]);
    let resource = Resource {
        ranges: false,
        ..Resource::plain(&content())
    };
    world.hub.put("/a.bin", resource);
    world
        .hub
        .fail("/a.bin", (0..20).map(|_| Fault::Truncate(70_000)));
    let error = world.open(&file).expect_err("gives up");
    assert!(matches!(error, HubError::GaveUp { .. }), "{error}");
}

#[test]
fn failures_that_may_pass_are_tried_again() {
    for code in [408, 429, 500, 502, 503, 504] {
        let world = World::new();
        world.hub.publish(REPO, "a.json", b"{}", None);
        let file = pinned("a.json");
        world.hub.fail_head(&resolve(&file), [status(code)]);
        world
            .hub
            .fail(&resolve(&file), [status(code), status(code)]);
        world.open(&file).expect("fetched");
        assert_eq!(world.pauses(), 3, "{code}");
    }
}

#[test]
fn a_server_says_how_long_to_wait() {
    let world = World::new();
    world.hub.publish(REPO, "a.json", b"{}", None);
    let file = pinned("a.json");
    let wait = |seconds: &str| Fault::Status(429, vec![("Retry-After".into(), seconds.into())]);
    world.hub.fail(&resolve(&file), [wait("7")]);
    world.open(&file).expect("fetched");
    assert_eq!(
        *world.pauses.lock().expect("pauses"),
        [Duration::from_secs(7)]
    );
    // An hour is nothing to sit through.
    let other = pinned("b.json");
    world.hub.publish(REPO, "b.json", b"[]", None);
    world.hub.fail(&resolve(&other), [wait("3600")]);
    let error = world.open(&other).expect_err("gives up");
    assert!(matches!(error, HubError::GaveUp { .. }), "{error}");
}

/// What a later try would not change is not tried again, and says what to do.
#[test]
fn refusals() {
    let code = |name: &str| vec![("X-Error-Code".to_owned(), name.to_owned())];
    let cases = [
        (401, Vec::new(), "set HF_TOKEN"),
        (401, code("GatedRepo"), "accept its terms at http://"),
        (403, code("GatedRepo"), "owner/model with your account"),
        (403, Vec::new(), "needs a token"),
        (404, code("RepoNotFound"), "no such repository"),
        (404, code("RevisionNotFound"), "no such revision"),
        (404, code("EntryNotFound"), "no such file there"),
        (404, Vec::new(), "no such file"),
        (418, Vec::new(), "418"),
    ];
    for (status, headers, part) in cases {
        let world = World::new();
        let file = pinned("a.json");
        world
            .hub
            .fail_head(&resolve(&file), [Fault::Status(status, headers)]);
        let error = world.open(&file).expect_err("refused").to_string();
        assert!(error.contains(part) && error.contains("a.json"), "{error}");
        assert_eq!(
            (world.hub.requests().len(), world.pauses()),
            (1, 0),
            "{status}"
        );
    }
}

#[test]
fn a_token_that_is_refused_is_not_shown() {
    let world = World::new();
    let file = pinned("a.json");
    let mut resource = Resource::plain(b"{}");
    resource.token = Some("another".into());
    world.hub.put(&resolve(&file), resource);
    let mut settings = world.settings();
    settings.token = Token::new(TOKEN);
    let hub = world.client(settings);
    let error = hub.open(&file, &|_| {}).expect_err("refused");
    let shown = format!("{error} {error:?} {hub:?}");
    assert!(shown.contains("the token does not open it"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn a_wrong_content_is_refused_and_removed() {
    let world = World::new();
    world.hub.publish(REPO, "small.json", b"{ }", None);
    world
        .hub
        .publish(REPO, "large.bin", &content(), Some(&world.storage));
    let small = pinned("small.json");
    world.hub.fail(&resolve(&small), [Fault::Flip(1)]);
    let storage = format!("/storage/{}", sha256(&content()));
    world.storage.fail(&storage, [Fault::Flip(5)]);
    for file in [small, pinned("large.bin")] {
        let error = world.open(&file).expect_err("wrong");
        assert!(matches!(error, HubError::Checksum { .. }), "{error}");
        assert!(error.to_string().contains("the hub"), "{error}");
    }
    let files = fs::read_dir(world.blob("")).expect("blobs").count();
    assert_eq!(files, 0);
}

/// A card that expects another content than the hub has is known before a byte is fetched.
#[test]
fn a_card_and_a_hub_that_disagree() {
    let world = World::new();
    world
        .hub
        .publish(REPO, "a.bin", &content(), Some(&world.storage));
    let mut file = pinned("a.bin");
    file.sha256 = Some("0".repeat(64));
    let error = world.open(&file).expect_err("wrong").to_string();
    assert!(error.contains("the card"), "{error}");
    assert!(world.storage.requests().is_empty());
}

/// A part of another content before the resumed rest: the whole is fetched once more.
#[test]
fn a_damaged_part_is_replaced() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let partial = world.blob(&format!("{}.incomplete", git_sha1(&content())));
    fs::create_dir_all(partial.parent().expect("a folder")).expect("folders");
    fs::write(&partial, [7; 1000]).expect("a part");
    let file = pinned("a.bin");
    assert_eq!(read(&world.open(&file).expect("fetched").path), content());
    assert_eq!(world.gets(&file).len(), 2);
}

#[test]
fn a_part_that_is_longer_than_the_file() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let partial = world.blob(&format!("{}.incomplete", git_sha1(&content())));
    fs::create_dir_all(partial.parent().expect("a folder")).expect("folders");
    fs::write(&partial, vec![7; 300_001]).expect("a part");
    assert_eq!(
        read(&world.open(&pinned("a.bin")).expect("fetched").path),
        content()
    );
}

/// What nobody vouches for is recorded at first, and must stay.
#[test]
fn a_content_without_checksum_is_trusted_once() {
    let world = World::new();
    let url = format!("{}/a.bin", world.hub.url());
    world.hub.put("/a.bin", Resource::plain(b"first"));
    let file = urls("a.bin", vec![url]);
    let first = world.open(&file).expect("fetched");
    assert!(first.recorded && first.fetched);
    let again = world.open(&file).expect("found");
    assert!(!again.recorded && !again.fetched);
    fs::write(&first.path, "other").expect("a change");
    let error = world.open(&file).expect_err("changed").to_string();
    assert!(
        error.contains("recorded at the first download in"),
        "{error}"
    );
    // Fetched again, the server must still give the first content.
    fs::remove_file(&first.path).expect("removed");
    world.hub.put("/a.bin", Resource::plain(b"other"));
    let error = world.open(&file).expect_err("changed");
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    assert!(!first.path.exists());
}

/// What the message says to delete is what makes it be fetched again.
/// Guards against naming the link to the content: without the link alone, the changed content was found again.
#[test]
fn a_changed_file_is_fetched_again_once_deleted() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let file = pinned("a.bin");
    world.open(&file).expect("fetched");
    fs::write(world.blob(&git_sha1(&content())), "other").expect("a change");
    let Err(HubError::Changed { path, .. }) = world.open(&file) else {
        panic!("the change is not noticed");
    };
    fs::remove_file(path).expect("removed");
    assert_eq!(read(&world.open(&file).expect("fetched").path), content());
}

/// Bytes of an old content and of a new one do not come together.
#[test]
fn a_plain_address_is_resumed_only_if_its_content_is_the_same() {
    let world = World::new();
    let file = urls("a.bin", vec![format!("{}/a.bin", world.hub.url())]);
    let path = "/a.bin";
    world.hub.put(path, Resource::plain(&content()));
    world.hub.fail(
        path,
        (0..9).map(|at| Fault::Truncate(if at == 0 { 1000 } else { 0 })),
    );
    world.open(&file).expect_err("gives up");
    world.hub.fail(path, []);
    let other: Vec<u8> = content().into_iter().rev().collect();
    world.hub.put(path, Resource::plain(&other));
    let left = world.hub.requests().len();
    // Faults that are left are taken by tries without a byte.
    let found = (0..3)
        .find_map(|_| world.open(&file).ok())
        .expect("fetched");
    assert_eq!(read(&found.path), other);
    let later = &world.hub.requests()[left..];
    let resumed = later
        .iter()
        .filter(|it| it.header("range") == Some("bytes=1000-"));
    assert!(resumed.clone().count() > 0);
    assert!(resumed.clone().all(|it| it.header("if-range").is_some()));
}

/// A plain address of which `at` bytes arrived before its transfer was given up, and what its cache has of it.
fn broken_off(world: &World, at: usize) -> (RemoteFile, PathBuf) {
    let file = urls("a.bin", vec![format!("{}/a.bin", world.hub.url())]);
    world.hub.put("/a.bin", Resource::plain(&content()));
    let cut = |it: usize| Fault::Truncate(if it == 0 { at } else { 0 });
    world.hub.fail("/a.bin", (0..5).map(cut));
    world.open(&file).expect_err("gives up");
    let mut partial = world.client(world.settings()).put_at(&file);
    partial.set_extension("bin.incomplete");
    assert_eq!(read(&partial), content()[..at]);
    (file, partial)
}

fn last_range(world: &World) -> Option<String> {
    let all = world.hub.requests();
    all.last()?.header("range").map(str::to_owned)
}

/// A power loss can leave the length of a file without its data.
/// Guards against a download that went on behind zeros and was recorded as whole.
#[test]
fn a_transfer_goes_on_behind_what_was_flushed_and_not_behind_zeros() {
    let world = World::new();
    let (file, partial) = broken_off(&world, 1000);
    let mut zeros = fs::File::options().append(true).open(&partial);
    let zeros = zeros.as_mut().expect("a part");
    zeros.write_all(&[0; 5000]).expect("zeros");
    let found = world.open(&file).expect("fetched");
    assert_eq!(read(&found.path), content());
    assert_eq!(last_range(&world).as_deref(), Some("bytes=1000-"));
}

#[test]
fn a_part_is_fetched_anew_where_nothing_says_what_was_flushed() {
    let world = World::new();
    let (file, partial) = broken_off(&world, 1000);
    // As earlier versions left them.
    let note = partial.with_extension("incomplete.etag");
    let etag = fs::read_to_string(&note).expect("a note");
    fs::write(&note, etag.lines().next().expect("an ETag")).expect("a note");
    fs::write(&partial, [0; 6000]).expect("a part");
    let found = world.open(&file).expect("fetched");
    assert_eq!(read(&found.path), content());
    assert_eq!(last_range(&world), None);
    assert!(!note.exists() && !partial.exists());
}

#[test]
fn a_long_transfer_notes_what_was_flushed() {
    let world = World::new();
    let long = content().repeat(60);
    world.hub.put("/a.bin", Resource::plain(&long));
    let file = urls("a.bin", vec![format!("{}/a.bin", world.hub.url())]);
    let client = world.client(world.settings());
    let note = client.put_at(&file).with_extension("bin.incomplete.etag");
    let seen = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| {
        if matches!(event, Event::Bytes(_)) {
            seen.lock()
                .expect("notes")
                .extend(fs::read_to_string(&note));
        }
    };
    let found = client.open(&file, &tell).expect("fetched");
    assert_eq!(found.sha256, sha256(&long));
    let seen = seen.into_inner().expect("notes");
    let flushed = seen.last().and_then(|it| it.lines().nth(1)?.parse().ok());
    let between = (16 << 20)..(17 << 20);
    assert!(
        flushed.is_some_and(|it: u64| between.contains(&it)),
        "{flushed:?}"
    );
}

/// A hub may name a content by something that is no checksum.
#[test]
fn a_part_of_a_file_that_the_hub_names_by_no_checksum() {
    let world = World::new();
    let file = pinned("a.bin");
    let mut resource = Resource::plain(&content());
    let commit = ("X-Repo-Commit".to_owned(), COMMIT.to_owned());
    resource.headers.push(commit);
    world.hub.put(&resolve(&file), resource);
    let etag = format!("v-{}", &sha256(&content())[..8]);
    let partial = world.blob(&format!("{etag}.incomplete"));
    fs::create_dir_all(partial.parent().expect("a folder")).expect("folders");
    fs::write(&partial, [0; 1000]).expect("a part");
    assert_eq!(read(&world.open(&file).expect("fetched").path), content());
}

#[test]
fn mirrors_are_tried_in_their_order() {
    let world = World::new();
    let url = |server: &Server, path: &str| format!("{}{path}", server.url());
    world.storage.put("/a.bin", Resource::plain(b"abc"));
    let file = urls(
        "a.bin",
        vec![url(&world.hub, "/gone"), url(&world.storage, "/a.bin")],
    );
    let found = world.open(&file).expect("fetched");
    assert_eq!(
        (read(&found.path), world.hub.requests().len()),
        (b"abc".to_vec(), 1)
    );
    let again = world.open(&file).expect("found");
    assert_eq!((again.path, again.fetched), (found.path, false));
    let none = urls(
        "b.bin",
        vec![url(&world.hub, "/x"), url(&world.storage, "/y")],
    );
    let error = world.open(&none).expect_err("none").to_string();
    for part in ["no mirror gave it", "/x", "/y", "404"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_mirror_with_another_content_is_passed_over() {
    let world = World::new();
    world.hub.put("/a.bin", Resource::plain(b"bad"));
    world.storage.put("/a.bin", Resource::plain(b"abc"));
    let mirrors = [&world.hub, &world.storage].map(|server| format!("{}/a.bin", server.url()));
    let mut file = urls("a.bin", mirrors.to_vec());
    file.sha256 = Some(sha256(b"abc"));
    assert_eq!(read(&world.open(&file).expect("fetched").path), b"abc");
}

#[test]
fn offline_names_what_is_missing_and_asks_nobody() {
    let world = World::new();
    world.hub.publish(REPO, "a.json", b"{}", None);
    let mut settings = world.settings();
    settings.offline = true;
    let hub = world.client(settings);
    let file = pinned("a.json");
    let error = hub.open(&file, &|_| {}).expect_err("missing").to_string();
    let place = hub.put_at(&file);
    for part in [
        "a.json",
        REPO,
        "runner fetch CONFIG",
        &place.display().to_string(),
    ] {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
    assert_eq!(hub.size(&file), None);
    assert!(world.hub.requests().is_empty());
    // What is put there by hand is found.
    fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
    fs::write(&place, "{}").expect("a file");
    assert_eq!(hub.open(&file, &|_| {}).expect("found").path, place);
}

#[test]
fn sizes_without_a_download() {
    let world = World::new();
    world
        .hub
        .publish(REPO, "large.bin", &content(), Some(&world.storage));
    world.hub.put("/a.bin", Resource::plain(b"abc"));
    let hub = world.client(world.settings());
    assert_eq!(hub.size(&pinned("large.bin")), Some(300_000));
    let url = urls("a.bin", vec![format!("{}/a.bin", world.hub.url())]);
    assert_eq!(hub.size(&url), Some(3));
    assert_eq!(hub.size(&pinned("absent.bin")), None);
    assert!(world.hub.requests().iter().all(|it| it.method == "HEAD"));
}

#[test]
fn a_commit_that_is_another_than_the_pinned_one() {
    let world = World::new();
    world.hub.publish(REPO, "a.json", b"{}", None);
    let other = "f".repeat(40);
    let file = at(&other, "a.json");
    let mut resource = Resource::plain(b"{}");
    resource
        .headers
        .push(("X-Repo-Commit".into(), COMMIT.into()));
    world.hub.put(&resolve(&file), resource);
    let error = world.open(&file).expect_err("another").to_string();
    assert!(error.contains(&other) && error.contains(COMMIT), "{error}");
}

/// Names that a server makes up never become paths.
#[test]
fn an_etag_that_leads_out_of_the_cache() {
    let world = World::new();
    let file = pinned("a.json");
    let mut resource = Resource::plain(b"{}");
    resource
        .headers
        .push(("X-Repo-Commit".into(), COMMIT.into()));
    resource.etag = "\"../../../escaped\"".into();
    world.hub.put(&resolve(&file), resource);
    let error = world.open(&file).expect_err("refused").to_string();
    assert!(error.contains("ETag"), "{error}");
}

#[test]
fn something_that_is_no_hub() {
    let world = World::new();
    let file = pinned("a.json");
    world.hub.put(&resolve(&file), Resource::plain(b"<html>"));
    let error = world.open(&file).expect_err("refused").to_string();
    assert!(error.contains("HF_ENDPOINT"), "{error}");
}

#[test]
fn nobody_there() {
    let world = World::new();
    let mut settings = world.settings();
    // The port is free again once its server has stopped.
    settings.endpoint = Server::start().expect("a server").url();
    let error = world.client(settings).open(&pinned("a.json"), &|_| {});
    let error = error.expect_err("nobody").to_string();
    assert!(error.contains("cannot be reached"), "{error}");
    assert_eq!(world.pauses(), 0);
}

#[test]
fn a_full_disk() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let partial = world.blob(&format!("{}.incomplete", git_sha1(&content())));
    fs::create_dir_all(partial.parent().expect("a folder")).expect("folders");
    std::os::unix::fs::symlink("/dev/full", &partial).expect("a link");
    let error = world.open(&pinned("a.bin")).expect_err("full").to_string();
    for part in ["No space left", "make room", "HF_HUB_CACHE", ".incomplete"] {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
}

#[test]
fn a_cache_that_cannot_be_made() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", b"abc", None);
    // A file where a folder should be: refused to everybody, the superuser included.
    fs::write(world.folder.path().join("hf"), "").expect("a file");
    let error = world.open(&pinned("a.bin")).expect_err("no folder");
    assert!(matches!(error, HubError::Disk { .. }), "{error}");
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

/// Many at once want one file: one fetches it, all have it.
#[test]
fn several_clients_take_turns() {
    let world = World::new();
    world.hub.publish(REPO, "a.bin", &content(), None);
    let file = pinned("a.bin");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(read(&world.open(&file).expect("fetched").path), content()));
        }
    });
    assert_eq!(world.gets(&file).len(), 1);
}

/// A repository of kind `dataset`: its address, and its folder as `huggingface_hub` names it.
#[test]
fn a_repository_of_data() {
    let world = World::new();
    let mut file = pinned("data/test.parquet");
    file.name = "test.parquet".into();
    if let RemotePlace::Hub(hub) = &mut file.place {
        hub.kind = RepoKind::Dataset;
    }
    // A model of the same name is another repository.
    world
        .hub
        .publish(REPO, "data/test.parquet", b"a model's", None);
    let repo = format!("datasets/{REPO}");
    world
        .hub
        .publish(&repo, "data/test.parquet", &content(), Some(&world.storage));
    let found = world.open(&file).expect("a file");
    let root = world.settings().hub_cache.join("datasets--owner--model");
    let place = root
        .join("snapshots")
        .join(COMMIT)
        .join("data/test.parquet");
    assert_eq!((&found.path, read(&found.path)), (&place, content()));
    assert_eq!(found.sha256, sha256(&content()));
    assert!(root.join("blobs").join(sha256(&content())).is_file());
    let asked = format!("/{repo}/resolve/{COMMIT}/data/test.parquet");
    assert!(world.hub.requests().iter().all(|it| it.path == asked));
    // From the cache, as the Python tools leave it, nothing is asked.
    let before = world.hub.requests().len();
    let again = world.open(&file).expect("a file");
    assert!(!again.fetched && world.hub.requests().len() == before);
}

/// A notice, a form or an error page with status 200 is no file, whatever its Content-Type says.
/// Guards against keeping such a page as the file that was asked for.
#[test]
fn a_web_page_is_refused_and_not_kept() {
    const PAGE: &[u8] = b"<!DOCTYPE html>\n<html><title>Please log in</title></html>";
    for content_type in ["text/html; charset=utf-8", "image/jpeg"] {
        let world = World::new();
        let mut page = Resource::plain(PAGE);
        page.headers
            .push(("Content-Type".into(), content_type.into()));
        world.hub.put("/a/photo.jpg", page.clone());
        let url = format!("{}/a/photo.jpg", world.hub.url());
        let mut file = urls("photo.jpg", vec![url.clone()]);
        // The page is what is wrong, not its size.
        file.bytes = Some(1000);
        let error = world.open(&file).expect_err("a page").to_string();
        let all = [url.as_str(), content_type, "Please log in"];
        assert!(all.iter().all(|part| error.contains(part)), "{error}");
        assert_eq!(world.gets_of("/a/photo.jpg"), 1, "it is not asked again");
        let kept = world.client(world.settings()).put_at(&file);
        let folder = kept.parent().expect("a folder");
        let left = fs::read_dir(folder).expect("entries").flatten();
        let left: Vec<_> = left.map(|it| it.file_name()).collect();
        assert_eq!(left, ["photo.jpg.lock"]);
        // Another mirror may have it, and a page is a file where one was asked for.
        world.hub.put("/b/photo.jpg", Resource::plain(b"pixels"));
        let other = format!("{}/b/photo.jpg", world.hub.url());
        let found = world.open(&urls("photo.jpg", vec![url, other]));
        assert_eq!(read(&found.expect("a file").path), b"pixels");
        world.hub.put("/page.html", page);
        let url = format!("{}/page.html", world.hub.url());
        assert!(world.open(&urls("page.html", vec![url])).is_ok());
    }
}

/// A file of the hub is held to the same.
#[test]
fn a_web_page_in_place_of_a_large_file() {
    let world = World::new();
    world
        .hub
        .publish(REPO, "images.zip", &content(), Some(&world.storage));
    let page = Resource::plain(b"<html>quota exceeded</html>");
    let storage = format!("/storage/{}", sha256(&content()));
    world.storage.put(&storage, page);
    let error = world.open(&pinned("images.zip")).expect_err("a page");
    assert!(
        matches!(&error, HubError::Page { words, .. } if words.contains("quota exceeded")),
        "{error}"
    );
}

#[test]
fn a_list_pins_a_branch_and_is_asked_for_once() {
    let world = World::new();
    world.hub.publish_list(REPO, &["config.json", "a/b.json"]);
    let list = |revision: &str, offline: bool| {
        let settings = Settings {
            offline,
            ..world.settings()
        };
        world.client(settings).list(REPO, revision, &|_| {})
    };
    let first = list("main", false).expect("a list");
    assert_eq!(
        (&*first.commit, &first.files[..]),
        (COMMIT, &["a/b.json".to_owned(), "config.json".into()][..])
    );
    for revision in ["main", COMMIT] {
        assert_eq!(list(revision, false).expect("a list"), first);
        assert_eq!(list(revision, true).expect("a list"), first);
    }
    assert_eq!(world.hub.requests().len(), 1);
}

#[test]
fn without_a_network_a_list_is_what_the_cache_holds() {
    let world = World::new();
    world.hub.publish(REPO, "config.json", b"{}", None);
    world.open(&at("main", "config.json")).expect("a file");
    let settings = Settings {
        offline: true,
        ..world.settings()
    };
    let listing = world.client(settings.clone()).list(REPO, "main", &|_| {});
    assert_eq!(listing.expect("a list").files, ["config.json"]);
    let other = "f".repeat(40);
    let error = world.client(settings).list(REPO, &other, &|_| {});
    let message = error.expect_err("nothing of it").to_string();
    for part in [&other, COMMIT, "/api/models/owner/model"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_list_that_cannot_be_had_says_why() {
    let world = World::new();
    let error = || world.client(world.settings()).list(REPO, "main", &|_| {});
    let message = error().expect_err("no such repository").to_string();
    assert!(message.contains("404"), "{message}");
    let path = format!("/api/models/{REPO}/revision/main");
    world
        .hub
        .put(&path, Resource::plain(b"<html>Sign in</html>"));
    let message = error().expect_err("a page").to_string();
    assert!(message.contains("web page"), "{message}");
    world.hub.put(&path, Resource::plain(br#"{"sha": "x"}"#));
    let message = error().expect_err("no commit").to_string();
    assert!(message.contains("is HF_ENDPOINT a model hub?"), "{message}");
}

/// Guards against advice that does not work: a file of a branch was to be put where nothing looks for it.
#[test]
fn offline_a_file_is_found_where_the_message_says() {
    for noted in [false, true] {
        let world = World::new();
        let settings = Settings {
            offline: true,
            ..world.settings()
        };
        if noted {
            let refs = settings.hub_cache.join("models--owner--model/refs");
            fs::create_dir_all(&refs).expect("a folder");
            fs::write(refs.join("main"), COMMIT).expect("a note");
        }
        let client = world.client(settings);
        let error = client.open(&at("main", "config.json"), &|_| {});
        let HubError::Missing { put_at, origin, .. } = error.expect_err("nothing here") else {
            panic!("another error");
        };
        assert!(
            origin.ends_with("/owner/model/resolve/main/config.json"),
            "{origin}"
        );
        fs::create_dir_all(put_at.parent().expect("a folder")).expect("folders");
        fs::write(&put_at, "{}").expect("put there");
        let found = client
            .open(&at("main", "config.json"), &|_| {})
            .expect("found");
        assert_eq!(found.path, put_at);
    }
}

/// A proxy on loopback that connects to whatever it is asked for, and notes the first line of every request.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let notes = Arc::clone(&notes);
                thread::spawn(move || drop(pass_on(client, &notes)));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("requests").clone()
    }
}

fn pass_on(mut client: TcpStream, notes: &Mutex<Vec<String>>) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    notes.lock().expect("requests").push(line.to_owned());
    let target = line.split(' ').nth(1).unwrap_or_default();
    let mut server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// The settings of a world, with the way to servers that these variables say.
fn on_the_way(world: &World, variables: &[(&str, String)]) -> Settings {
    let get = |name: &str| {
        let found = variables.iter().find(|pair| pair.0 == name);
        found.map(|pair| pair.1.clone().into())
    };
    Settings {
        network: Settings::from_variables(Path::new("own"), get).network,
        ..world.settings()
    }
}

/// Guards against a variable for one scheme that ureq would take for all.
#[test]
fn through_a_proxy_and_past_it() {
    let world = World::new();
    world.hub.publish(REPO, "config.json", b"{}", None);
    let proxy = Proxy::start();
    let url = format!("http://{}", proxy.address);
    let open = |variables: &[(&str, String)]| {
        let _ = fs::remove_dir_all(world.settings().hub_cache);
        let client = world.client(on_the_way(&world, variables));
        client
            .open(&pinned("config.json"), &|_| {})
            .expect("a file");
        proxy.asked()
    };
    let asked = open(&[("HTTP_PROXY", url.clone())]);
    let line = format!("CONNECT {} ", &world.hub.url()["http://".len()..]);
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|it| it.starts_with(&line)), "{asked:?}");
    let hosts = "localhost, 127.0.0.1".to_owned();
    for variables in [
        &[("HTTP_PROXY", url.clone()), ("NO_PROXY", hosts.clone())][..],
        &[("all_proxy", url.clone()), ("no_proxy", hosts)],
        &[("HTTPS_PROXY", url.clone())],
    ] {
        assert_eq!(open(variables).len(), asked.len(), "{variables:?}");
    }
    assert!(open(&[("ALL_PROXY", url)]).len() > asked.len());
}

#[test]
fn a_proxy_that_is_not_there_is_named_by_its_variable() {
    let world = World::new();
    world.hub.publish(REPO, "config.json", b"{}", None);
    for address in [
        "http://me:secret@127.0.0.1:1",
        "socks5://me:secret@127.0.0.1:1",
    ] {
        let settings = on_the_way(&world, &[("http_proxy", address.to_owned())]);
        let opened = world.client(settings).open(&pinned("config.json"), &|_| {});
        let error = opened.expect_err("no file").to_string();
        assert!(error.contains("http_proxy"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert_eq!((world.pauses(), world.hub.requests().len()), (0, 0));
}

/// Nothing is asked of a server whose certificates nobody could check.
#[test]
fn certificates_that_are_not_there_are_named_by_their_variable() {
    let world = World::new();
    world.hub.publish(REPO, "config.json", b"{}", None);
    let settings = on_the_way(&world, &[("SSL_CERT_FILE", "/nowhere/ca.pem".to_owned())]);
    let opened = world.client(settings).open(&pinned("config.json"), &|_| {});
    let error = opened.expect_err("no file").to_string();
    assert!(error.contains("SSL_CERT_FILE: /nowhere/ca.pem"), "{error}");
    assert!(world.hub.requests().is_empty());
}

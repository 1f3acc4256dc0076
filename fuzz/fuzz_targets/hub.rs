//! What a hub answers: the input is cut at zero bytes into answers of a server on loopback, which go out as they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_files::{HubFile, RemoteFile, RemotePlace, RepoKind};
use nnn_hub::{Hub, Network, Patience, Settings};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

static ANSWERS: Mutex<VecDeque<Vec<u8>>> = Mutex::new(VecDeque::new());

/// The port of the server.
static PORT: LazyLock<u16> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    port
});

/// Answers one request, or closes the connection where nothing is left to answer.
fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        request.push(byte[0]);
    }
    let next = ANSWERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front();
    let _ = stream.write_all(&next.unwrap_or_default());
}

fn file(place: RemotePlace) -> RemoteFile {
    RemoteFile {
        name: "it.bin".to_owned(),
        place,
        sha256: None,
        bytes: None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let answers = bytes.split(|it| *it == 0).take(8).map(<[u8]>::to_vec);
    *ANSWERS.lock().unwrap_or_else(PoisonError::into_inner) = answers.collect();
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        endpoint: format!("http://127.0.0.1:{}", *PORT),
        hub_cache: folder.path().join("hub"),
        downloads: folder.path().join("own"),
        token: None,
        offline: false,
        network: Network::default(),
    };
    let patience = Patience {
        tries: 2,
        first: Duration::ZERO,
        longest: Duration::ZERO,
        sleep: Arc::new(|_| ()),
    };
    let url = format!("{}/it.bin", settings.endpoint);
    let hub = Hub::new(settings, patience);
    let _ = hub.open(&file(RemotePlace::Urls(vec![url])), &|_| ());
    let _ = hub.list("owner/model", "main", &|_| ());
    let on_hub = HubFile {
        kind: RepoKind::Model,
        repo: "owner/model".to_owned(),
        revision: "main".to_owned(),
        path: "it.bin".to_owned(),
    };
    let _ = hub.open(&file(RemotePlace::Hub(on_hub)), &|_| ());
});

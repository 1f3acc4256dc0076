//! A small server on loopback that speaks the protocol of a model hub, faults included.
//!
//! A [`Server`] gives [`Resource`]s by path, with ETags, ranges and conditions as RFC 9110 has them, redirects and tokens,
//! and takes the [`Fault`]s it was told to make first. It notes every request. [`Server::publish`] lays a file out as the
//! hub does: `/<repo>/resolve/<revision>/<path>` with the commit, small files with git's checksum as ETag, large ones
//! redirected to another server that knows nothing of tokens.
//!
//! One thread a connection, one request a connection, bodies in memory, no TLS: enough for a test, and for nothing else.

mod request;

pub use request::Request;

use sha1::Digest;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// A commit, as `publish` gives it to every file.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What lies at a path.
#[derive(Debug, Clone, Default)]
pub struct Resource {
    /// The content.
    pub body: Vec<u8>,
    /// The ETag with its quotes; none if empty.
    pub etag: String,
    /// Other headers of the answer.
    pub headers: Vec<(String, String)>,
    /// Whether parts can be asked for.
    pub ranges: bool,
    /// Where to go instead (status 302).
    pub redirect: Option<String>,
    /// The token without which the answer is 401.
    pub token: Option<String>,
}

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An answer of this status with these headers.
    Status(u16, Vec<(String, String)>),
    /// The connection ends after so many bytes of the body, of which more were announced.
    Truncate(usize),
    /// The connection stays open and silent after so many bytes, until the server stops.
    Stall(usize),
    /// One byte of the body is another.
    Flip(usize),
}

#[derive(Default)]
struct Shared {
    resources: Mutex<HashMap<String, Resource>>,
    faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    requests: Mutex<Vec<Request>>,
    stopped: AtomicBool,
}

/// A running server; it stops with the value.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server at a free port of 127.0.0.1.
    ///
    /// # Errors
    /// There is no port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || accept(&listener, &for_thread));
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts something at a path (which begins with `/`).
    pub fn put(&self, path: &str, resource: Resource) {
        hold(&self.shared.resources).insert(path.to_owned(), resource);
    }

    /// What lies at a path.
    #[must_use]
    pub fn resource(&self, path: &str) -> Option<Resource> {
        hold(&self.shared.resources).get(path).cloned()
    }

    /// The next requests for content at a path (not those with HEAD) go wrong in these ways, one each.
    pub fn fail(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        let mut all = hold(&self.shared.faults);
        all.entry(path.to_owned()).or_default().extend(faults);
    }

    /// The next HEAD requests at a path go wrong.
    pub fn fail_head(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.fail(&format!("HEAD {path}"), faults);
    }

    /// What has been asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        hold(&self.shared.requests).clone()
    }

    /// Lays out a file of a repository (`owner/name`, or `datasets/owner/name`) as the hub does, at the commit [`COMMIT`]
    /// and at `main`: a large file if there is a `storage` to redirect to, a small one otherwise.
    pub fn publish(&self, repo: &str, path: &str, body: &[u8], storage: Option<&Server>) {
        let mut resource = Resource {
            headers: vec![("X-Repo-Commit".into(), COMMIT.into())],
            ranges: true,
            ..Resource::default()
        };
        match storage {
            None => {
                resource.etag = format!("\"{}\"", git_sha1(body));
                resource.body = body.to_vec();
            }
            Some(storage) => {
                let sum = sha256(body);
                let place = format!("/storage/{sum}");
                storage.put(&place, Resource::plain(body));
                resource.headers.extend([
                    ("X-Linked-Etag".to_owned(), format!("\"{sum}\"")),
                    ("X-Linked-Size".to_owned(), body.len().to_string()),
                ]);
                resource.redirect = Some(format!("{}{place}?Signature=secret", storage.url()));
            }
        }
        for revision in [COMMIT, "main"] {
            self.put(
                &format!("/{repo}/resolve/{revision}/{path}"),
                resource.clone(),
            );
        }
    }
}

impl Server {
    /// Lays out the list of a repository's files as the hub answers it, at the commit [`COMMIT`] and at `main`.
    pub fn publish_list(&self, repo: &str, files: &[&str]) {
        let files = files.iter().map(|it| format!(r#"{{"rfilename": "{it}"}}"#));
        let files = files.collect::<Vec<_>>().join(", ");
        let body = format!(r#"{{"id": "{repo}", "sha": "{COMMIT}", "siblings": [{files}]}}"#);
        for revision in [COMMIT, "main"] {
            let path = format!("/api/models/{repo}/revision/{revision}");
            self.put(&path, Resource::plain(body.as_bytes()));
        }
    }
}

impl Resource {
    /// Content with an ETag, of which parts can be asked for.
    #[must_use]
    pub fn plain(body: &[u8]) -> Self {
        Self {
            etag: format!("\"v-{}\"", &sha256(body)[..8]),
            body: body.to_vec(),
            ranges: true,
            ..Self::default()
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// SHA-256 as hexadecimal digits.
#[must_use]
pub fn sha256(body: &[u8]) -> String {
    hex(&sha2::Sha256::digest(body))
}

/// SHA-1 as git counts it for a file.
#[must_use]
pub fn git_sha1(body: &[u8]) -> String {
    let mut sum = sha1::Sha1::new();
    sum.update(format!("blob {}\0", body.len()));
    sum.update(body);
    hex(&sum.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A test that has failed elsewhere still gets its requests.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(connection) = connection {
            let shared = Arc::clone(shared);
            // A client that leaves early is no failure of the server.
            std::thread::spawn(move || serve(&connection, &shared));
        }
    }
}

fn serve(mut connection: &TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = Request::read(connection)?;
    hold(&shared.requests).push(request.clone());
    let key = match request.is_head() {
        true => format!("HEAD {}", request.path),
        false => request.path.clone(),
    };
    let fault = hold(&shared.faults)
        .get_mut(&key)
        .and_then(VecDeque::pop_front);
    if let Some(Fault::Status(status, headers)) = &fault {
        return connection.write_all(&head(*status, headers, 0));
    }
    let resource = hold(&shared.resources).get(&request.path).cloned();
    let (status, headers, body) = answer(&request, resource);
    connection.write_all(&head(status, &headers, body.len()))?;
    if !request.is_head() {
        send(connection, body, fault, shared)?;
    }
    connection.shutdown(Shutdown::Write)
}

fn send(
    mut connection: &TcpStream,
    mut body: Vec<u8>,
    fault: Option<Fault>,
    shared: &Shared,
) -> io::Result<()> {
    match fault {
        Some(Fault::Truncate(at)) => body.truncate(at),
        Some(Fault::Flip(at)) => body[at] ^= 1,
        Some(Fault::Stall(at)) => {
            connection.write_all(&body[..at.min(body.len())])?;
            while !shared.stopped.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
        _ => {}
    }
    connection.write_all(&body)
}

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

fn answer(request: &Request, resource: Option<Resource>) -> Answer {
    let Some(resource) = resource else {
        return (404, Vec::new(), Vec::new());
    };
    if let Some(token) = &resource.token
        && request.header("authorization") != Some(&format!("Bearer {token}"))
    {
        return (401, Vec::new(), Vec::new());
    }
    let mut headers = resource.headers.clone();
    if let Some(target) = &resource.redirect {
        headers.push(("Location".into(), target.clone()));
        return (302, headers, Vec::new());
    }
    if !resource.etag.is_empty() {
        headers.push(("ETag".into(), resource.etag.clone()));
    }
    part(request, resource, headers)
}

/// The content, or the part that was asked for if it is still of the same content.
fn part(request: &Request, resource: Resource, mut headers: Vec<(String, String)>) -> Answer {
    let length = resource.body.len();
    let same = request
        .header("if-range")
        .is_none_or(|etag| etag == resource.etag);
    let range = request.header("range").filter(|_| resource.ranges && same);
    let Some(from) =
        range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
    else {
        return (200, headers, resource.body);
    };
    if from >= length {
        headers.push(("Content-Range".into(), format!("bytes */{length}")));
        return (416, headers, Vec::new());
    }
    let range = format!("bytes {from}-{}/{length}", length - 1);
    headers.push(("Content-Range".into(), range));
    (206, headers, resource.body[from..].to_vec())
}

fn head(status: u16, headers: &[(String, String)], length: usize) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Test\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {length}\r\n\r\n"));
    text.into_bytes()
}

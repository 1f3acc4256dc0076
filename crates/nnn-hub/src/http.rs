//! Requests: redirects followed by hand, so that the token goes to the address it is meant for and to no other.

use crate::error::{HubError, Refusal};
use crate::network::Network;
use crate::retry::Fault;
use crate::settings::Token;
use std::io::{Cursor, ErrorKind, Read};
use std::sync::OnceLock;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode, Uri};
use ureq::tls::TlsConfig;

const USER_AGENT: &str = concat!("nnn-bench/", env!("CARGO_PKG_VERSION"));

/// As many as curl and browsers follow at least.
const MOST_REDIRECTS: usize = 10;

/// A connection that is not made within this time has failed.
const CONNECT: Duration = Duration::from_secs(30);

/// A server that has not begun to answer, or a transfer that has stood still, for this long has failed.
const SILENCE: Duration = Duration::from_secs(60);

/// A client for any number of requests.
#[derive(Debug)]
pub(crate) struct Client {
    network: Network,
    /// Made at the first request, so that what the environment says of certificates matters only where something is asked.
    agent: OnceLock<ureq::Agent>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The file's name on the card, for messages.
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    /// Goes to the scheme, host and port of `url` only.
    pub(crate) token: Option<&'a Token>,
    pub(crate) headers: &'a [(&'a str, String)],
}

/// An answer with a status of success.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What has been looked at before the rest is read.
    begun: Vec<u8>,
    body: ureq::Body,
}

/// How much of an answer is looked at to tell a web page from a file.
const LOOKED_AT: u64 = 512;

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn into_reader(self) -> impl Read {
        Cursor::new(self.begun).chain(self.body.into_reader())
    }

    /// The first bytes of the content. Where they break off, whoever reads on learns why.
    fn begin(&mut self) -> &[u8] {
        let mut reader = self.body.as_reader().take(LOOKED_AT);
        let _ = reader.read_to_end(&mut self.begun);
        &self.begun
    }

    /// Refuses a web page where a file was asked for: a notice, a form or an error that says that all is well.
    pub(crate) fn refuse_page(&mut self, ask: &Ask<'_>) -> Result<(), HubError> {
        let content_type = self.header("content-type").unwrap_or("none").to_owned();
        let words = match page_words(self.begin()) {
            Some(words) if !is_page_name(ask.name) => words,
            _ => return Ok(()),
        };
        Err(HubError::Page {
            name: ask.name.to_owned(),
            url: shown(ask.url),
            content_type,
            words,
        })
    }
}

impl Client {
    pub(crate) fn new(network: Network) -> Self {
        Self {
            network,
            agent: OnceLock::new(),
        }
    }

    fn agent(&self) -> Result<&ureq::Agent, HubError> {
        if let Some(agent) = self.agent.get() {
            return Ok(agent);
        }
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            // A compressed transfer has no positions to resume from.
            .accept_encoding("identity")
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            // Of a variable for one scheme ureq would make the proxy of all.
            .proxy(None);
        if let Some(roots) = self.network.roots()? {
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        let agent = config.build().into();
        Ok(self.agent.get_or_init(|| agent))
    }

    /// Asks for a file's content.
    pub(crate) fn get(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let answer = self.follow(ask, false, |_, _| true)?;
        judge(ask, answer)
    }

    /// Asks for what is known of a file. A redirect to another address is an answer: what the hub itself says of a file
    /// stands in it.
    pub(crate) fn head_here(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let answer = self.follow(ask, true, same_origin)?;
        match answer.status.is_redirection() {
            true => Ok(answer),
            false => judge(ask, answer),
        }
    }

    /// Asks for what is known of a file wherever it is.
    pub(crate) fn head(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let answer = self.follow(ask, true, |_, _| true)?;
        judge(ask, answer)
    }

    fn follow(
        &self,
        ask: &Ask<'_>,
        head: bool,
        goes_on: impl Fn(&Uri, &Uri) -> bool,
    ) -> Result<Answer, Fault> {
        let first = parse(ask, ask.url)?;
        let mut here = first.clone();
        for _ in 0..=MOST_REDIRECTS {
            let token = ask.token.filter(|_| same_origin(&first, &here));
            let answer = self.send(ask, &here, token, head)?;
            let Some(next) = location(ask, &here, &answer)? else {
                return Ok(answer);
            };
            if !goes_on(&here, &next) {
                return Ok(answer);
            }
            here = next;
        }
        Err(bad_answer(ask, format!("more than {MOST_REDIRECTS} redirects")).into())
    }

    fn send(
        &self,
        ask: &Ask<'_>,
        url: &Uri,
        token: Option<&Token>,
        head: bool,
    ) -> Result<Answer, Fault> {
        let (agent, proxy) = (self.agent()?, self.network.proxy(url)?);
        let mut request = match head {
            true => agent.head(url),
            false => agent.get(url),
        };
        for (name, value) in ask.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = token {
            request = request.header("authorization", token.header());
        }
        let request = request.config().proxy(proxy).build();
        let answer = request.call();
        let answer = answer.map_err(|error| fault(ask, error, &self.network.way(url)))?;
        let (parts, body) = answer.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            begun: Vec::new(),
            body,
        })
    }
}

/// Whether a certificate is refused, which no later try changes. The kind of the error says no more than that data are wrong.
fn is_untrusted(error: &ureq::Error) -> bool {
    let said = error.to_string();
    said.contains("invalid peer certificate")
}

/// Whether a name could not be resolved or nobody listens: there is no point in trying again at once.
fn is_unreachable(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectProxyFailed(_) => true,
        ureq::Error::Io(error) => {
            let kinds = [
                ErrorKind::ConnectionRefused,
                ErrorKind::NetworkUnreachable,
                ErrorKind::HostUnreachable,
            ];
            // A name that is not resolved has no kind of its own.
            kinds.contains(&error.kind()) || error.to_string().contains("lookup address")
        }
        _ => false,
    }
}

/// `way` says through which proxy, if any.
fn fault(ask: &Ask<'_>, error: ureq::Error, way: &str) -> Fault {
    if is_untrusted(&error) {
        let reason = format!(
            "{error}{way}; SSL_CERT_FILE can name a file with the certificates that are to be trusted, in PEM format"
        );
        return Fault::Lasting(bad_answer(
            ask,
            format!("a certificate that is refused: {reason}"),
        ));
    }
    if is_unreachable(&error) {
        return Fault::Lasting(HubError::Unreachable {
            name: ask.name.to_owned(),
            url: shown(ask.url),
            reason: format!("{error}{way}"),
            others: Vec::new(),
        });
    }
    match error {
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::Protocol(_) => {
            Fault::passing(format!("{error}{way}"))
        }
        ureq::Error::ConnectionFailed => Fault::passing(format!("{error}{way}")),
        other => bad_answer(ask, format!("an error: {other}{way}")).into(),
    }
}

pub(crate) fn bad_answer(ask: &Ask<'_>, reason: String) -> HubError {
    HubError::Answer {
        name: ask.name.to_owned(),
        url: shown(ask.url),
        reason,
    }
}

/// Statuses that may pass are faults that pass; others mean what they say.
fn judge(ask: &Ask<'_>, answer: Answer) -> Result<Answer, Fault> {
    let status = answer.status;
    // 416: what was resumed is not there any more; the transfer begins again.
    if status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(answer);
    }
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passing.contains(&status) {
        let seconds = answer
            .header("retry-after")
            .and_then(|it| it.trim().parse().ok());
        return Err(Fault::Passing {
            reason: format!("answer {status}"),
            wait: seconds.map(Duration::from_secs),
            advanced: false,
        });
    }
    Err(Fault::Lasting(HubError::Refused {
        name: ask.name.to_owned(),
        url: shown(ask.url),
        status: status.as_u16(),
        refusal: refusal(ask, &answer),
    }))
}

/// What a refusal means, from the status and the code that the hub adds to it.
fn refusal(ask: &Ask<'_>, answer: &Answer) -> Refusal {
    match (answer.status.as_u16(), answer.header("x-error-code")) {
        (401 | 403, Some("GatedRepo")) => Refusal::Gated {
            page: page(ask.url),
        },
        (401 | 403, _) => Refusal::Token(match ask.token {
            None => "it needs a token (set HF_TOKEN), or there is no such repository".to_owned(),
            Some(_) => "the token does not open it, or there is no such repository".to_owned(),
        }),
        (404 | 410, Some("RepoNotFound")) => Refusal::Absent("there is no such repository"),
        (404 | 410, Some("RevisionNotFound")) => {
            Refusal::Absent("the repository has no such revision")
        }
        (404 | 410, Some("EntryNotFound")) => {
            Refusal::Absent("the repository has no such file there")
        }
        (404 | 410, _) => Refusal::Absent("there is no such file"),
        _ => Refusal::Other,
    }
}

/// The page of the repository that an address of one of its files, or of the list of them, belongs to.
fn page(url: &str) -> String {
    let whole = url.split("/resolve/").next().unwrap_or(url);
    let repo = whole.split("/revision/").next().unwrap_or(whole);
    repo.replacen("/api/models/", "/", 1)
}

/// Where a redirect leads; none for other answers.
fn location(ask: &Ask<'_>, here: &Uri, answer: &Answer) -> Result<Option<Uri>, Fault> {
    if ![301, 302, 303, 307, 308].contains(&answer.status.as_u16()) {
        return Ok(None);
    }
    let Some(target) = answer.header("location") else {
        return Err(bad_answer(ask, "a redirect to nowhere".to_owned()).into());
    };
    let next = parse(ask, &join(here, target))?;
    if here.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
        return Err(bad_answer(
            ask,
            format!("a redirect to {}, which is not https", shown(target)),
        )
        .into());
    }
    Ok(Some(next))
}

/// A redirect's target from where it was given.
fn join(here: &Uri, target: &str) -> String {
    let scheme = here.scheme_str().unwrap_or("https");
    let authority = here.authority().map_or("", |it| it.as_str());
    if target.starts_with("http://") || target.starts_with("https://") {
        target.to_owned()
    } else if target.starts_with("//") {
        format!("{scheme}:{target}")
    } else if target.starts_with('/') {
        format!("{scheme}://{authority}{target}")
    } else {
        let folder = here.path().rsplit_once('/').map_or("", |it| it.0);
        format!("{scheme}://{authority}{folder}/{target}")
    }
}

fn parse(ask: &Ask<'_>, url: &str) -> Result<Uri, HubError> {
    url.parse()
        .map_err(|_| bad_answer(ask, format!("the address {}, which is none", shown(url))))
}

/// Scheme, host and port.
fn same_origin(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

/// The first words of a web page; none where the content does not begin as one.
fn page_words(begin: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(begin);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let starts = ["<!doctype html", "<html", "<head", "<body"];
    let lower = text.to_lowercase();
    starts
        .iter()
        .any(|start| lower.starts_with(start))
        .then(|| {
            let words = text.split(|c: char| c.is_whitespace() || c.is_control());
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            words.join(" ").chars().take(80).collect()
        })
}

fn is_page_name(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".html") || name.ends_with(".htm")
}

/// An address for messages: without its query, where signatures are.
pub(crate) fn shown(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or(url).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_read_from_where_they_are_given() {
        let here: Uri = "https://a.b:1/c/d?e".parse().expect("an address");
        for (target, expected) in [
            ("http://x/y", "http://x/y"),
            ("//x/y", "https://x/y"),
            ("/y?z", "https://a.b:1/y?z"),
            ("y", "https://a.b:1/c/y"),
        ] {
            assert_eq!(join(&here, target), expected);
        }
    }

    #[test]
    fn pages_are_told_from_files() {
        for page in [
            "<!DOCTYPE html>\n<title>Not here</title>",
            "\u{feff} \n<HTML lang=en>",
            "<head>",
        ] {
            assert!(page_words(page.as_bytes()).is_some(), "{page}");
        }
        for file in [
            &b"PK\x03\x04"[..],
            b"",
            b"raw,split\n<html>",
            b"\xff\xd8\xff",
            b"<svg>",
        ] {
            assert_eq!(page_words(file), None, "{file:?}");
        }
        let words = page_words(b"<html>\n\t<h1>Gone\x00away</h1>");
        assert_eq!(words.as_deref(), Some("<html> <h1>Gone away</h1>"));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let uri = |text: &str| text.parse::<Uri>().expect("an address");
        let here = uri("http://127.0.0.1:1/a");
        assert!(same_origin(&here, &uri("http://127.0.0.1:1/b")));
        for other in [
            "http://127.0.0.1:2/a",
            "https://127.0.0.1:1/a",
            "http://b:1/a",
        ] {
            assert!(!same_origin(&here, &uri(other)), "{other}");
        }
    }
}

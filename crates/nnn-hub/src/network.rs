//! The way to servers: through which proxy, and whose certificates are trusted. From the environment, as curl and the
//! Python tools read it.

use crate::error::HubError;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};
use ureq::{Proxy, ProxyProtocol};

/// What the environment says of the way to servers. Without it all are asked directly, and the certificates of browsers
/// are trusted.
#[derive(Clone, Default)]
pub struct Network {
    http: Option<Named>,
    https: Option<Named>,
    /// Hosts that are asked directly.
    direct: Vec<String>,
    certificate_file: Option<PathBuf>,
    certificate_folders: Vec<PathBuf>,
}

/// A proxy as a variable names it. The address may hold a password.
#[derive(Clone)]
struct Named {
    variable: &'static str,
    address: String,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = |it: &Option<Named>| it.as_ref().map(|it| it.variable);
        f.debug_struct("Network")
            .field("http", &variable(&self.http))
            .field("https", &variable(&self.https))
            .field("direct", &self.direct)
            .field("certificate_file", &self.certificate_file)
            .field("certificate_folders", &self.certificate_folders)
            .finish()
    }
}

impl Network {
    /// From `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, each in small letters or else in capitals, and from
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`. Nothing is read yet.
    pub(crate) fn from_variables(get: &impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |variables: [&'static str; 4]| {
            variables.into_iter().find_map(|variable| {
                let address = get(variable)?.to_string_lossy().trim().to_owned();
                Some(Named { variable, address })
            })
        };
        let hosts = get("no_proxy").or_else(|| get("NO_PROXY"));
        let hosts = hosts.unwrap_or_default().to_string_lossy().to_lowercase();
        let hosts = hosts.split(|c: char| c == ',' || c.is_whitespace());
        let folders = get("SSL_CERT_DIR").unwrap_or_default();
        Self {
            http: first(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            https: first(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            direct: (hosts.filter(|host| !host.is_empty()))
                .map(str::to_owned)
                .collect(),
            certificate_file: get("SSL_CERT_FILE").map(PathBuf::from),
            certificate_folders: std::env::split_paths(&folders)
                .filter(|folder| folder != Path::new(""))
                .collect(),
        }
    }

    /// The proxy on the way to an address; none if it is asked directly.
    ///
    /// # Errors
    /// [`HubError::Variable`]: what the variable says is no address of a proxy.
    pub(crate) fn proxy(&self, url: &Uri) -> Result<Option<Proxy>, HubError> {
        let Some(named) = self.named(url) else {
            return Ok(None);
        };
        // The address itself may hold a password, and is not shown.
        let wrong = |found: &str| HubError::Variable {
            variable: named.variable,
            reason: format!("{found}, expected http://host:port or https://host:port"),
        };
        let proxy =
            Proxy::new(&named.address).map_err(|_| wrong("this is no address of a proxy"))?;
        match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Ok(Some(proxy)),
            other => Err(wrong(&format!("a proxy of the kind {other}"))),
        }
    }

    /// Says for messages which proxy is on the way to an address.
    pub(crate) fn way(&self, url: &Uri) -> String {
        self.named(url).map_or_else(String::new, |named| {
            format!(" (through the proxy that {} names)", named.variable)
        })
    }

    fn named(&self, url: &Uri) -> Option<&Named> {
        let named = match url.scheme_str() {
            Some("http") => self.http.as_ref(),
            _ => self.https.as_ref(),
        };
        named.filter(|_| !self.is_direct(url))
    }

    /// Whether a host is named, alone or with its port, or lies below a domain that is.
    fn is_direct(&self, url: &Uri) -> bool {
        let bare = |host: &str| host.trim_matches(['[', ']']).to_lowercase();
        let host = bare(url.host().unwrap_or_default());
        let usual = if url.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = url.port_u16().unwrap_or(usual).to_string();
        self.direct.iter().any(|entry| {
            let (name, only) = match entry.rsplit_once(':') {
                // A colon before the last one: an address of IPv6, with its port behind brackets.
                Some((name, only)) if !name.contains(':') || name.ends_with(']') => (name, only),
                _ => (entry.as_str(), port.as_str()),
            };
            let name = bare(name.trim_start_matches('*').trim_start_matches('.'));
            let below = || host.strip_suffix(&name).is_some_and(|it| it.ends_with('.'));
            only == port && (entry == "*" || (!name.is_empty() && (host == name || below())))
        })
    }

    /// The certificates that stand in place of the built-in ones; none if the environment names none.
    ///
    /// # Errors
    /// [`HubError::Variable`]: a file cannot be read, or there is no certificate in what is named.
    pub(crate) fn roots(&self) -> Result<Option<RootCerts>, HubError> {
        let mut found = Vec::new();
        if let Some(file) = &self.certificate_file {
            let wrong = |reason: String| HubError::Variable {
                variable: "SSL_CERT_FILE",
                reason: format!("{}: {reason}", file.display()),
            };
            let bytes = fs::read(file).map_err(|error| wrong(error.to_string()))?;
            found = certificates(&bytes);
            if found.is_empty() {
                return Err(wrong(NO_CERTIFICATE.to_owned()));
            }
        } else if self.certificate_folders.is_empty() {
            return Ok(None);
        }
        for folder in &self.certificate_folders {
            // Folders of certificates hold links by hash, lists of revoked ones and more.
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let bytes = entries.filter_map(|entry| fs::read(entry.path()).ok());
            found.extend(bytes.flat_map(|it| certificates(&it)));
        }
        match found.is_empty() {
            true => Err(HubError::Variable {
                variable: "SSL_CERT_DIR",
                reason: NO_CERTIFICATE.to_owned(),
            }),
            false => Ok(Some(found.into())),
        }
    }
}

const NO_CERTIFICATE: &str = "there is no certificate in PEM format";

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).map_while(Result::ok);
    let certificates = items.filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    certificates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(variables: &[(&str, &str)]) -> Network {
        Network::from_variables(&|name| {
            let found = variables.iter().find(|pair| pair.0 == name);
            found.map(|pair| pair.1.into())
        })
    }

    fn port(network: &Network, url: &str) -> Option<u16> {
        let url = url.parse().expect("an address");
        network.proxy(&url).expect("a proxy").map(|it| it.port())
    }

    #[test]
    fn a_proxy_by_the_scheme_of_the_address() {
        let both = network(&[("HTTP_PROXY", "http://p:1"), ("https_proxy", "p:2")]);
        assert_eq!(port(&both, "http://a/b"), Some(1));
        assert_eq!(port(&both, "https://a/b"), Some(2));
        let one = network(&[("HTTPS_PROXY", "http://p:1")]);
        assert_eq!(port(&one, "http://a/b"), None);
        let all = network(&[("ALL_PROXY", "http://p:3"), ("http_proxy", "http://p:1")]);
        assert_eq!(port(&all, "http://a/b"), Some(1));
        assert_eq!(port(&all, "https://a/b"), Some(3));
    }

    #[test]
    fn hosts_that_are_asked_directly() {
        let names = "localhost, example.com .b.org *.c.org,127.0.0.1:81,[::1]:82,::2";
        let network = network(&[("ALL_PROXY", "http://p:3"), ("NO_PROXY", names)]);
        for (host, direct) in [
            ("localhost", true),
            ("EXAMPLE.com:8080", true),
            ("sub.example.com", true),
            ("notexample.com", false),
            ("example.com.org", false),
            ("a.b.org", true),
            ("a.c.org", true),
            ("127.0.0.1:81", true),
            ("127.0.0.1:80", false),
            ("[::1]:82", true),
            ("[::1]", false),
            ("[::2]:5", true),
        ] {
            let found = port(&network, &format!("http://{host}/f"));
            assert_eq!(found.is_none(), direct, "{host}");
        }
        let all = super::tests::network(&[("ALL_PROXY", "http://p:3"), ("NO_PROXY", "*")]);
        assert_eq!(port(&all, "https://anywhere/"), None);
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        let url = "https://a/b".parse().expect("an address");
        for (address, part) in [
            ("socks5://me:secret@p:1", "SOCKS5"),
            ("http://me:secret@", "no address"),
            ("ftp://me:secret@p", "no address"),
        ] {
            let network = network(&[("HTTPS_PROXY", address)]);
            let error = network.proxy(&url).expect_err(address).to_string();
            assert!(
                error.contains("HTTPS_PROXY") && error.contains(part),
                "{error}"
            );
            assert!(!error.contains("secret"), "{error}");
            assert!(!format!("{network:?}").contains("secret"));
        }
    }

    #[test]
    fn certificates_that_are_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().display().to_string();
        let file = folder.path().join("a.pem");
        fs::write(&file, "no certificate").expect("a file");
        let file = file.display().to_string();
        assert!(network(&[]).roots().expect("none").is_none());
        for (variable, value) in [
            ("SSL_CERT_FILE", "/nowhere/a.pem"),
            ("SSL_CERT_FILE", &file),
            ("SSL_CERT_DIR", &place),
            ("SSL_CERT_DIR", "/nowhere"),
        ] {
            let error = network(&[(variable, value)]).roots().expect_err(value);
            assert!(error.to_string().contains(variable), "{error}");
        }
    }
}

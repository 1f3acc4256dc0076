//! Where the hub is, where its cache is, and who asks: from the environment, as the Python tools read it.

use crate::network::Network;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A secret that is never written: its `Debug` and the absence of `Display` see to that.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token; none if there is nothing but white space.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The header that carries it.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// Where the hub is, where its cache is, and who asks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hub's address, without a slash at its end.
    pub endpoint: String,
    /// The cache that is shared with the Python tools.
    pub hub_cache: PathBuf,
    /// Where files from plain addresses and recorded checksums are kept.
    pub downloads: PathBuf,
    /// Sent to `endpoint` and nowhere else.
    pub token: Option<Token>,
    /// Whether the network must not be used.
    pub offline: bool,
    /// Proxies and certificates.
    pub network: Network,
}

const PUBLIC_HUB: &str = "https://huggingface.co";

impl Settings {
    /// From `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN`, `HF_TOKEN_PATH` and
    /// `HF_HUB_OFFLINE`, with their meaning in `huggingface_hub`; the network as [`Network`] says; `downloads` as given.
    #[must_use]
    pub fn from_env(downloads: &Path) -> Self {
        Self::from_variables(downloads, |name| std::env::var_os(name))
    }

    /// The same from any source of variables. An empty variable counts as none.
    #[must_use]
    pub fn from_variables(downloads: &Path, get: impl Fn(&str) -> Option<OsString>) -> Self {
        let given = |name: &str| get(name).filter(|it| !it.to_string_lossy().trim().is_empty());
        let path = |name: &str| given(name).map(PathBuf::from);
        let get = |name: &str| given(name)?.into_string().ok();
        let home = hub_home(&path);
        let endpoint = get("HF_ENDPOINT").unwrap_or_else(|| PUBLIC_HUB.to_owned());
        let hub_cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let token = get("HF_TOKEN").or_else(|| get("HUGGING_FACE_HUB_TOKEN"));
        let token = token.or_else(|| fs::read_to_string(token_file).ok());
        Self {
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            hub_cache: hub_cache.unwrap_or_else(|| home.join("hub")),
            downloads: downloads.to_owned(),
            token: token.and_then(|text| Token::new(&text)),
            offline: get("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value)),
            network: Network::from_variables(&given),
        }
    }
}

/// `HF_HOME`, or `huggingface` in the folder for caches.
fn hub_home(get: &impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    let user = || {
        get("HOME")
            .or_else(|| get("USERPROFILE"))
            .unwrap_or_default()
    };
    let caches = || get("XDG_CACHE_HOME").unwrap_or_else(|| user().join(".cache"));
    get("HF_HOME").unwrap_or_else(|| caches().join("huggingface"))
}

fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&value.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::from_variables(Path::new("own"), |name| {
            let found = variables.iter().find(|pair| pair.0 == name);
            found.map(|pair| pair.1.into())
        })
    }

    #[test]
    fn the_cache_is_where_the_python_tools_have_theirs() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("HOME", "/h")], "/h/.cache/huggingface/hub"),
            (
                &[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")],
                "/x/huggingface/hub",
            ),
            (&[("HOME", "/h"), ("HF_HOME", "/f")], "/f/hub"),
            (&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")], "/c"),
            (&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "")], "/f/hub"),
        ];
        for (variables, expected) in cases {
            assert_eq!(settings(variables).hub_cache, Path::new(expected));
        }
    }

    #[test]
    fn the_token_comes_from_the_environment_or_its_file() {
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("token"), "hf_file\n").expect("a file");
        let folder = home.path().display().to_string();
        let of = |variables: &[(&str, &str)]| settings(variables).token;
        assert_eq!(of(&[("HF_HOME", &folder)]), Token::new("hf_file"));
        let both = [("HF_HOME", folder.as_str()), ("HF_TOKEN", " hf_env ")];
        assert_eq!(of(&both), Token::new("hf_env"));
        assert_eq!(of(&[("HF_HOME", "/nowhere")]), None);
    }

    #[test]
    fn a_token_is_not_shown() {
        let shown = format!("{:?}", settings(&[("HF_TOKEN", "hf_secret")]));
        assert!(
            shown.contains("hidden") && !shown.contains("hf_secret"),
            "{shown}"
        );
    }

    /// Guards against a folder that is passed over because its name is no UTF-8.
    #[cfg(unix)]
    #[test]
    fn a_folder_whose_name_is_no_text() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"/h\xff");
        let found = Settings::from_variables(Path::new("own"), |variable| {
            (variable == "HF_HOME").then(|| name.to_owned())
        });
        assert_eq!(found.hub_cache, Path::new(name).join("hub"));
    }

    #[test]
    fn offline_and_endpoint() {
        for (value, expected) in [("1", true), ("TRUE", true), ("0", false), ("", false)] {
            assert_eq!(settings(&[("HF_HUB_OFFLINE", value)]).offline, expected);
        }
        assert_eq!(settings(&[]).endpoint, PUBLIC_HUB);
        let own = settings(&[("HF_ENDPOINT", "http://127.0.0.1:1/")]);
        assert_eq!(own.endpoint, "http://127.0.0.1:1");
    }
}

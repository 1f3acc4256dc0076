//! A folder with configs, data, results and a cache, and the program run on it.

use assert_cmd::Command;
use nnn_report::{ScoreRow, read_scores};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One test's folder, removed with it.
pub(crate) struct Lab {
    folder: TempDir,
}

/// How a run ended and what it said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Variables of whoever runs the tests that must change nothing.
pub(crate) const FOREIGN: [&str; 20] = [
    "NNN_CACHE",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HUGGING_FACE_HUB_TOKEN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
];

/// The files below a folder, with their content.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, content).expect("a file");
    }

    /// The program with these arguments, started in this folder, with results and cache in it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("runner").expect("the program is built");
        command.current_dir(self.folder.path());
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        // A hub where nobody listens, and a cache that nobody else has.
        command.env("HF_ENDPOINT", "http://127.0.0.1:1");
        command.env("HF_HOME", self.path("hf"));
        command.args(arguments);
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        self.call_with(arguments, &[])
    }

    /// The same with other variables.
    pub(crate) fn call_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let output = command.output().expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ended {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs `config.yaml`, which is written first, and expects success.
    pub(crate) fn run(&self, config: &str, options: &[&str]) -> Ended {
        self.write("config.yaml", config);
        let ended = self.call(&[&["run", "config.yaml"], options].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    /// Runs `config.yaml`, which is written first, and expects an error that has all of `parts` in it and leaves the
    /// results as they were.
    pub(crate) fn refuses(&self, config: impl AsRef<[u8]>, options: &[&str], parts: &[&str]) {
        self.write("config.yaml", config);
        let before = self.files("results");
        let ended = self.call(&[&["run", "config.yaml"], options].concat());
        ended.refused(parts);
        assert_same(&self.files("results"), &before);
    }

    /// All files below a folder of this lab; none if there is no such folder.
    pub(crate) fn files(&self, folder: &str) -> Files {
        let root = self.path(folder);
        let mut files = Files::new();
        collect(&root, &root, &mut files);
        files
    }

    pub(crate) fn scores(&self, experiment: &str) -> Vec<ScoreRow> {
        read_scores(&self.path("results").join(experiment)).expect("scores")
    }

    pub(crate) fn record(&self, experiment: &str) -> Value {
        let path = self.path("results").join(experiment).join("run.json");
        serde_json::from_slice(&fs::read(path).expect("run.json")).expect("JSON")
    }

    /// The warnings of a run, by their kind.
    pub(crate) fn warnings(&self, experiment: &str, kind: &str) -> Vec<Value> {
        let record = self.record(experiment);
        let warnings = record["warnings"].as_array().expect("a list").iter();
        let found = warnings.map(|warning| warning["warning"].clone());
        found.filter(|warning| warning["kind"] == kind).collect()
    }
}

impl Ended {
    /// Expects an error with all of `parts` in its message, and no panic.
    pub(crate) fn refused(&self, parts: &[&str]) {
        let Self { code, stderr, .. } = self;
        assert_eq!(*code, Some(1), "{stderr}");
        assert!(stderr.contains("error: "), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "no {part:?} in:\n{stderr}");
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below the root");
            let content = fs::read(&path).expect("a file");
            files.insert(name.display().to_string(), content);
        }
    }
}

/// What must not differ between two runs: everything but times, the resolved config and the records of the cells.
pub(crate) fn lasting(files: &Files) -> Files {
    let parts = ["run.json", "report.html", "trials/", "tables/bank_search."];
    let timed = |name: &str| parts.iter().any(|part| name.contains(part));
    let kept = files.iter().filter(|(name, _)| !timed(name));
    kept.map(|(name, content)| (name.clone(), content.clone()))
        .collect()
}

/// Expects two sets of files to be equal, and names those that are not.
pub(crate) fn assert_same(found: &Files, expected: &Files) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    let differ = found
        .iter()
        .filter(|(name, content)| expected[*name] != **content);
    let differ: Vec<_> = differ.map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder.canonicalize().expect("the workspace")
}

/// Says on standard error why a test has nothing to do here.
#[allow(clippy::print_stderr)]
pub(crate) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

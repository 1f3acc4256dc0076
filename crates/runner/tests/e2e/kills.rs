//! A run may be killed at any moment: started again it ends with the same bytes, and nothing of the killed one is left.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Files, Lab, assert_same, lasting};
use crate::vectors::Noise;
use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a run is killed.
const KILLS: u32 = 10;

/// A sweep with many trials, so that a good part of the time goes into writing.
const CONFIG: &str = "
experiment: lab
models: [clip]
datasets: [tiny]
reference_sets: [{share: 0.5}, {}]
methods: [raw, nnn: {k: [1, 4], alpha: [0.5, 1]}, is: {beta: [5, 50], choose: validation}]
statistics: {resamples: 50, permutations: 50}
";

fn start(lab: &Lab) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
    command.arg("config.yaml").current_dir(lab.path(""));
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.env_remove("NNN_CACHE").spawn().expect("it starts")
}

/// Starts a run and kills it after a while; how it ended.
fn kill_after(lab: &Lab, time: Duration) -> ExitStatus {
    let mut child = start(lab);
    sleep(time);
    // A run that has ended by itself cannot be killed any more.
    let _ = child.kill();
    child.wait().expect("it ended")
}

/// The results of an undisturbed run, and how long it took.
fn undisturbed(lab: &Lab) -> (Files, Duration) {
    let started = Instant::now();
    assert!(start(lab).wait().expect("it ended").success());
    let taken = started.elapsed();
    let results = lasting(&lab.files("results"));
    clear(lab);
    (results, taken)
}

fn clear(lab: &Lab) {
    for folder in ["results", "cache"] {
        fs::remove_dir_all(lab.path(folder)).expect("it can be removed");
    }
}

/// Ends what was begun and compares; then everything is removed.
fn end_and_compare(lab: &Lab, expected: &Files) {
    assert!(start(lab).wait().expect("it ended").success());
    assert_same(&lasting(&lab.files("results")), expected);
    clear(lab);
}

/// Whatever a kill leaves, `run.json` calls it complete only if it is.
fn assert_complete_or_marked(lab: &Lab, expected: &Files) {
    let mut found = lab.files("results");
    found.retain(|name, _| !name.contains(".part-"));
    if found.contains_key("lab/run.json") && lab.record("lab")["complete"] == true {
        assert_same(&lasting(&found), expected);
    }
}

/// Guards against a `run.json` that calls a folder complete while its files are partly of one run and partly of another.
#[test]
fn ten_kills() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", CONFIG);
    let (expected, taken) = undisturbed(&lab);
    let mut noise = Noise(11);
    let mut killed = 0;
    let mut ends = 0;
    while killed < KILLS && ends < KILLS {
        // One moment in each tenth of the time, so that all phases are hit.
        let place = (f64::from(killed) + noise.unit()) / f64::from(KILLS);
        if kill_after(&lab, taken.mul_f64(place)).success() {
            // What earlier runs had finished left too little to do: compare, and kill a run from the beginning.
            ends += 1;
            end_and_compare(&lab, &expected);
        } else {
            killed += 1;
            assert_complete_or_marked(&lab, &expected);
        }
    }
    assert!(killed >= KILLS / 2, "only {killed} runs were killed");
    end_and_compare(&lab, &expected);
}

/// Guards against half-written temporary files that stayed among the results for good.
#[test]
fn what_a_killed_write_leaves_is_removed() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", SWEEP);
    let (expected, _) = undisturbed(&lab);
    for folder in ["", "tables/", "bias/", "queries/", "trials/"] {
        lab.write(&format!("results/lab/{folder}.part-Ab3dEf"), "half of it");
    }
    lab.write("results/lab/notes.md", "a reader's own file");
    assert!(start(&lab).wait().expect("it ended").success());
    let mut found = lasting(&lab.files("results"));
    assert!(
        found.remove("lab/notes.md").is_some(),
        "it was not ours to remove"
    );
    assert_same(&found, &expected);
    let parts = lab
        .files("results")
        .keys()
        .filter(|name| name.contains(".part-"))
        .count();
    assert_eq!(parts, 0);
}

/// What a signal does to each verb: one sentence, status 128 and its number, no temporary file, and the same call goes on.
#[cfg(unix)]
mod signals {
    use super::*;
    use crate::vectors::npy;
    use nnn_testkit::hub::{Fault, Resource, Server};
    use std::io::{Read, Write, pipe};
    use std::os::unix::process::ExitStatusExt;

    const SIGNALS: [(&str, i32); 2] = [("INT", 2), ("TERM", 15)];

    fn runner(lab: &Lab, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
        command.args(arguments).current_dir(lab.path(""));
        command
            .env_remove("NNN_CACHE")
            .env("HF_HOME", lab.path("hf"));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn send(signal: &str, child: &Child) {
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.expect("`kill`").success());
    }

    /// Waits until a command is under way.
    fn until(what: impl Fn() -> bool) {
        let started = Instant::now();
        while !what() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "it never began"
            );
            sleep(Duration::from_millis(1));
        }
    }

    /// Stops a command as soon as it has `begun`, and expects the sentence `kept`.
    fn stopped(
        lab: &Lab,
        arguments: &[&str],
        signal: (&str, i32),
        kept: &str,
        begun: impl Fn() -> bool,
    ) {
        let (name, number) = signal;
        let mut child = runner(lab, &[&["--quiet"], arguments].concat())
            .spawn()
            .expect("it starts");
        until(begun);
        send(name, &child);
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("text");
        let code = child.wait().expect("it ended").code();
        assert_eq!(said, format!("stopped by SIG{name}: {kept}\n"));
        assert_eq!(code, Some(128 + number));
        let parts: Vec<_> = lab
            .files("")
            .into_keys()
            .filter(|it| it.contains(".part-"))
            .collect();
        assert!(parts.is_empty(), "{parts:?}");
    }

    #[test]
    fn a_run_says_what_it_keeps_and_goes_on() {
        let lab = drawn(30, 10);
        lab.write("config.yaml", CONFIG);
        let (expected, _) = undisturbed(&lab);
        let kept = "finished trials, encoded batches and downloads are kept, and the same command goes on from there";
        for signal in SIGNALS {
            stopped(&lab, &["config.yaml"], signal, kept, || {
                lab.path("cache/embeddings").exists()
            });
            end_and_compare(&lab, &expected);
        }
    }

    #[test]
    fn blocks_of_biases_are_kept_and_exports_are_not() {
        let lab = Lab::new();
        let mut noise = Noise(1);
        lab.write("gallery.npy", npy(&noise.rows(60_000)));
        lab.write("bank.npy", npy(&noise.rows(2_000)));
        let vectors = ["--gallery", "gallery.npy", "--reference", "bank.npy"];
        let bias = [
            &["bias"],
            &vectors[..],
            &["--method", "nnn(k=5,alpha=0.75)", "--out", "bias.parquet"],
        ]
        .concat();
        let kept = "finished blocks of items are kept beside the file, and the same command goes on from there";
        let parts = lab.path("bias.parquet.parts");
        for signal in SIGNALS {
            let _ = fs::remove_dir_all(&parts);
            stopped(&lab, &bias, signal, kept, || parts.exists());
        }
        assert!(runner(&lab, &bias).status().expect("it ended").success());
        assert!(!parts.exists());

        let export = [
            "export",
            "--bias",
            "bias.parquet",
            "--gallery",
            "gallery.npy",
            "--form",
            "ip",
            "--to",
            "jsonl",
            "--out",
            "out",
        ];
        let begun = || lab.files("out").keys().any(|it| it.contains(".part-"));
        for signal in SIGNALS {
            let kept = "nothing of the export is kept, and the same command begins anew";
            stopped(&lab, &export, signal, kept, begun);
            assert!(lab.files("out").is_empty());
        }
    }

    /// A lab whose checkpoint is at a plain address, where a transfer never ends.
    fn stalled() -> (Lab, Server) {
        let (lab, server) = (drawn(30, 10), Server::start().expect("a server"));
        server.put("/config.json", Resource::plain(&[b' '; 1 << 16]));
        server.fail("/config.json", [Fault::Stall(1 << 15)]);
        let url = server.url();
        let card = format!(
            "name: clip\nfamily: clip\nsource: {{files: [{{url: {{name: config.json, mirrors: ['{url}/config.json']}}}}]}}\n"
        );
        lab.write("models/clip.yaml", card);
        lab.write("config.yaml", CONFIG);
        (lab, server)
    }

    /// The bytes of the transfer that never ends, once they have arrived.
    fn arrived(lab: &Lab) -> Option<usize> {
        let files = lab.files("cache/downloads/urls");
        let part = files.iter().find(|it| it.0.ends_with(".incomplete"));
        part.map(|it| it.1.len()).filter(|&bytes| bytes > 0)
    }

    #[test]
    fn a_transfer_keeps_what_has_arrived() {
        let kept =
            "what has arrived is kept, parts of files too, and the same command goes on from there";
        for signal in SIGNALS {
            let (lab, _server) = stalled();
            stopped(&lab, &["fetch", "config.yaml"], signal, kept, || {
                arrived(&lab).is_some()
            });
            assert!(arrived(&lab).is_some());
        }
    }

    /// Guards against a program that cannot be ended where its last sentence finds no reader.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_second_signal_kills_at_once() {
        let (lab, _server) = stalled();
        let (_reader, mut full) = pipe().expect("a pipe");
        full.write_all(&[b'.'; 1 << 16])
            .expect("as much as a pipe holds");
        let mut command = runner(&lab, &["--quiet", "fetch", "config.yaml"]);
        let mut child = command.stderr(full).spawn().expect("it starts");
        until(|| arrived(&lab).is_some());
        send("INT", &child);
        sleep(Duration::from_millis(300));
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it waits for a reader"
        );
        send("TERM", &child);
        assert_eq!(child.wait().expect("it ended").signal(), Some(15));
    }
}

//! Folders that cannot be written, and disks that are full.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Lab, assert_same, lasting, skip};
use crate::vectors::{by_dataset, dataset_config};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn a_file_where_the_results_should_be() {
    let lab = by_dataset();
    lab.write("results", "a file");
    lab.write("config.yaml", dataset_config(""));
    let ended = lab.call(&["config.yaml"]);
    ended.refused(&["results/lab", "cannot be written"]);
    assert_eq!(
        fs::read(lab.path("results")).expect("still a file"),
        b"a file"
    );
}

#[test]
fn a_file_where_the_cache_should_be() {
    let lab = drawn(10, 4);
    lab.write("cache", "a file");
    lab.refuses(SWEEP, &[], &["data set `tiny`", "cache/data/tiny"]);
}

/// Guards against a run that fails while it writes and leaves no record that it is not complete.
#[test]
fn results_that_become_unwritable() {
    // A folder of the results is a file: found when the first group is written, and nothing is called complete.
    let lab = by_dataset();
    lab.write("results/lab/queries", "a file");
    lab.write("config.yaml", dataset_config(""));
    lab.call(&["config.yaml"])
        .refused(&["results/lab/queries", "File exists"]);
    assert_eq!(lab.record("lab")["complete"], false);
    let names: Vec<_> = lab.files("results").into_keys().collect();
    assert_eq!(names, ["lab/queries", "lab/run.json"]);
}

/// A small file system of its own, gone with the value.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one of so many KiB over a folder; none where that is not allowed.
    fn mount(lab: &Lab, folder: &str, size: usize) -> Option<Self> {
        let path = lab.path(folder);
        fs::create_dir_all(&path).expect("a folder");
        let disk = Self(path);
        if disk.call(
            "mount",
            &["-t", "tmpfs", "-o", &format!("size={size}k"), "tmpfs"],
        ) {
            return Some(disk);
        }
        skip("a file system cannot be mounted here");
        None
    }

    fn grow(&self, size: usize) {
        let option = format!("remount,size={size}k");
        assert!(self.call("mount", &["-o", &option]), "remount");
    }

    fn call(&self, program: &str, arguments: &[&str]) -> bool {
        let output = Command::new(program).args(arguments).arg(&self.0).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.call("umount", &[]);
    }
}

/// Fails on a small disk under `folder`, leaves no part of a file there, and ends well once there is room.
fn full(lab: &Lab, folder: &str, size: usize, config: &str) {
    lab.run(config, &["--results", "expected", "--cache", "other"]);
    let expected = lasting(&lab.files("expected"));
    let Some(disk) = Disk::mount(lab, folder, size) else {
        return;
    };
    let ended = lab.call(&["config.yaml"]);
    ended.refused(&["No space left on device", folder]);
    for (name, content) in lasting(&lab.files("results")) {
        assert!(!name.contains(".part"), "{name} was left");
        // Tables grow from group to group, files of a group are written once.
        let tables = ["scores", "comparisons", "grid", "choosing", "tables"];
        let grows = tables
            .iter()
            .any(|table| name.contains(&format!("lab/{table}")));
        assert!(grows || expected[&name] == content, "{name} is not whole");
    }
    disk.grow(20_000);
    lab.run(config, &[]);
    assert_same(&lasting(&lab.files("results")), &expected);
}

#[test]
fn a_full_disk_under_the_results() {
    let methods = "methods: [raw, nnn: {k: [1, 2, 3, 4, 5, 6], alpha: [0.5, 1]}]";
    for size in [12, 40, 72, 104] {
        full(&by_dataset(), "results", size, &dataset_config(methods));
    }
}

#[test]
fn a_full_disk_under_the_cache() {
    // Room for a few images; for all of them and not for the embeddings.
    for size in [40, 330] {
        full(&drawn(40, 12), "cache", size, SWEEP);
    }
}

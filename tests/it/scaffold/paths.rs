//! Paths: whatever a template writes, nothing leaves the workspace.

use std::fs;

use serde_json::json;
use steward::template::workspace::Workspace;

use super::Bench;

#[test]
fn no_path_leaves_the_workspace() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("work")).unwrap();
    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    for path in [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a\\..\\..\\b",
        ".git/hooks/pre-commit",
        "a/.GIT/config",
        ".git./config",
        ".git /x",
        "git~1/x",
        ".g\u{200c}it/config",
        ".git:stream",
        "a\0b",
        "a\nb",
        "",
        ".",
        "a/..",
    ] {
        assert!(workspace.write(path, b"x", None).is_err(), "{path:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    workspace.write("a/./b/../c.txt", b"x", None).unwrap();
    assert!(folder.path().join("work/a/c.txt").is_file());
    assert!(workspace.write(".github/workflows/ci.yaml", b"x", None).is_ok());
    let twins = workspace.write("A/other.txt", b"x", None).unwrap_err().to_string();
    assert_eq!(twins, "the paths a and A differ by capitals only, which not every file system tells apart");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_or_read_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("work"), folder.path().join("outside"));
    fs::create_dir(&inside).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "s3cret").unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("way")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), inside.join("file")).unwrap();
    let workspace = Workspace::open(&inside).unwrap();
    assert!(workspace.write("way/new", b"x", None).is_err());
    assert!(workspace.read("way/secret").is_err() && workspace.read("file").is_err());
    assert!(workspace.rename("way/secret", "mine").is_err());
    assert!(workspace.remove("way/secret").is_err());
    for (path, target) in
        [("a", "/etc/passwd"), ("a", "../outside"), ("b/c", "../../outside"), ("a", ".git/config"), ("a", "b/..")]
    {
        assert!(workspace.link(path, target).is_err(), "{target}");
    }
    workspace.link("b/c", "../d").unwrap();
    // A link in the way is replaced, not written through.
    workspace.write("file", b"new", None).unwrap();
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "s3cret");
    workspace.remove("way").unwrap();
    assert!(outside.join("secret").is_file());
}

#[test]
fn names_that_values_make_stay_inside_too() {
    let steps = "- action: fetch:template\n  input: {url: ./skeleton, targetPath: '${{ parameters.target }}', values: {name: '${{ parameters.name }}'}}";
    let bench = Bench::new("properties: {name: {type: string}, target: {type: string}}", steps);
    bench.write("skeleton/${{ values.name }}/a.txt", "x");
    for (name, target) in [("../../evil", "."), (".git", "."), ("ok", "../evil"), ("ok", "/tmp/evil")] {
        let out = bench.bad(&json!({ "name": name, "target": target }));
        assert!(out.contains("leads out of the workspace") || out.contains("git's own"), "{out}");
        fs::remove_dir_all(bench.result()).unwrap();
    }
    let elsewhere = Bench::new("title: A", "- action: fetch:plain\n  input: {url: ../}");
    assert!(elsewhere.bad(&json!({})).contains("outside of the template's folder"));
}

//! The binary itself, where what it does depends on how it is started.

use std::{
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// Runs `steward` in a folder of its own, with these variables alone.
fn steward(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.current_dir(folder).args(arguments).env_clear().envs(variables.iter().copied());
    command.output().expect("the binary was built for this test")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const OF_GITHUB: &str = "sources:\n  - { type: github, id: acme, org: acme, auth: { token: \"${GITHUB_TOKEN}\" } }\n";

#[test]
fn configuration_with_github_is_checked_without_a_word_to_github() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("steward.yaml"), OF_GITHUB).unwrap();
    let checked = steward(folder.path(), &["config", "check"], &[("GITHUB_TOKEN", "ghp_x")]);
    assert!(checked.status.success() && said(&checked).contains("valid: 1 source"), "{}", said(&checked));
    let unset = steward(folder.path(), &["config", "check"], &[]);
    assert!(!unset.status.success() && said(&unset).contains("GITHUB_TOKEN is not set"), "{}", said(&unset));
}

#[test]
fn what_connects_to_nothing_needs_no_tokens() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("steward.yaml"), OF_GITHUB).unwrap();
    let repository = folder.path().join("org/payments");
    std::fs::create_dir_all(&repository).unwrap();
    let text = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: team-a }\nspec: { type: team, children: [] }\n";
    std::fs::write(repository.join("catalog-info.yaml"), text).unwrap();
    for arguments in [&["lint", "org"][..], &["ask", "/owner team-a", "--source", "org"]] {
        let done = steward(folder.path(), arguments, &[]);
        assert!(done.status.success(), "{arguments:?}: {}", said(&done));
    }
}

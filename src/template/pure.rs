//! The actions that touch nothing but the workspace. Whatever else they need (a skeleton somewhere) is asked of [`Sources`].

use std::{path::PathBuf, time::Duration};

use serde_json::{Map, Value as Json, json};

use super::{
    expression::stringify_json,
    skeleton::{Filling, SkeletonError, copy_folder, fill_file, fill_skeleton, patterns},
    workspace::{Entry, Kind, Workspace},
};

/// `debug:wait` waits no longer.
const MAX_WAIT: Duration = Duration::from_mins(10);

/// How much of a file `debug:log` shows.
const MAX_SHOWN_BYTES: usize = 4096;

/// Where skeletons come from: beside the template on this disk, a repository elsewhere.
pub trait Sources {
    /// A folder on this disk that holds what the address names; `./skeleton` is beside the template.
    fn folder(&self, url: &str) -> Result<PathBuf, String>;
    fn file(&self, url: &str) -> Result<Vec<u8>, String>;
}

/// What an action left besides its files.
#[derive(Debug, Default, PartialEq)]
pub struct Done {
    pub output: Map<String, Json>,
    pub log: Vec<String>,
    /// What went wrong, and may.
    pub warnings: Vec<String>,
    /// The run goes on after so long.
    pub wait: Duration,
}

/// What pure actions work with.
pub struct Around<'a> {
    pub workspace: &'a Workspace,
    pub sources: &'a dyn Sources,
    /// The template's own reference, noted on entities it writes.
    pub template_ref: &'a str,
}

/// Runs an action on inputs that were judged. The error is told to people.
pub fn run_pure(action: &str, input: &Json, around: &Around<'_>) -> Result<Done, String> {
    let text = |key: &str| input[key].as_str().unwrap_or_default();
    match action {
        "fetch:template" => fetch_template(input, around),
        "fetch:template:file" => {
            let filled = around.sources.file(text("url")).and_then(|bytes| {
                let filling = Filling::read(input).map_err(told)?;
                fill_file(&bytes, around.workspace, text("targetPath"), &filling).map_err(told)
            });
            filled.map(|written| match written {
                Some(path) => said(format!("wrote {path}")),
                None => said(format!("{} is there already; not replaced", text("targetPath"))),
            })
        }
        "fetch:plain" => {
            let copied = around.sources.folder(text("url"));
            let copied = copied.and_then(|folder| copy_folder(&folder, around.workspace, target(input)).map_err(told));
            copied.map(|written| said(tell_written(&written)))
        }
        "fetch:plain:file" => {
            let copied = around.sources.file(text("url"));
            let copied = copied.and_then(|bytes| around.workspace.write(text("targetPath"), &bytes, None).map_err(told));
            copied.map(|()| said(format!("wrote {}", text("targetPath"))))
        }
        "fs:delete" => delete(input, around.workspace),
        "fs:rename" => rename(input, around.workspace),
        "fs:readdir" => read_folders(input, around.workspace),
        "catalog:write" => write_entity(input, around),
        "debug:log" => log(input, around.workspace),
        "debug:wait" => wait(input),
        _ => Err(format!("{action} is not done here")),
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn said(line: String) -> Done {
    Done { log: vec![line], ..Done::default() }
}

fn target(input: &Json) -> &str {
    input["targetPath"].as_str().unwrap_or("./")
}

fn tell_written(written: &[String]) -> String {
    match written.len() {
        1 => "wrote 1 file".to_owned(),
        count => format!("wrote {count} files"),
    }
}

fn fetch_template(input: &Json, around: &Around<'_>) -> Result<Done, String> {
    let filling = Filling::read(input).map_err(told)?;
    let skeleton = around.sources.folder(input["url"].as_str().unwrap_or_default())?;
    let written = fill_skeleton(&skeleton, around.workspace, target(input), &filling).map_err(told)?;
    Ok(said(tell_written(&written)))
}

fn delete(input: &Json, workspace: &Workspace) -> Result<Done, String> {
    let mut done = Done::default();
    for file in input["files"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        let normal = workspace.normal(file).map_err(told)?;
        let set = patterns(std::slice::from_ref(&normal)).map_err(|error: SkeletonError| error.to_string())?;
        let mut found = 0;
        for entry in workspace.list().map_err(told)?.into_iter().filter(|entry| entry.path == normal || set.is_match(&entry.path))
        {
            // Its folder may have gone with another.
            if workspace.exists(&entry.path).map_err(told)? {
                workspace.remove(&entry.path).map_err(told)?;
                found += 1;
            }
        }
        done.log.push(if found == 0 { format!("{file} is not there") } else { format!("removed {file}") });
    }
    Ok(done)
}

fn rename(input: &Json, workspace: &Workspace) -> Result<Done, String> {
    let mut done = Done::default();
    for file in input["files"].as_array().into_iter().flatten() {
        let (from, to) = (file["from"].as_str().unwrap_or_default(), file["to"].as_str().unwrap_or_default());
        if from.is_empty() || to.is_empty() {
            return Err("each of files wants from and to".to_owned());
        }
        if !workspace.exists(from).map_err(told)? {
            return Err(format!("{from} is not there"));
        }
        if workspace.normal(from).map_err(told)? == workspace.normal(to).map_err(told)? {
            continue;
        }
        if workspace.exists(to).map_err(told)? {
            if file["overwrite"] != Json::Bool(true) {
                return Err(format!("{to} is there already; overwrite: true replaces it"));
            }
            workspace.remove(to).map_err(told)?;
        }
        workspace.rename(from, to).map_err(told)?;
        done.log.push(format!("renamed {from} to {to}"));
    }
    Ok(done)
}

fn read_folders(input: &Json, workspace: &Workspace) -> Result<Done, String> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let all = workspace.list().map_err(told)?;
    for path in input["paths"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        let folder = workspace.normal(path).map_err(told)?;
        if !workspace.resolve(&folder).map_err(told)?.is_dir() {
            return Err(format!("{path} is no folder of the workspace"));
        }
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = all.iter().filter_map(|entry| Some((entry, entry.path.strip_prefix(&prefix)?)));
        let wanted = below.filter(|(_, rest)| input["recursive"] == Json::Bool(true) || !rest.contains('/'));
        for (Entry { path, kind }, _) in wanted {
            let name = path.rsplit('/').next().unwrap_or(path);
            let told = json!({ "name": name, "path": path, "fullPath": workspace.root().join(path) });
            if *kind == Kind::Folder { folders.push(told) } else { files.push(told) }
        }
    }
    let mut done = said(format!("found {} files and {} folders", files.len(), folders.len()));
    done.output.insert("files".to_owned(), Json::Array(files));
    done.output.insert("folders".to_owned(), Json::Array(folders));
    Ok(done)
}

fn write_entity(input: &Json, around: &Around<'_>) -> Result<Done, String> {
    let mut entity = input["entity"].clone();
    if !entity.is_object() || !(entity["metadata"].is_object() || entity["metadata"].is_null()) {
        return Err("entity and its metadata are objects".to_owned());
    }
    if !entity["metadata"]["annotations"].is_object() {
        entity["metadata"]["annotations"] = json!({});
    }
    entity["metadata"]["annotations"]["backstage.io/source-template"] = json!(around.template_ref);
    let path = input["filePath"].as_str().unwrap_or("catalog-info.yaml");
    let text = serde_yaml::to_string(&entity).map_err(told)?;
    around.workspace.write(path, text.as_bytes(), None).map_err(told)?;
    Ok(said(format!("wrote {path}")))
}

fn log(input: &Json, workspace: &Workspace) -> Result<Done, String> {
    let mut done = Done::default();
    match &input["message"] {
        Json::Null => {}
        Json::String(message) => done.log.push(message.clone()),
        other => done.log.push(stringify_json(other, "")),
    }
    let listing = &input["listWorkspace"];
    if *listing != Json::Null && *listing != Json::Bool(false) {
        for entry in workspace.list().map_err(told)?.into_iter().filter(|entry| entry.kind != Kind::Folder) {
            done.log.push(format!("- {}", entry.path));
            if listing == "with-contents" && entry.kind == Kind::File {
                let bytes = workspace.read(&entry.path).map_err(told)?;
                let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SHOWN_BYTES)]).into_owned();
                done.log.extend(shown.lines().map(|line| format!("  {line}")));
            }
        }
    }
    Ok(done)
}

fn wait(input: &Json) -> Result<Done, String> {
    let part = |key: &str, millis: f64| input[key].as_f64().unwrap_or(0.0) * millis;
    let millis = part("minutes", 60_000.0) + part("seconds", 1_000.0) + part("milliseconds", 1.0);
    if !(0.0..=MAX_WAIT.as_millis() as f64).contains(&millis) {
        return Err(format!("it waits {} minutes at most", MAX_WAIT.as_secs() / 60));
    }
    let wait = Duration::from_secs_f64(millis / 1_000.0);
    Ok(Done { wait, ..said(format!("waits {:.1} s", wait.as_secs_f64())) })
}

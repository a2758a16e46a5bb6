//! Skeletons: a folder is copied into the workspace, its contents and names filled in, or as it is. What is binary, a link or
//! executable stays so.

use std::{fs, path::Path};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::{Value as Json, json};

use super::{
    expression::{Context, ExpressionError, Syntax, Template},
    workspace::{Kind, Workspace, WorkspaceError, list, mode_of},
};

/// What is longer is copied as it is: nobody writes such a file by hand.
const MAX_TEMPLATE_BYTES: u64 = 4 * 1024 * 1024;

/// How much of a file is looked at for what no text holds.
const PROBE_BYTES: usize = 8192;

/// How a skeleton is filled in: the inputs of `fetch:template`.
#[derive(Debug, Clone)]
pub struct Filling {
    pub values: Json,
    pub syntax: Syntax,
    /// Patterns of files whose contents stay; their names are filled in.
    pub keep_contents: Vec<String>,
    /// Patterns of files that stay, names included.
    pub keep_all: Vec<String>,
    /// Only files with this ending are filled in, and lose it.
    pub extension: Option<String>,
    pub replace: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SkeletonError {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error("the skeleton's {path} cannot be filled in: {error}")]
    Expression { path: String, error: ExpressionError },
    #[error("the skeleton's {path} cannot be read: {error}")]
    Io { path: String, error: std::io::Error },
    #[error("{0} is no pattern of paths")]
    Pattern(String),
    #[error("templateFileExtension goes with neither copyWithoutTemplating nor cookiecutterCompat")]
    Extension,
}

impl Filling {
    /// From the inputs of `fetch:template`.
    pub fn read(input: &Json) -> Result<Self, SkeletonError> {
        let is = |key: &str| input[key] == Json::Bool(true);
        let texts = |key: &str| -> Vec<String> {
            input[key].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let extension = match &input["templateFileExtension"] {
            Json::Bool(true) => Some(".njk".to_owned()),
            Json::String(text) if text.starts_with('.') => Some(text.clone()),
            Json::String(text) if !text.is_empty() => Some(format!(".{text}")),
            _ => None,
        };
        let syntax =
            Syntax { cookiecutter: is("cookiecutterCompat"), trim_blocks: is("trimBlocks"), lstrip_blocks: is("lstripBlocks") };
        let (keep_contents, keep_all) = (texts("copyWithoutTemplating"), texts("copyWithoutRender"));
        if extension.is_some() && (syntax.cookiecutter || !keep_contents.is_empty()) {
            return Err(SkeletonError::Extension);
        }
        Ok(Self { values: input["values"].clone(), syntax, keep_contents, keep_all, extension, replace: is("replace") })
    }

    fn context(&self) -> Context {
        let values = if self.values.is_null() { json!({}) } else { self.values.clone() };
        Context::new(&if self.syntax.cookiecutter { json!({ "cookiecutter": values }) } else { json!({ "values": values }) })
    }

    fn render(&self, path: &str, text: &str, context: &Context) -> Result<String, SkeletonError> {
        let template = Template::parse(text, self.syntax);
        template
            .and_then(|template| template.render(context))
            .map_err(|error| SkeletonError::Expression { path: path.to_owned(), error })
    }
}

/// Copies a skeleton into a folder of the workspace and fills it in; gives the paths that were written.
pub fn fill_skeleton(
    skeleton: &Path,
    workspace: &Workspace,
    target: &str,
    filling: &Filling,
) -> Result<Vec<String>, SkeletonError> {
    let context = filling.context();
    let (keep_contents, keep_all) = (patterns(&filling.keep_contents)?, patterns(&filling.keep_all)?);
    let mut written = Vec::new();
    for entry in list(skeleton)? {
        let is_kept_whole = keep_all.is_match(&entry.path);
        let mut name = entry.path.clone();
        let is_filled = match &filling.extension {
            Some(extension) => {
                let fits = entry.kind == Kind::File && name.ends_with(extension.as_str());
                if fits {
                    name.truncate(name.len() - extension.len());
                }
                fits
            }
            None => !is_kept_whole && !keep_contents.is_match(&entry.path),
        };
        let name = if is_kept_whole { name } else { filling.render(&entry.path, &name, &context)? };
        // A name that comes out empty leaves the file, or all below the folder, away.
        if name.is_empty() || name.starts_with('/') || name.contains("//") || name.ends_with('/') {
            continue;
        }
        let place = join(workspace, target, &name)?;
        if entry.kind != Kind::Folder && !filling.replace && workspace.exists(&place)? {
            continue;
        }
        let source = skeleton.join(&entry.path);
        match entry.kind {
            Kind::Folder => {
                workspace.make_folder(&place)?;
                continue;
            }
            Kind::Link => copy_link(&source, &entry.path, workspace, &place)?,
            Kind::File if is_filled => {
                let (bytes, mode) = read_file(&source, &entry.path)?;
                match text_of(&bytes) {
                    Some(text) => workspace.write(&place, filling.render(&entry.path, text, &context)?.as_bytes(), mode)?,
                    None => workspace.write(&place, &bytes, mode)?,
                }
            }
            Kind::File => {
                let (bytes, mode) = read_file(&source, &entry.path)?;
                workspace.write(&place, &bytes, mode)?;
            }
        }
        written.push(place);
    }
    Ok(written)
}

/// Fills in one file; none where it is there already and not to be replaced.
pub fn fill_file(bytes: &[u8], workspace: &Workspace, target: &str, filling: &Filling) -> Result<Option<String>, SkeletonError> {
    let place = workspace.normal(target)?;
    if workspace.exists(&place)? && !filling.replace {
        return Ok(None);
    }
    match text_of(bytes) {
        Some(text) => workspace.write(&place, filling.render(target, text, &filling.context())?.as_bytes(), None)?,
        None => workspace.write(&place, bytes, None)?,
    }
    Ok(Some(place))
}

/// Copies a folder into a folder of the workspace as it is.
pub fn copy_folder(folder: &Path, workspace: &Workspace, target: &str) -> Result<Vec<String>, SkeletonError> {
    let mut written = Vec::new();
    for entry in list(folder)? {
        let place = join(workspace, target, &entry.path)?;
        let source = folder.join(&entry.path);
        match entry.kind {
            Kind::Folder => {
                workspace.make_folder(&place)?;
                continue;
            }
            Kind::Link => copy_link(&source, &entry.path, workspace, &place)?,
            Kind::File => {
                let (bytes, mode) = read_file(&source, &entry.path)?;
                workspace.write(&place, &bytes, mode)?;
            }
        }
        written.push(place);
    }
    Ok(written)
}

/// A path below the target; it may leave neither the workspace nor the target.
fn join(workspace: &Workspace, target: &str, name: &str) -> Result<String, WorkspaceError> {
    let (target, name) = (workspace.normal(target)?, workspace.normal(name)?);
    Ok(if target.is_empty() { name } else { format!("{target}/{name}") })
}

fn copy_link(source: &Path, path: &str, workspace: &Workspace, place: &str) -> Result<(), SkeletonError> {
    let target = fs::read_link(source).map_err(|error| SkeletonError::Io { path: path.to_owned(), error })?;
    let target = target.to_str().ok_or_else(|| WorkspaceError::Strange(path.to_owned()))?;
    Ok(workspace.link(place, target)?)
}

fn read_file(source: &Path, path: &str) -> Result<(Vec<u8>, Option<u32>), SkeletonError> {
    let failed = |error| SkeletonError::Io { path: path.to_owned(), error };
    let metadata = fs::symlink_metadata(source).map_err(failed)?;
    if metadata.len() > super::workspace::MAX_BYTES {
        return Err(WorkspaceError::TooLarge.into());
    }
    Ok((fs::read(source).map_err(failed)?, mode_of(&metadata)))
}

/// The text of a file, where it is one that may be filled in.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let is_binary = bytes[..bytes.len().min(PROBE_BYTES)].contains(&0) || bytes.starts_with(b"%PDF-");
    let is_long = bytes.len() as u64 > MAX_TEMPLATE_BYTES;
    if is_binary || is_long { None } else { std::str::from_utf8(bytes).ok() }
}

/// As globby reads them: `*` stays in a folder, a point at the start is nothing special, a folder means all in it.
pub fn patterns(written: &[String]) -> Result<GlobSet, SkeletonError> {
    let mut set = GlobSetBuilder::new();
    for pattern in written {
        let bare = pattern.trim_start_matches("./").trim_end_matches('/');
        for pattern in [bare.to_owned(), format!("{bare}/**")] {
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            set.add(glob.map_err(|_| SkeletonError::Pattern(pattern.clone()))?);
        }
    }
    set.build().map_err(|_| SkeletonError::Pattern(written.join(", ")))
}

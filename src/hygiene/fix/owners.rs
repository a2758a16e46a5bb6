//! CODEOWNERS: who is asked about a path (<https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>).
//! Pure.

use globset::{GlobBuilder, GlobMatcher};

/// Where GitHub looks, in its order: the first that is there counts.
pub const CODE_OWNERS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// GitHub's own limit is 3 MB; a line more than this is no pattern of a person's.
const MOST_LINES: usize = 10_000;

/// Somebody named in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeOwner {
    /// A login.
    Person(String),
    /// Organisation and slug.
    Team(String, String),
    /// An address, which no review can be asked of.
    Email(String),
}

impl CodeOwner {
    fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix('@') {
            Some(name) => match name.split_once('/') {
                Some((organisation, slug)) if !slug.is_empty() => Some(Self::Team(organisation.to_owned(), slug.to_owned())),
                Some(_) => None,
                None if name.is_empty() => None,
                None => Some(Self::Person(name.to_owned())),
            },
            None => word.contains('@').then(|| Self::Email(word.to_owned())),
        }
    }
}

/// Patterns that mean all there is.
const ALL: [&str; 3] = ["*", "**", "/**"];

/// Who owns a path: those of the last line that fits it, who may be nobody.
pub fn owners_of(text: &str, path: &str) -> Vec<CodeOwner> {
    let fits = |pattern: &str| matcher(pattern).is_some_and(|matchers| matchers.iter().any(|matcher| matcher.is_match(path)));
    last_owners(text, fits)
}

/// Who owns whatever no line says otherwise of.
pub fn owners_of_all(text: &str) -> Vec<CodeOwner> {
    last_owners(text, |pattern| ALL.contains(&pattern))
}

/// Those of the last line whose pattern fits.
fn last_owners(text: &str, fits: impl Fn(&str) -> bool) -> Vec<CodeOwner> {
    let mut owners = Vec::new();
    for line in text.lines().take(MOST_LINES) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let Some(pattern) = words.next() else { continue };
        if fits(pattern) {
            owners = words.filter_map(CodeOwner::parse).collect();
        }
    }
    owners
}

/// As gitignore reads it: a slash before the end ties it to the root, a folder means all below it, one star stays in its
/// folder. `None` where GitHub would skip the line.
fn matcher(pattern: &str) -> Option<Vec<GlobMatcher>> {
    if pattern.starts_with('!') || pattern.contains('[') {
        return None;
    }
    let is_tied = pattern.trim_end_matches('/').contains('/');
    let plain = pattern.trim_start_matches('/').trim_end_matches('/');
    let root = if is_tied { String::new() } else { "**/".to_owned() };
    let is_folder = pattern.ends_with('/');
    let glob = |text: String| GlobBuilder::new(&text).literal_separator(true).build().ok().map(|glob| glob.compile_matcher());
    let below = glob(format!("{root}{plain}/**"))?;
    // `docs/*` means the files right there, not those in folders below.
    let ends_in_star = plain.ends_with("/*");
    Some(match (is_folder, ends_in_star) {
        (true, _) => vec![below],
        (false, true) => vec![glob(format!("{root}{plain}"))?],
        (false, false) => vec![glob(format!("{root}{plain}"))?, below],
    })
}

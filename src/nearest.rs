//! Which known name a mistyped one was meant to be. Must not be asked for people, teams or services: a wrong guess there
//! pages the wrong people, and the catalog has a stricter rule of its own.

/// How like a word has to be to be offered.
const LIKE: f64 = 0.75;

/// The likest of the known names; `None` where none is like enough. Case counts.
pub fn nearest<N: AsRef<str>>(word: &str, known: impl IntoIterator<Item = N>) -> Option<N> {
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(word, name.as_ref()), name));
    scored.filter(|(likeness, _)| *likeness > LIKE).max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name)
}

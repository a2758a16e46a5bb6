//! What tokens and keys of well-known services look like. Must not keep or repeat one.

use std::sync::LazyLock;

use regex::RegexSet;

/// Shapes, each with what it is. Those that ordinary words and hashes have are left out: a false alarm of this kind costs more
/// than a miss.
const SHAPES: [(&str, &str); 12] = [
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}\b", "a token of GitHub"),
    (r"\bgithub_pat_[A-Za-z0-9_]{40,}", "a token of GitHub"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "a token of GitLab"),
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", "a token of Slack"),
    (r"hooks\.slack\.com/services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{20,}", "a webhook of Slack"),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "an access key of AWS"),
    (r"\bAIza[A-Za-z0-9_-]{35}\b", "a key of Google"),
    (r"\b[rs]k_live_[A-Za-z0-9]{20,}", "a key of Stripe"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "a token of npm"),
    (r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}", "a key of SendGrid"),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", "a signed token (JWT)"),
    (r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", "a private key"),
];

static FOUND: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(SHAPES.map(|(shape, _)| shape)).expect("the shapes are regular expressions"));

/// What a text holds that looks like one: "a token of GitHub".
pub fn find_token(text: &str) -> Option<&'static str> {
    FOUND.matches(text).into_iter().next().map(|shape| SHAPES[shape].1)
}

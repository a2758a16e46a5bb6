//! Ranges written as comparisons (`>=1 <2`), as intervals (`[1,2)`), and as Python writes them.
//! Must not order versions: `scheme` does.

use super::{Ecosystem, scheme::Version};

/// Parts of one range; nobody writes more.
const MOST_PARTS: usize = 16;

/// Alternatives, each a list of comparisons that all hold.
#[derive(Debug, Clone)]
pub(super) struct Operators(Vec<Vec<(Operator, Version)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Operators {
    pub(super) fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, String> {
        let mut alternatives = Vec::new();
        for alternative in text.split("||") {
            let mut parts = Vec::new();
            for word in join_words(alternative) {
                let (sign, written) = split_sign(&word);
                let version = || Version::parse(ecosystem, written).ok_or_else(|| unread(ecosystem, written));
                match sign {
                    "<" => parts.push((Operator::Less, version()?)),
                    "<=" => parts.push((Operator::LessOrEqual, version()?)),
                    ">" => parts.push((Operator::Greater, version()?)),
                    ">=" => parts.push((Operator::GreaterOrEqual, version()?)),
                    "=" | "==" | "" => parts.push((Operator::Equal, version()?)),
                    "!=" => parts.push((Operator::NotEqual, version()?)),
                    "~>" if ecosystem == Ecosystem::Gem => parts.extend(up_to(ecosystem, written, version()?, Step::Last)?),
                    "~" if ecosystem == Ecosystem::Composer => parts.extend(up_to(ecosystem, written, version()?, Step::Last)?),
                    "~" if !ecosystem.is_exact() => parts.extend(up_to(ecosystem, written, version()?, Step::Minor)?),
                    "^" if !ecosystem.is_exact() => parts.extend(up_to(ecosystem, written, version()?, Step::Caret)?),
                    other => return Err(format!("{ecosystem} does not know “{other}”")),
                }
            }
            if parts.is_empty() {
                return Err("a part of it is empty".to_owned());
            }
            alternatives.push(parts);
        }
        if alternatives.iter().map(Vec::len).sum::<usize>() > MOST_PARTS {
            return Err(format!("it has more than {MOST_PARTS} parts"));
        }
        Ok(Self(alternatives))
    }

    pub(super) fn contain(&self, version: &Version) -> bool {
        self.0.iter().any(|parts| {
            parts.iter().all(|(operator, bound)| {
                let order = version.compare(bound);
                match operator {
                    Operator::Less => order.is_lt(),
                    Operator::LessOrEqual => order.is_le(),
                    Operator::Greater => order.is_gt(),
                    Operator::GreaterOrEqual => order.is_ge(),
                    Operator::Equal => order.is_eq(),
                    Operator::NotEqual => order.is_ne(),
                }
            })
        })
    }
}

/// Which part of a version may not rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The last but one that is written: `~> 2.2.1` stays below 2.3.
    Last,
    /// The second.
    Minor,
    /// The first that is not zero.
    Caret,
}

fn up_to(ecosystem: Ecosystem, written: &str, from: Version, step: Step) -> Result<[(Operator, Version); 2], String> {
    let written = written.strip_prefix('v').unwrap_or(written);
    let end = written.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(written.len());
    let numbers: Result<Vec<u64>, _> = written[..end].trim_matches('.').split('.').map(str::parse).collect();
    let mut numbers = numbers.map_err(|_| unread(ecosystem, written))?;
    let kept = match step {
        Step::Last => numbers.len().saturating_sub(1).max(1),
        Step::Minor => numbers.len().min(2),
        Step::Caret => numbers.iter().position(|number| *number > 0).map_or(numbers.len(), |at| at + 1),
    };
    numbers.truncate(kept);
    if let Some(last) = numbers.last_mut() {
        *last = last.checked_add(1).ok_or_else(|| unread(ecosystem, written))?;
    }
    let bound = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    // Pre-releases of what is next belong to the next: `-0` or `.a` is below them all.
    let bound = if ecosystem == Ecosystem::Gem { format!("{bound}.A") } else { format!("{bound}-0") };
    let bound = Version::parse(ecosystem, &bound).ok_or_else(|| unread(ecosystem, written))?;
    Ok([(Operator::GreaterOrEqual, from), (Operator::Less, bound)])
}

/// Maven's and NuGet's intervals: `[1,2)`, `(,1.0]`, `[1.0]`, and several with commas between.
pub(super) fn intervals(ecosystem: Ecosystem, text: &str) -> Result<Operators, String> {
    let mut alternatives = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let open = rest.chars().next().filter(|first| matches!(first, '[' | '(')).ok_or("a bracket is missing")?;
        let end = rest.find([']', ')']).ok_or("its bracket is not closed")?;
        let (inside, close) = (&rest[1..end], &rest[end..=end]);
        let version = |written: &str| Version::parse(ecosystem, written).ok_or_else(|| unread(ecosystem, written));
        let parts = match inside.split_once(',') {
            None if open == '[' && close == "]" => vec![(Operator::Equal, version(inside.trim())?)],
            None => return Err("one version stands in [ ]".to_owned()),
            Some((low, high)) => {
                let (low, high) = (low.trim(), high.trim());
                let mut parts = Vec::new();
                if !low.is_empty() {
                    let operator = if open == '[' { Operator::GreaterOrEqual } else { Operator::Greater };
                    parts.push((operator, version(low)?));
                }
                if !high.is_empty() {
                    let operator = if close == "]" { Operator::LessOrEqual } else { Operator::Less };
                    parts.push((operator, version(high)?));
                }
                parts
            }
        };
        if let [(_, low), (_, high)] = &parts[..]
            && low.compare(high).is_gt()
        {
            return Err("its lower end is above its upper one".to_owned());
        }
        alternatives.push(parts);
        if alternatives.len() > MOST_PARTS {
            return Err(format!("it has more than {MOST_PARTS} parts"));
        }
        rest = rest[end + 1..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Ok(Operators(alternatives))
}

/// Python's specifiers; a bare version and a single `=` mean `==`, spaces are as good as commas.
pub(super) fn specifiers(text: &str) -> Result<pep440_rs::VersionSpecifiers, String> {
    if text.contains("||") {
        return Err("PyPI has no alternatives; ask for one after the other".to_owned());
    }
    let words = join_words(text).into_iter().map(|word| {
        let (sign, version) = split_sign(&word);
        let sign = if matches!(sign, "" | "=") { "==" } else { sign };
        format!("{sign}{version}")
    });
    let joined = words.collect::<Vec<_>>().join(",");
    joined
        .parse()
        .map_err(|error: pep440_rs::VersionSpecifiersParseError| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// `>= 1, < 2` as `>=1` and `<2`.
pub(super) fn join_words(text: &str) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        match joined.last_mut() {
            Some(last) if split_sign(last).1.is_empty() => last.push_str(word),
            _ => joined.push(word.to_owned()),
        }
    }
    // `>=1<2` is two.
    joined.iter().flat_map(|word| split_glued(word)).collect()
}

fn split_glued(word: &str) -> Vec<String> {
    let (sign, version) = split_sign(word);
    match version.find(['<', '>']) {
        Some(at) => {
            let mut parts = vec![format!("{sign}{}", &version[..at])];
            parts.extend(split_glued(&version[at..]));
            parts
        }
        None => vec![word.to_owned()],
    }
}

fn split_sign(word: &str) -> (&str, &str) {
    let end = word.find(|letter: char| !matches!(letter, '<' | '>' | '=' | '!' | '~' | '^')).unwrap_or(word.len());
    (&word[..end], word[end..].trim())
}

fn unread(ecosystem: Ecosystem, written: &str) -> String {
    format!("{ecosystem} cannot read “{written}” as a version")
}

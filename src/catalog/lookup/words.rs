//! How names are made comparable: one key for what people write in different ways, its tokens, its letters.
//! Must not know entities.

/// Lower case; spaces, hyphens and underscores are one hyphen. Dots and slashes carry meaning and stay.
pub fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for letter in text.trim().chars().flat_map(char::to_lowercase) {
        if letter.is_whitespace() || letter == '-' || letter == '_' {
            if !key.is_empty() && !key.ends_with('-') {
                key.push('-');
            }
        } else {
            key.push(letter);
        }
    }
    key.truncate(key.trim_end_matches('-').len());
    key
}

/// The key without any separator, so that "paymentsapi" finds `payments-api`; `None` where that changes nothing.
pub fn squeezed(key: &str) -> Option<String> {
    let squeezed: String = key.chars().filter(|letter| !matches!(letter, '-' | '.' | '/')).collect();
    (squeezed.len() < key.len() && !squeezed.is_empty()).then_some(squeezed)
}

/// Splits on `-_./`, spaces and where lower case turns to upper; lower case, in the order written.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let mut before: Option<char> = None;
    for letter in text.chars() {
        let hump = letter.is_uppercase() && before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
        if (hump || !letter.is_alphanumeric()) && !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
        if letter.is_alphanumeric() {
            token.extend(letter.to_lowercase());
        }
        before = Some(letter);
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}

/// Which letters and digits occur, a bit each. One edit changes at most two bits, so masks that differ in more
/// than twice the distance need no closer look.
pub fn letters(text: &str) -> u64 {
    text.chars().fold(0, |mask, letter| {
        mask | match letter {
            'a'..='z' => 1 << (letter as u32 - 'a' as u32),
            '0'..='9' => 1 << (26 + (letter as u32 - '0' as u32)),
            '-' => 1 << 36,
            '.' => 1 << 37,
            '/' => 1 << 38,
            _ => 1 << 39,
        }
    })
}

/// Words that half of all teams carry in their names: sharing one makes two names no more alike.
const SHARED_WORDS: [&str; 5] = ["team", "teams", "squad", "crew", "group"];

/// The key without the words that say nothing; the key itself where nothing else is left.
pub fn telling(key: &str) -> std::borrow::Cow<'_, str> {
    if !SHARED_WORDS.iter().any(|word| key.contains(word)) {
        return key.into();
    }
    let parts: Vec<&str> = key.split('-').filter(|part| !SHARED_WORDS.contains(part)).collect();
    if parts.is_empty() { key.into() } else { parts.join("-").into() }
}

/// How many typing slips are forgiven in a word of this many characters.
pub fn slips(length: usize) -> usize {
    match length {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// The distance where it is within `slips`; [`letters`] tell most others apart before.
///
/// Of a very short word a slip would be half of it: `saml` is not Sam.
pub fn distance(typed: &str, other: &str, slips: usize) -> Option<usize> {
    if slips == 0 || self::slips(other.len()) == 0 || typed.len().abs_diff(other.len()) > 4 * slips {
        return None;
    }
    Some(strsim::damerau_levenshtein(typed, other)).filter(|distance| *distance <= slips)
}

/// Words that mark something as standing beside the real thing.
const SIDE_WORDS: [&str; 14] = [
    "test", "tests", "testing", "e2e", "mock", "mocks", "fake", "stub", "demo", "example", "examples", "sandbox", "loadtest",
    "fixtures",
];

/// Whether this token says that the thing is a test or a demo of another one.
pub fn is_side_word(token: &str) -> bool {
    SIDE_WORDS.contains(&token)
}

/// Asked with, without saying what is looked for.
const STOP_WORDS: [&str; 92] = [
    "a", "about", "all", "am", "an", "and", "any", "anyone", "are", "as", "ask", "asks", "at", "be", "been", "by", "can",
    "could", "did", "do", "does", "for", "from", "get", "give", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its",
    "know", "list", "look", "looks", "me", "my", "need", "needs", "of", "on", "one", "or", "our", "owned", "owner", "owners",
    "owns", "please", "should", "show", "so", "some", "tell", "that", "the", "their", "them", "then", "there", "these", "they",
    "thing", "things", "this", "those", "to", "us", "want", "was", "we", "were", "what", "when", "where", "which", "who",
    "whose", "why", "will", "with", "would", "you", "your", "find", "s", "after", "happens",
];

/// Said beside what is looked for: they help to choose, and their absence says little.
const SOFT_WORDS: [&str; 34] = [
    "app",
    "apps",
    "called",
    "code",
    "component",
    "components",
    "deal",
    "deals",
    "docs",
    "documentation",
    "handle",
    "handles",
    "library",
    "maintain",
    "maintains",
    "page",
    "project",
    "repo",
    "repository",
    "responsible",
    "run",
    "runs",
    "runbook",
    "service",
    "services",
    "something",
    "system",
    "team",
    "tool",
    "use",
    "used",
    "uses",
    "work",
    "works",
];

/// Whether a question can be asked without this word.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// Whether the word only narrows down what another one names.
pub fn is_soft_word(word: &str) -> bool {
    SOFT_WORDS.contains(&word)
}

/// What a word has in common with its other forms, roughly and the same for all: rotate, rotates, rotating, rotation.
pub fn stem(word: &str) -> String {
    let long = |least: usize| word.chars().count() >= least;
    let cut = |end: &str, least: usize| word.strip_suffix(end).filter(|_| long(least));
    let base = if let Some(start) = cut("ies", 5) {
        return format!("{start}y");
    } else if let Some(start) = cut("ing", 6).or_else(|| cut("ed", 5)) {
        undouble(start)
    } else if let Some(start) = cut("ions", 7).or_else(|| cut("ion", 6)) {
        start
    } else if let Some(start) =
        ["sses", "xes", "ches", "shes"].iter().find_map(|end| cut(end, 5).map(|_| &word[..word.len() - 2]))
    {
        start
    } else if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") || !long(4) {
        word
    } else {
        word.strip_suffix('s').unwrap_or(word)
    };
    let stem = base.strip_suffix('e').filter(|start| start.len() > 2).unwrap_or(base);
    SAME_STEMS.iter().find(|(written, _)| *written == stem).map_or(stem, |(_, meant)| meant).to_owned()
}

/// Words that people use for one another when they look for things, by their stems.
const SAME_STEMS: [(&str, &str); 12] = [
    ("email", "mail"),
    ("photograph", "imag"),
    ("photo", "imag"),
    ("pictur", "imag"),
    ("picture", "imag"),
    ("db", "databas"),
    ("k8s", "kubernete"),
    ("repo", "repository"),
    ("signin", "login"),
    ("authentication", "auth"),
    ("config", "configurat"),
    ("doc", "documentat"),
];

/// "shipp" of "shipping".
fn undouble(start: &str) -> &str {
    let mut letters = start.chars().rev();
    match (letters.next(), letters.next()) {
        (Some(last), Some(before)) if last == before && !matches!(last, 's' | 'l' | 'e' | 'o') => {
            &start[..start.len() - last.len_utf8()]
        }
        _ => start,
    }
}

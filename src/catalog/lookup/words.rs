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
pub fn distance(typed: &str, other: &str, slips: usize) -> Option<usize> {
    if slips == 0 || typed.len().abs_diff(other.len()) > 4 * slips {
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

//! The words of a question: split, spelt alike, freed of what only makes it polite.
//! Must not know commands.

use std::sync::LazyLock;

use super::phrase::Phrase;
use crate::chat::line::{Quoted, Word, is_mention, split_words};

/// One word as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// As it was written, without the marks around it.
    pub text: String,
    pub lower: String,
    /// What stood in quotes is part of a name and nothing else.
    pub quoted: Quoted,
}

/// Said before a question without being part of it. In the language of phrases.
const BEFORE: [&str; 23] = [
    "(hi|hey|hello|heya|hiya|yo|howdy|morning|greetings|dear|good (morning|afternoon|evening)) [there|again]",
    "(all|team|folks|everyone|everybody|guys|people|friends|mate|buddy|steward|@steward|bot|@here|@channel|@everyone)",
    "(please|pls|plz|plse|kindly|sorry|excuse me|pardon|thanks|thank you|thx|cheers)",
    "[a|one|just a] (quick|dumb|silly|stupid|small|newbie|noob|random) (question|one|q)",
    "(question|urgent|emergency|important|incident|help|asap|fyi|btw)",
    "(so|ok|okay|um|umm|uh|uhm|hm|hmm|well|also|and|but|then|right|actually|oh|ah|argh|ugh|anyway)",
    "(can|could|would|will|can't|couldn't) (you|u|ya|someone|anyone|somebody|anybody) [please|pls|plz|kindly|maybe|possibly|quickly] \
     [to] (tell|show|give|find|get|remind|send|check|look|help|fetch|open|pull) [me|us] [up|out|with|please|pls|quickly|for me|for us]",
    "(can|could|would|will) (you|u|someone|anyone) [please|pls|plz]",
    "(can|could|would|will) (you|u|someone|anyone) [please|pls] (point|direct) (me|us) (to|at|towards)",
    "(can|could|would) (you|u|someone|anyone) [please|pls] let (me|us) know",
    "(can|could|may|might) (i|we) [please] (get|see|have|ask|know)",
    "(tell|show|give|get|remind|send|help) (me|us) [please|with|find|out|quickly]",
    "(point|direct) (me|us) (to|at|towards)",
    "let (me|us) know",
    "(find out|check|figure out|look up|let's see|lets see)",
    "(i|we) (need|want|have|would like|'d like|wanted|am trying|are trying|was trying|am going|gotta) [to] \
     (know|find|find out|see|ask|understand|learn|figure out|check|get)",
    "(i|we) (need|want|wonder|would like|wonder about|am looking for|are looking for|was looking for|am after|don't know|dont know|forgot|have no idea)",
    "(looking for|searching for|in search of|wondering|just wondering|i (was|am) [just] wondering|need to know|trying to find [out])",
    "(any|no|got any) (idea|ideas|clue|chance|hint|hints)",
    "(do|does|did|would) (you|u|anyone|anybody|someone|somebody|any of you) [here] [happen to|by any chance] (know|remember|recall|have)",
    "(anyone|anybody|someone|somebody|you) [here] (know|knows|remember|remembers)",
    "(is there anyone who knows|who knows|who can tell me|can anyone say|can somebody say)",
    "(what about|how about|if)",
];

/// Said behind a question without being part of it.
const AFTER: [&str; 14] = [
    "(please|pls|plz|plse|thanks|thank you|thx|ty|tia|cheers|thanks a lot|many thanks|thanks in advance|thank you so much|kthx)",
    "(right now|now|just now|at the moment|currently|presently|today|tonight|this (week|morning|evening|afternoon)|at this time|\
     these days|nowadays|atm|rn|as of now|as of today|this time|tomorrow)",
    "(asap|urgently|quickly|quick|immediately|urgent|fast|soon|it's urgent)",
    "(anyone|anybody|someone|somebody|folks|guys|everyone|all|team|steward|@steward|bot|buddy|mate|@here|@channel)",
    "(by any chance|do you know|does anyone know|if you know|any idea|any ideas|anyone know|you know)",
    "(again|anyway|anyways|exactly|actually|then|though|tho|still|already|btw|lol|here|there|eh|huh|or what|ok|okay|right)",
    "(in|on|for) (prod|production|live)",
    "(for|to|with) (me|us)",
    "(recently|lately|yesterday|last (week|month|night|year|time)|this (month|year)|since (yesterday|last week|monday|today))",
    "at (acme|our company|work)",
    "so (i|we) can (ask|talk to|ping) (them|him|her)",
    "(hi|hey|hello)",
    "and (why|how)",
    "(around|at) (3 am|3am|night)",
];

/// Said anywhere without changing what is asked.
const ANYWHERE: [&str; 12] =
    ["actually", "currently", "exactly", "really", "even", "just", "tf", "basically", "presently", "ultimately", "also", "maybe"];

/// No filler has more words.
const LONGEST_FILLER: usize = 6;

static BEFORE_FILLERS: LazyLock<Vec<Phrase>> = LazyLock::new(|| BEFORE.iter().map(|text| Phrase::filler(text)).collect());
static AFTER_FILLERS: LazyLock<Vec<Phrase>> = LazyLock::new(|| AFTER.iter().map(|text| Phrase::filler(text)).collect());

/// Question words whose `'s` is "is"; behind any other word it says whose.
const ASKING: [&str; 11] = ["who", "what", "where", "how", "when", "why", "that", "it", "there", "here", "which"];

/// Words of everyday language that must not pass for a mistyped word of a phrase.
const COMMON: [&str; 85] = [
    "that", "then", "than", "them", "they", "there", "these", "those", "this", "here", "were", "want", "hat", "chat", "call",
    "all", "ball", "tall", "seam", "tea", "term", "user", "users", "used", "use", "uses", "own", "owns", "down", "town", "over",
    "older", "order", "other", "need", "feed", "seed", "reads", "read", "runs", "run", "ran", "fun", "with", "wish", "which",
    "while", "when", "what", "where", "whose", "who", "how", "house", "hose", "show", "shows", "find", "fine", "mind", "kind",
    "like", "line", "link", "love", "live", "lunch", "launch", "time", "times", "team", "teams", "change", "chance", "charge",
    "break", "bread", "great", "depend", "for", "from", "form", "does", "done", "one",
];

/// Splits into words that count: contractions taken apart, marks and smileys left out. Expects a plain line.
pub(super) fn tokens(line: &str) -> Vec<Token> {
    split_words(line).into_iter().flat_map(|word| tokens_of(&word)).collect()
}

fn tokens_of(word: &Word) -> Vec<Token> {
    if word.quoted == Quoted::Yes {
        return vec![Token { text: word.text.clone(), lower: word.text.to_lowercase(), quoted: Quoted::Yes }];
    }
    if is_smiley(&word.text) {
        return Vec::new();
    }
    let text = trim_marks(&word.text);
    let is_comparison = !text.is_empty() && text.chars().all(|letter| matches!(letter, '<' | '>' | '=' | '~' | '^' | '|'));
    if !is_comparison && !text.contains(char::is_alphanumeric) {
        return Vec::new();
    }
    let plain = |text: &str| Token { text: text.to_owned(), lower: text.to_lowercase(), quoted: Quoted::No };
    let lower = text.to_lowercase();
    match lower.as_str() {
        "whos" => return vec![plain("who"), plain("is")],
        "whats" | "wots" => return vec![plain("what"), plain("is")],
        "wheres" => return vec![plain("where"), plain("is")],
        "i'm" | "im" => return vec![plain("i"), plain("am")],
        "we're" => return vec![plain("we"), plain("are")],
        "who're" => return vec![plain("who"), plain("are")],
        "who'd" => return vec![plain("who"), plain("would")],
        "i'd" => return vec![plain("i"), plain("would")],
        "we'd" => return vec![plain("we"), plain("would")],
        _ => {}
    }
    match text.len().checked_sub(2).filter(|at| *at > 0 && lower.ends_with("'s") && text.is_char_boundary(*at)) {
        Some(at) if ASKING.contains(&text[..at].to_lowercase().as_str()) => vec![plain(&text[..at]), plain("is")],
        Some(at) => vec![plain(&text[..at]), plain("'s")],
        None => vec![plain(text)],
    }
}

fn is_smiley(text: &str) -> bool {
    let inside = text.trim_end_matches([',', '.', '!', '?']);
    let inside = inside.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    inside.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_+-':".contains(letter))
    })
}

/// Without what stands around a word in prose; a mention keeps its brackets.
fn trim_marks(text: &str) -> &str {
    if text.starts_with("<@") {
        return text.trim_end_matches(['?', '!', '.', ',', ';', ':']);
    }
    let text = text.trim_start_matches(['(', '[', '{', '"', '\'', '_', '~', '*', '¿', '¡', ',', ';', ':', '!']);
    // The end of a range such as `1.*` is no mark.
    let end = text.trim_end_matches(['?', '!', '.', ',', ';', ':', ')', ']', '}', '"', '_', '~', '…', '\'']);
    if end.is_empty() { text } else { end }
}

/// How many slips lie between a word and what a phrase says there: none, one, or `None` for another word.
pub(super) fn slip(token: &Token, word: &str) -> Option<usize> {
    if token.quoted == Quoted::Yes {
        return None;
    }
    if token.lower == word {
        return Some(0);
    }
    let length = word.chars().count();
    let differs = length.abs_diff(token.lower.chars().count());
    if length < 3 || differs > 1 || COMMON.contains(&token.lower.as_str()) || token.lower.contains(['-', '.', '/', ':', '_', '<'])
    {
        return None;
    }
    let is_near = strsim::osa_distance(&token.lower, word) == 1;
    let is_swap = || {
        let (mut a, mut b): (Vec<char>, Vec<char>) = (token.lower.chars().collect(), word.chars().collect());
        a.sort_unstable();
        b.sort_unstable();
        a == b
    };
    let is_slip = if length == 3 { is_near && is_swap() } else { is_near };
    is_slip.then_some(1)
}

/// What is left when greetings, thanks and the like are taken off both ends.
pub(super) fn without_fillers(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.retain(|token| token.quoted == Quoted::Yes || !ANYWHERE.contains(&token.lower.as_str()));
    loop {
        let before = tokens.len();
        let lead = BEFORE_FILLERS.iter().map(|filler| filler.length_at_start(&tokens)).max().unwrap_or(0);
        tokens.drain(..lead);
        if tokens.first().is_some_and(is_a_mention) && tokens.len() > 1 {
            tokens.remove(0);
        }
        let tail = (tokens.len().saturating_sub(LONGEST_FILLER)..tokens.len()).find(|at| {
            let rest = &tokens[*at..];
            AFTER_FILLERS.iter().any(|filler| filler.length_at_start(rest) == rest.len())
        });
        if let Some(at) = tail {
            tokens.truncate(at);
        }
        // Somebody's name at the end calls them; behind "who is" it is what is asked.
        if tokens.len() > 3 && tokens.last().is_some_and(is_a_mention) {
            tokens.pop();
        }
        if tokens.len() == before {
            return tokens;
        }
    }
}

fn is_a_mention(token: &Token) -> bool {
    is_mention(&Word { text: token.text.clone(), quoted: Quoted::No })
}

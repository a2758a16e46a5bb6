//! The text of a template -> pieces of text, expressions and tags, each cut into tokens; white space is trimmed here.
//! Must not know what a tag means, but for `raw`, inside which nothing is a tag.

use super::{ExpressionError, Syntax};

#[derive(Debug)]
pub enum Piece {
    Text(String),
    Print { tokens: Vec<Token>, line: usize },
    Tag { tokens: Vec<Token>, line: usize },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Regex { source: String, flags: String },
    Sign(&'static str),
}

/// Longest first, since the first that fits is taken.
const SIGNS: [&str; 29] = [
    "===", "!==", "==", "!=", "<=", ">=", "//", "**", "(", ")", "[", "]", "{", "}", "*", "-", "+", "~", "/", "#", ",", ":", "|",
    ".", "<", ">", "=", "%", "!",
];

/// Characters that end a word.
const ENDS_WORD: &str = " \n\t\r\u{a0}()[]{}%*-+~/#,:|.<>=!";

/// The most pieces of a template: a skeleton's file of a megabyte holds fewer.
const MAX_PIECES: usize = 200_000;

pub fn cut(source: &str, syntax: Syntax) -> Result<Vec<Piece>, ExpressionError> {
    let mut cutter = Cutter { source, at: 0, syntax, pieces: Vec::new(), drop_leading: false };
    cutter.run()?;
    Ok(cutter.pieces)
}

struct Cutter<'a> {
    source: &'a str,
    at: usize,
    syntax: Syntax,
    pieces: Vec<Piece>,
    /// The tag before ended with `-`.
    drop_leading: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Start {
    Tag,
    Print,
    Comment,
}

impl<'a> Cutter<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError { message: message.into(), line: line_of(self.source, self.at) }
    }

    fn run(&mut self) -> Result<(), ExpressionError> {
        loop {
            if self.pieces.len() > MAX_PIECES {
                return Err(self.error(format!("the template holds more than {MAX_PIECES} pieces")));
            }
            let Some((offset, start)) = self.find_start() else {
                let rest = self.rest();
                self.push_text(rest, false);
                return Ok(());
            };
            let opening = match start {
                Start::Print => self.syntax.print_start(),
                Start::Tag => "{%",
                Start::Comment => "{#",
            };
            let mut text = &self.rest()[..offset];
            self.at += offset;
            if start == Start::Tag && self.syntax.lstrip_blocks {
                let line_start = text.rfind('\n').map(|at| at + 1);
                // Only where the line begins in this very text.
                let begins = line_start.or((self.at == offset).then_some(0));
                if let Some(begins) = begins
                    && text[begins..].chars().all(char::is_whitespace)
                {
                    text = &text[..begins];
                }
            }
            let after = &self.source[self.at + opening.len()..];
            self.push_text(text, after.starts_with('-'));
            let line = line_of(self.source, self.at);
            match start {
                Start::Comment => {
                    let end = after.find("#}").ok_or_else(|| self.error("a comment {# is not closed by #}"))?;
                    self.drop_leading = after[..end].ends_with('-');
                    self.at += opening.len() + end + 2;
                }
                Start::Print => {
                    let tokens = self.tokens(opening, "}}")?;
                    self.pieces.push(Piece::Print { tokens, line });
                }
                Start::Tag => {
                    let tokens = self.tokens(opening, "%}")?;
                    if self.syntax.trim_blocks {
                        let rest = self.rest();
                        self.at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
                    }
                    match tokens.as_slice() {
                        [Token::Word(word)] if word == "raw" || word == "verbatim" => self.raw(&word.clone())?,
                        _ => self.pieces.push(Piece::Tag { tokens, line }),
                    }
                }
            }
        }
    }

    fn find_start(&self) -> Option<(usize, Start)> {
        let rest = self.rest();
        let print = self.syntax.print_start();
        let mut from = 0;
        while let Some(offset) = rest[from..].find(['{', '$']) {
            let at = from + offset;
            let here = &rest[at..];
            if here.starts_with("{%") {
                return Some((at, Start::Tag));
            }
            if here.starts_with(print) {
                return Some((at, Start::Print));
            }
            if here.starts_with("{#") {
                return Some((at, Start::Comment));
            }
            from = at + 1;
        }
        None
    }

    fn push_text(&mut self, text: &str, drop_trailing: bool) {
        let mut text = text;
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.drop_leading) {
            text = text.trim_start();
        }
        if drop_trailing {
            text = text.trim_end();
        }
        // Also an empty one counts as a piece: what is beside a text is no longer alone.
        self.pieces.push(Piece::Text(text.to_owned()));
    }

    fn raw(&mut self, word: &str) -> Result<(), ExpressionError> {
        self.drop_leading = false;
        let (begin, mut depth) = (self.at, 1);
        while let Some(offset) = self.rest().find("{%") {
            let tag_at = self.at + offset;
            self.at = tag_at + 2;
            let Some(end) = self.rest().find("%}") else { break };
            let inner = self.rest()[..end].trim();
            if inner == word {
                depth += 1;
            } else if inner.strip_prefix("end") == Some(word) {
                depth -= 1;
            } else {
                continue;
            }
            self.at += end + 2;
            if depth == 0 {
                self.pieces.push(Piece::Text(self.source[begin..tag_at].to_owned()));
                return Ok(());
            }
        }
        Err(self.error(format!("{{% {word} %}} is not closed by {{% end{word} %}}")))
    }

    /// From an opening up to its end.
    fn tokens(&mut self, opening: &str, closing: &str) -> Result<Vec<Token>, ExpressionError> {
        let start = self.at;
        self.at += opening.len();
        if self.rest().starts_with('-') {
            self.at += 1;
        }
        let mut tokens = Vec::new();
        loop {
            let rest = self.rest().trim_start();
            self.at = self.source.len() - rest.len();
            if rest.is_empty() {
                self.at = start;
                return Err(self.error(format!("{opening} is not closed by {closing}")));
            }
            if rest.starts_with(closing) {
                self.at += closing.len();
                self.drop_leading = false;
                return Ok(tokens);
            }
            if rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(closing)) {
                self.at += closing.len() + 1;
                self.drop_leading = true;
                return Ok(tokens);
            }
            tokens.push(self.token(rest)?);
        }
    }

    fn token(&mut self, rest: &str) -> Result<Token, ExpressionError> {
        let first = rest.chars().next().expect("the rest is not empty");
        if first == '"' || first == '\'' {
            return self.quoted(rest, first);
        }
        if rest.starts_with("r/") {
            return self.regex(rest);
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.at += sign.len();
            return Ok(Token::Sign(sign));
        }
        let end = rest.find(|letter| ENDS_WORD.contains(letter)).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let fraction = rest[end..].strip_prefix('.').map_or("", |after| {
                let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
                &after[..digits]
            });
            let length = if rest[end..].starts_with('.') { end + 1 + fraction.len() } else { end };
            self.at += length;
            let number = rest[..length].trim_end_matches('.').parse();
            return number.map(Token::Number).map_err(|_| self.error("a number cannot be read"));
        }
        if let Some(strange) = word.chars().find(|letter| !letter.is_alphanumeric() && *letter != '_' && *letter != '$') {
            return Err(self.error(format!("{strange} stands for nothing in an expression{}", hint_sign(strange))));
        }
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            return Err(self.error(format!("{word} is neither a number nor a name")));
        }
        self.at += end;
        Ok(Token::Word(word.to_owned()))
    }

    fn quoted(&mut self, rest: &str, quote: char) -> Result<Token, ExpressionError> {
        let mut text = String::new();
        let mut letters = rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                letter if letter == quote => {
                    self.at += at + 1;
                    return Ok(Token::Text(text));
                }
                letter => text.push(letter),
            }
        }
        Err(self.error("a text in quotes is not closed"))
    }

    fn regex(&mut self, rest: &str) -> Result<Token, ExpressionError> {
        let mut source = String::new();
        let mut letters = rest.char_indices().skip(2);
        while let Some((at, letter)) = letters.next() {
            if letter == '\\' {
                source.push(letter);
                source.extend(letters.next().map(|(_, letter)| letter));
                continue;
            }
            if letter != '/' {
                source.push(letter);
                continue;
            }
            let after = &rest[at + 1..];
            let flags = after.len() - after.trim_start_matches(['g', 'i', 'm', 'y']).len();
            self.at += at + 1 + flags;
            return Ok(Token::Regex { source, flags: after[..flags].to_owned() });
        }
        Err(self.error("a regular expression r/ is not closed by /"))
    }
}

fn hint_sign(sign: char) -> &'static str {
    match sign {
        '?' => "; write `a if condition else b`",
        '&' => "; write `and`",
        _ => "",
    }
}

fn line_of(source: &str, at: usize) -> usize {
    source.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

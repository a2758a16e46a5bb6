//! Tokens -> expressions, with the precedence of nunjucks
//! (<https://mozilla.github.io/nunjucks/templating.html#expressions>). Must not evaluate.

use std::rc::Rc;

use super::{
    ExpressionError, Syntax,
    lex::Token,
    tree::{Args, Arithmetic, Comparison, Expr},
    value::{Pattern, Value},
};

/// How deep brackets and prefixes may nest: the stack holds several frames for each.
const MAX_DEPTH: usize = 50;

/// How many operators, members, calls and filters one expression holds: each may lie within the next.
const MAX_LINKS: usize = 200;

/// A compiled regular expression may take this much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

pub struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    links: usize,
    line: usize,
    syntax: Syntax,
}

type Parsed<T = Expr> = Result<T, ExpressionError>;

impl<'a> Parser<'a> {
    pub fn new(tokens: &'a [Token], line: usize, syntax: Syntax) -> Self {
        Self { tokens, at: 0, depth: 0, links: 0, line, syntax }
    }

    pub fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError { message: message.into(), line: self.line }
    }

    pub fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub fn skip_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    pub fn skip_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    pub fn word(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            _ => Err(self.error("a name is expected")),
        }
    }

    pub fn want_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.skip_sign(sign) { Ok(()) } else { Err(self.error(format!("{sign} is expected"))) }
    }

    pub fn end(&self) -> Parsed<()> {
        match self.peek() {
            None => Ok(()),
            Some(token) => Err(self.error(format!("{} is not expected here", describe(token)))),
        }
    }

    pub fn whole(&mut self) -> Parsed {
        let found = self.expression()?;
        self.end()?;
        Ok(found)
    }

    pub fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("the expression nests more than {MAX_DEPTH} levels deep")));
        }
        let found = self.inline_if();
        self.depth -= 1;
        found
    }

    /// Counts what nests without brackets, as in `a + b + c`.
    fn link(&mut self) -> Parsed<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(self.error(format!("the expression holds more than {MAX_LINKS} operators")));
        }
        Ok(())
    }

    fn inline_if(&mut self) -> Parsed {
        let then = self.or()?;
        if !self.skip_word("if") {
            return Ok(then);
        }
        let condition = Box::new(self.or()?);
        let otherwise = if self.skip_word("else") { Some(Box::new(self.or()?)) } else { None };
        Ok(Expr::IfElse { condition, then: Box::new(then), otherwise })
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.skip_word("or") {
            self.link()?;
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.skip_word("and") {
            self.link()?;
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let mut negations = 0;
        while self.skip_word("not") {
            self.link()?;
            negations += 1;
        }
        let mut found = self.is_in()?;
        for _ in 0..negations {
            found = Expr::Not(Box::new(found));
        }
        Ok(found)
    }

    fn is_in(&mut self) -> Parsed {
        let mut left = self.is()?;
        loop {
            let before = self.at;
            let negated = self.skip_word("not");
            if !self.skip_word("in") {
                self.at = before;
                return Ok(left);
            }
            self.link()?;
            left = Expr::In(Box::new(left), Box::new(self.is()?));
            if negated {
                left = Expr::Not(Box::new(left));
            }
        }
    }

    fn is(&mut self) -> Parsed {
        let left = self.compare()?;
        if !self.skip_word("is") {
            return Ok(left);
        }
        let negated = self.skip_word("not");
        let name = self.word()?;
        let args = if self.skip_sign("(") { self.list_until(")")? } else { Vec::new() };
        let test = Expr::Test(Box::new(left), name, args);
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    fn compare(&mut self) -> Parsed {
        let left = self.arithmetic(0)?;
        let mut rest = Vec::new();
        while let Some(Token::Sign(sign)) = self.peek() {
            let comparison = match *sign {
                "==" => Comparison::Equal,
                "===" => Comparison::Same,
                "!=" => Comparison::NotEqual,
                "!==" => Comparison::NotSame,
                "<" => Comparison::Less,
                ">" => Comparison::Greater,
                "<=" => Comparison::AtMost,
                ">=" => Comparison::AtLeast,
                _ => break,
            };
            self.at += 1;
            rest.push((comparison, self.arithmetic(0)?));
        }
        Ok(if rest.is_empty() { left } else { Expr::Compare(Box::new(left), rest) })
    }

    /// Each operator has a level of its own, as there.
    fn arithmetic(&mut self, level: usize) -> Parsed {
        const LEVELS: [(&str, Arithmetic); 8] = [
            ("~", Arithmetic::Join),
            ("+", Arithmetic::Add),
            ("-", Arithmetic::Subtract),
            ("*", Arithmetic::Multiply),
            ("/", Arithmetic::Divide),
            ("//", Arithmetic::FloorDivide),
            ("%", Arithmetic::Remainder),
            ("**", Arithmetic::Power),
        ];
        let Some((sign, arithmetic)) = LEVELS.get(level) else { return self.unary(true) };
        let mut left = self.arithmetic(level + 1)?;
        while self.skip_sign(sign) {
            self.link()?;
            left = Expr::Arithmetic(*arithmetic, Box::new(left), Box::new(self.arithmetic(level + 1)?));
        }
        Ok(left)
    }

    fn unary(&mut self, filters: bool) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("the expression nests more than {MAX_DEPTH} levels deep")));
        }
        let found = if self.skip_sign("-") {
            Expr::Negative(Box::new(self.unary(false)?))
        } else if self.skip_sign("+") {
            Expr::Positive(Box::new(self.unary(false)?))
        } else {
            self.primary()?
        };
        self.depth -= 1;
        if filters { self.filters(found) } else { Ok(found) }
    }

    fn filters(&mut self, mut subject: Expr) -> Parsed {
        while self.skip_sign("|") {
            self.link()?;
            let (name, args) = self.filter_name()?;
            subject = Expr::Filter(Box::new(subject), name, args);
        }
        Ok(subject)
    }

    pub fn filter_name(&mut self) -> Parsed<(String, Args)> {
        let mut name = self.word()?;
        while self.skip_sign(".") {
            name = format!("{name}.{}", self.word()?);
        }
        let args = if self.skip_sign("(") { self.args()? } else { Args::default() };
        Ok((name, args))
    }

    fn primary(&mut self) -> Parsed {
        let Some(token) = self.peek() else { return Err(self.error("a value is expected, and the expression ends")) };
        self.at += 1;
        let found = match token {
            Token::Text(text) => Expr::Literal(Value::text(text)),
            Token::Number(number) => Expr::Literal(Value::Number(*number)),
            Token::Regex { source, flags } => Expr::Literal(Value::Regex(Rc::new(self.pattern(source, flags)?))),
            Token::Word(word) => self.name(word),
            Token::Sign("(") => Expr::Group(self.list_until(")")?),
            Token::Sign("[") => Expr::List(self.list_until("]")?),
            Token::Sign("{") => self.dict()?,
            Token::Sign(_) => return Err(self.error(format!("{} is not expected here", describe(token)))),
        };
        self.postfix(found)
    }

    fn name(&self, word: &str) -> Expr {
        Expr::Literal(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "none" | "null" => Value::Null,
            "True" if self.syntax.cookiecutter => Value::Bool(true),
            "False" if self.syntax.cookiecutter => Value::Bool(false),
            "None" if self.syntax.cookiecutter => Value::Null,
            _ => return Expr::Name(word.to_owned()),
        })
    }

    fn postfix(&mut self, mut found: Expr) -> Parsed {
        loop {
            self.link()?;
            if self.skip_sign("(") {
                found = Expr::Call(Box::new(found), self.args()?);
            } else if self.skip_sign("[") {
                found = self.subscript(found)?;
            } else if self.skip_sign(".") {
                let name = self.word()?;
                found = Expr::Member(Box::new(found), Box::new(Expr::Literal(Value::text(name))));
            } else {
                self.links -= 1;
                return Ok(found);
            }
        }
    }

    fn subscript(&mut self, subject: Expr) -> Parsed {
        let mut parts: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut part = 0;
        loop {
            if self.skip_sign("]") {
                break;
            }
            if self.skip_sign(":") {
                part += 1;
                if part > 2 || !self.syntax.cookiecutter {
                    return Err(
                        self.error("a slice [from:to] is understood with cookiecutterCompat only; write .slice(from, to)")
                    );
                }
                continue;
            }
            if parts[part].is_some() {
                return Err(self.error("] is expected"));
            }
            parts[part] = Some(Box::new(self.expression()?));
        }
        match (part, parts) {
            (0, [Some(key), None, None]) => Ok(Expr::Member(Box::new(subject), key)),
            (0, _) => Err(self.error("a key is expected between [ and ]")),
            (_, parts) => Ok(Expr::Slice(Box::new(subject), parts)),
        }
    }

    pub fn list_until(&mut self, closing: &str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        loop {
            if self.skip_sign(closing) {
                return Ok(items);
            }
            if !items.is_empty() {
                self.want_sign(",")?;
                // A comma may stand at the end.
                if self.skip_sign(closing) {
                    return Ok(items);
                }
            }
            items.push(self.expression()?);
        }
    }

    fn dict(&mut self) -> Parsed {
        let mut entries = Vec::new();
        loop {
            if self.skip_sign("}") {
                return Ok(Expr::Map(entries));
            }
            if !entries.is_empty() {
                self.want_sign(",")?;
                if self.skip_sign("}") {
                    return Ok(Expr::Map(entries));
                }
            }
            let key = match self.primary()? {
                // A bare word is its own key, as in JavaScript.
                Expr::Name(name) => Expr::Literal(Value::text(name)),
                other => other,
            };
            self.want_sign(":")?;
            entries.push((key, self.expression()?));
        }
    }

    pub fn args(&mut self) -> Parsed<Args> {
        let mut args = Args::default();
        loop {
            if self.skip_sign(")") {
                return Ok(args);
            }
            if !args.by_place.is_empty() || !args.by_name.is_empty() {
                self.want_sign(",")?;
                if self.skip_sign(")") {
                    return Ok(args);
                }
            }
            match (self.peek(), self.tokens.get(self.at + 1)) {
                (Some(Token::Word(name)), Some(Token::Sign("="))) => {
                    self.at += 2;
                    args.by_name.push((name.clone(), self.expression()?));
                }
                _ => args.by_place.push(self.expression()?),
            }
        }
    }

    fn pattern(&self, source: &str, flags: &str) -> Parsed<Pattern> {
        let built = regex::RegexBuilder::new(source)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .size_limit(MAX_REGEX_BYTES)
            .build();
        match built {
            Ok(regex) => Ok(Pattern { source: source.to_owned(), flags: flags.to_owned(), regex }),
            Err(_) => Err(self.error(format!(
                "the regular expression r/{source}/ cannot be read; looking ahead or back, and references to groups, are not understood"
            ))),
        }
    }
}

pub fn describe(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Text(_) => "a text".to_owned(),
        Token::Number(_) => "a number".to_owned(),
        Token::Regex { .. } => "a regular expression".to_owned(),
        Token::Sign(sign) => (*sign).to_owned(),
    }
}

//! Pieces -> nodes: what each `{% tag %}` of nunjucks means. Tags that read other files are refused, since there are none.

use std::rc::Rc;

use super::{
    ExpressionError, Syntax,
    lex::{Piece, Token},
    parse::Parser,
    tree::{Expr, Macro, Node},
};

/// How deep tags may nest.
const MAX_DEPTH: usize = 50;

pub fn read_nodes(pieces: &[Piece], syntax: Syntax) -> Result<Vec<Node>, ExpressionError> {
    let mut reader = Reader { pieces, at: 0, depth: 0, syntax };
    let (nodes, stop) = reader.until(&[])?;
    debug_assert!(stop.is_none(), "without words to stop at it reads to the end");
    Ok(nodes)
}

struct Reader<'a> {
    pieces: &'a [Piece],
    at: usize,
    depth: usize,
    syntax: Syntax,
}

/// The tag that ended a body: its word, the tokens after it, its line.
type Stop<'a> = (&'a str, &'a [Token], usize);

type Body<'a> = (Vec<Node>, Option<Stop<'a>>);

impl<'a> Reader<'a> {
    fn until(&mut self, stops: &[&str]) -> Result<Body<'a>, ExpressionError> {
        self.depth += 1;
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.get(self.at) {
            self.at += 1;
            match piece {
                Piece::Text(text) => nodes.push(Node::Text(text.clone())),
                Piece::Print { tokens, line } => nodes.push(self.print(tokens, *line)?),
                Piece::Tag { tokens, line } => {
                    let (word, rest) = match tokens.split_first() {
                        Some((Token::Word(word), rest)) => (word.as_str(), rest),
                        _ => return Err(ExpressionError { message: "a tag {% begins with a word".to_owned(), line: *line }),
                    };
                    if stops.contains(&word) {
                        self.depth -= 1;
                        return Ok((nodes, Some((word, rest, *line))));
                    }
                    if self.depth > MAX_DEPTH {
                        let message = format!("tags nest more than {MAX_DEPTH} levels deep");
                        return Err(ExpressionError { message, line: *line });
                    }
                    nodes.push(self.tag(word, rest, *line)?);
                }
            }
        }
        self.depth -= 1;
        Ok((nodes, None))
    }

    /// As `until`, where the end of the template is a fault.
    fn body(&mut self, opened: &str, line: usize, stops: &[&str]) -> Result<(Vec<Node>, Stop<'a>), ExpressionError> {
        match self.until(stops)? {
            (nodes, Some(stop)) => Ok((nodes, stop)),
            (_, None) => {
                let closing = stops.last().expect("a body names what closes it");
                Err(ExpressionError { message: format!("{{% {opened} %}} is not closed by {{% {closing} %}}"), line })
            }
        }
    }

    fn parser(&self, tokens: &'a [Token], line: usize) -> Parser<'a> {
        Parser::new(tokens, line, self.syntax)
    }

    fn whole(&self, tokens: &'a [Token], line: usize) -> Result<Expr, ExpressionError> {
        self.parser(tokens, line).whole()
    }

    fn print(&self, tokens: &'a [Token], line: usize) -> Result<Node, ExpressionError> {
        Ok(Node::Print(self.whole(tokens, line)?))
    }

    fn tag(&mut self, word: &'a str, rest: &'a [Token], line: usize) -> Result<Node, ExpressionError> {
        match word {
            "if" | "ifAsync" => self.condition(rest, line),
            "for" | "asyncEach" | "asyncAll" => self.each(word, rest, line),
            "set" => self.set(rest, line),
            "macro" => {
                let mut parser = self.parser(rest, line);
                let name = parser.word()?;
                parser.want_sign("(")?;
                let params = params(&mut parser)?;
                parser.end()?;
                let (body, _) = self.body(word, line, &["endmacro"])?;
                Ok(Node::Macro(Rc::new(Macro { name, params, body })))
            }
            "call" => {
                let mut parser = self.parser(rest, line);
                let params = if parser.skip_sign("(") { params(&mut parser)? } else { Vec::new() };
                let call = parser.whole()?;
                let (body, _) = self.body(word, line, &["endcall"])?;
                Ok(Node::Call { call, params: Rc::new(Macro { name: "caller".to_owned(), params, body }) })
            }
            "filter" => {
                let mut parser = self.parser(rest, line);
                let (name, args) = parser.filter_name()?;
                parser.end()?;
                let (body, _) = self.body(word, line, &["endfilter"])?;
                Ok(Node::Filter { name, args, body })
            }
            "switch" => self.switch(rest, line),
            "block" => {
                let (body, _) = self.body(word, line, &["endblock"])?;
                Ok(Node::Block(body))
            }
            "include" | "import" | "from" | "extends" => Err(ExpressionError {
                message: format!("{{% {word} %}} reads another template, and there is none here; write its content in place"),
                line,
            }),
            _ => Err(ExpressionError { message: format!("{{% {word} %}} is no tag that is known"), line }),
        }
    }

    fn condition(&mut self, rest: &'a [Token], line: usize) -> Result<Node, ExpressionError> {
        let mut branches = Vec::new();
        let mut condition = self.whole(rest, line)?;
        loop {
            let (body, (word, rest, line)) = self.body("if", line, &["elif", "elseif", "else", "endif"])?;
            branches.push((condition, body));
            match word {
                "else" => {
                    let (otherwise, _) = self.body("if", line, &["endif"])?;
                    return Ok(Node::If { branches, otherwise });
                }
                "endif" => return Ok(Node::If { branches, otherwise: Vec::new() }),
                _ => condition = self.whole(rest, line)?,
            }
        }
    }

    fn each(&mut self, word: &str, rest: &'a [Token], line: usize) -> Result<Node, ExpressionError> {
        let mut parser = self.parser(rest, line);
        let mut names = vec![parser.word()?];
        while parser.skip_sign(",") {
            names.push(parser.word()?);
        }
        if !parser.skip_word("in") {
            return Err(parser.error("{% for %} wants `for name in list`"));
        }
        let over = parser.whole()?;
        let closing = match word {
            "for" => "endfor",
            "asyncEach" => "endeach",
            _ => "endall",
        };
        let (body, (word, ..)) = self.body(word, line, &["else", closing])?;
        let otherwise = if word == "else" { self.body("for", line, &[closing])?.0 } else { Vec::new() };
        Ok(Node::For { names, over, body, otherwise })
    }

    fn set(&mut self, rest: &'a [Token], line: usize) -> Result<Node, ExpressionError> {
        let mut parser = self.parser(rest, line);
        let mut names = vec![parser.word()?];
        while parser.skip_sign(",") {
            names.push(parser.word()?);
        }
        if parser.skip_sign("=") {
            return Ok(Node::Set { names, value: parser.whole()? });
        }
        parser.end()?;
        let (body, _) = self.body("set", line, &["endset"])?;
        Ok(Node::SetBlock { name: names.swap_remove(0), body })
    }

    fn switch(&mut self, rest: &'a [Token], line: usize) -> Result<Node, ExpressionError> {
        const STOPS: [&str; 3] = ["case", "default", "endswitch"];
        let subject = self.whole(rest, line)?;
        let (mut cases, mut otherwise) = (Vec::new(), Vec::new());
        let (_, mut stop) = self.body("switch", line, &STOPS)?;
        loop {
            let (word, rest, line) = stop;
            match word {
                "endswitch" => return Ok(Node::Switch { subject, cases, otherwise }),
                "case" => {
                    let value = self.whole(rest, line)?;
                    let (body, next) = self.body("switch", line, &STOPS)?;
                    cases.push((value, body));
                    stop = next;
                }
                _ => (otherwise, stop) = self.body("switch", line, &STOPS)?,
            }
        }
    }
}

fn params(parser: &mut Parser<'_>) -> Result<Vec<(String, Option<Expr>)>, ExpressionError> {
    let mut params = Vec::new();
    while !parser.skip_sign(")") {
        if !params.is_empty() {
            parser.want_sign(",")?;
        }
        let name = parser.word()?;
        let default = if parser.skip_sign("=") { Some(parser.expression()?) } else { None };
        params.push((name, default));
    }
    Ok(params)
}

//! What a template is once it is read: text, expressions to print, and statements. Holds no behaviour.

use std::rc::Rc;

use super::value::Value;

#[derive(Debug)]
pub enum Node {
    Text(String),
    Print(Expr),
    If {
        branches: Vec<(Expr, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    For {
        names: Vec<String>,
        over: Expr,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Set {
        names: Vec<String>,
        value: Expr,
    },
    SetBlock {
        name: String,
        body: Vec<Node>,
    },
    Macro(Rc<Macro>),
    Call {
        call: Expr,
        params: Rc<Macro>,
    },
    Filter {
        name: String,
        args: Args,
        body: Vec<Node>,
    },
    Switch {
        subject: Expr,
        cases: Vec<(Expr, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    /// `{% block %}` without a parent: its content.
    Block(Vec<Node>),
}

#[derive(Debug)]
pub struct Macro {
    pub name: String,
    /// Each with its default.
    pub params: Vec<(String, Option<Expr>)>,
    pub body: Vec<Node>,
}

#[derive(Debug)]
pub enum Expr {
    Literal(Value),
    Name(String),
    List(Vec<Expr>),
    /// `(a, b)`: the last one's value.
    Group(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Member(Box<Expr>, Box<Expr>),
    /// `a[from:to:step]`, where Jinja's words are understood.
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Args),
    Filter(Box<Expr>, String, Args),
    Test(Box<Expr>, String, Vec<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    In(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    IfElse {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Option<Box<Expr>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Same,
    NotEqual,
    NotSame,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Join,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

/// Arguments by place, then by name.
#[derive(Debug, Default)]
pub struct Args {
    pub by_place: Vec<Expr>,
    pub by_name: Vec<(String, Expr)>,
}

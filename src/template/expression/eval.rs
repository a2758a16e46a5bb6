//! Evaluates what was read, within limits of work, depth and size. Filters and methods have files of their own.

use std::{cell::RefCell, cmp::Ordering, rc::Rc};

use super::{
    ExpressionError, Syntax,
    filter::{apply_filter, is_so},
    method::call_method,
    tree::{Args, Arithmetic, Comparison, Expr, Macro, Node},
    value::{Function, Value},
};

/// Steps of one rendering: a skeleton's largest file takes some thousands; this many take about a second.
const FUEL: u64 = 5_000_000;

/// The text of one rendering: a source file has less.
pub const MAX_OUTPUT_BYTES: usize = 8 * 1024 * 1024;

/// A macro may call itself this deep; each level takes several frames of the stack.
const MAX_CALLS: usize = 40;

/// Tags and expressions within one another, macros included; each takes a frame of the stack, which has 2 MiB.
const MAX_NESTING: usize = 260;

/// `range()` makes at most as many numbers.
const MAX_RANGE: f64 = 100_000.0;

pub type Evaluated<T = Value> = Result<T, ExpressionError>;

/// Values by place, and by name.
type Arguments = (Vec<Value>, Vec<(String, Value)>);

pub struct Evaluator {
    names: Value,
    /// Set outside of loops and macros: seen inside macros too.
    globals: Vec<(String, Value)>,
    frames: Vec<Vec<(String, Value)>>,
    fuel: u64,
    nesting: usize,
    calls: usize,
    pub syntax: Syntax,
}

pub fn fault(message: impl Into<String>) -> ExpressionError {
    ExpressionError { message: message.into(), line: 1 }
}

/// Refuses a text beyond the limit before it is made.
pub fn check_size(bytes: usize) -> Evaluated<()> {
    if bytes > MAX_OUTPUT_BYTES {
        return Err(fault(format!("the result is larger than {} MiB", MAX_OUTPUT_BYTES / 1024 / 1024)));
    }
    Ok(())
}

impl Evaluator {
    pub fn new(names: Value, syntax: Syntax) -> Self {
        Self { names, globals: Vec::new(), frames: vec![Vec::new()], fuel: FUEL, nesting: 0, calls: 0, syntax }
    }

    pub fn render(&mut self, nodes: &[Node]) -> Evaluated<String> {
        let mut out = String::new();
        self.run(nodes, &mut out)?;
        Ok(out)
    }

    fn burn(&mut self, amount: usize) -> Evaluated<()> {
        self.fuel =
            self.fuel.checked_sub(amount as u64).ok_or_else(|| fault("rendering takes too long; is there a loop in a loop?"))?;
        Ok(())
    }

    fn nest(&mut self) -> Evaluated<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(fault(format!("it nests more than {MAX_NESTING} levels deep")));
        }
        Ok(())
    }

    fn run(&mut self, nodes: &[Node], out: &mut String) -> Evaluated<()> {
        self.nest()?;
        for node in nodes {
            self.burn(1)?;
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Print(expression) => match self.value(expression)? {
                    Value::Function(_) => return Err(fault("a function is not printed; call it, with ()")),
                    value => out.push_str(&value.printed()),
                },
                Node::If { branches, otherwise } => self.run_if(branches, otherwise, out)?,
                Node::For { names, over, body, otherwise } => self.run_for(names, over, body, otherwise, out)?,
                Node::Set { names, value } => {
                    let value = self.value(value)?;
                    for name in names {
                        self.set(name, value.clone());
                    }
                }
                Node::SetBlock { name, body } => {
                    let text = self.render(body)?;
                    self.set(name, Value::text(text));
                }
                Node::Macro(found) => self.set(&found.name, Value::Function(Function::Macro(found.clone()))),
                Node::Call { call, params } => self.run_call(call, params, out)?,
                Node::Filter { name, args, body } => {
                    let text = Value::text(self.render(body)?);
                    let (by_place, by_name) = self.args(args)?;
                    out.push_str(&apply_filter(self, name, &text, &by_place, &by_name)?.printed());
                }
                Node::Switch { subject, cases, otherwise } => self.run_switch(subject, cases, otherwise, out)?,
                Node::Block(body) => self.run(body, out)?,
            }
            check_size(out.len())?;
        }
        self.nesting -= 1;
        Ok(())
    }

    fn run_if(&mut self, branches: &[(Expr, Vec<Node>)], otherwise: &[Node], out: &mut String) -> Evaluated<()> {
        for (condition, body) in branches {
            if self.value(condition)?.is_true() {
                return self.run(body, out);
            }
        }
        self.run(otherwise, out)
    }

    fn run_for(&mut self, names: &[String], over: &Expr, body: &[Node], otherwise: &[Node], out: &mut String) -> Evaluated<()> {
        let over = self.value(over)?;
        let rounds: Vec<Vec<Value>> = match (&over, names) {
            (Value::Map(entries), [_, _, ..]) => {
                entries.iter().map(|(key, value)| vec![Value::text(key), value.clone()]).collect()
            }
            (_, [_]) => over.items().unwrap_or_default().into_iter().map(|item| vec![item]).collect(),
            (Value::List(items), _) => {
                items.borrow().iter().map(|item| item.items().unwrap_or_else(|| vec![item.clone()])).collect()
            }
            _ => Vec::new(),
        };
        if rounds.is_empty() {
            return self.run(otherwise, out);
        }
        self.frames.push(Vec::new());
        let length = rounds.len();
        for (index, values) in rounds.into_iter().enumerate() {
            self.burn(1)?;
            let frame = self.frames.last_mut().expect("it was pushed above");
            let mut values = values.into_iter();
            for name in names {
                put(frame, name, values.next().unwrap_or(Value::Undefined));
            }
            let number = |number: usize| Value::Number(number as f64);
            let told = vec![
                ("index".to_owned(), number(index + 1)),
                ("index0".to_owned(), number(index)),
                ("revindex".to_owned(), number(length - index)),
                ("revindex0".to_owned(), number(length - index - 1)),
                ("first".to_owned(), Value::Bool(index == 0)),
                ("last".to_owned(), Value::Bool(index + 1 == length)),
                ("length".to_owned(), number(length)),
            ];
            put(frame, "loop", Value::Map(Rc::new(told)));
            self.run(body, out)?;
        }
        self.frames.pop();
        Ok(())
    }

    fn run_call(&mut self, call: &Expr, caller: &Rc<Macro>, out: &mut String) -> Evaluated<()> {
        let Expr::Call(callee, args) = call else { return Err(fault("{% call %} wants a call, as in {% call name() %}")) };
        let callee = self.value(callee)?;
        let (by_place, mut by_name) = self.args(args)?;
        // Without parameters the body sees what is around it, so it is rendered here.
        let told = if caller.params.is_empty() {
            Function::Caller(Rc::from(self.render(&caller.body)?))
        } else {
            Function::Macro(caller.clone())
        };
        by_name.push(("caller".to_owned(), Value::Function(told)));
        match callee {
            Value::Function(function) => out.push_str(&self.call(&function, &by_place, &by_name)?.printed()),
            _ => return Err(fault("{% call %} names no macro")),
        }
        Ok(())
    }

    fn run_switch(&mut self, subject: &Expr, cases: &[(Expr, Vec<Node>)], otherwise: &[Node], out: &mut String) -> Evaluated<()> {
        let subject = self.value(subject)?;
        let mut hit = false;
        for (value, body) in cases {
            hit = hit || self.value(value)?.is_same(&subject);
            // An empty case falls through to the next.
            if hit && !body.is_empty() {
                return self.run(body, out);
            }
        }
        self.run(otherwise, out)
    }

    fn set(&mut self, name: &str, value: Value) {
        for frame in self.frames.iter_mut().rev() {
            if let Some(entry) = frame.iter_mut().find(|(known, _)| known == name) {
                entry.1 = value.clone();
                if self.frames.len() == 1 && self.calls == 0 {
                    put(&mut self.globals, name, value);
                }
                return;
            }
        }
        if self.frames.len() == 1 && self.calls == 0 {
            put(&mut self.globals, name, value.clone());
        }
        put(self.frames.last_mut().expect("there is always one"), name, value);
    }

    fn name(&self, name: &str) -> Value {
        let set = self.frames.iter().rev().chain([&self.globals]).find_map(|frame| {
            frame
                .iter()
                .find(|(known, value)| known == name && !matches!(value, Value::Undefined))
                .map(|(_, value)| value.clone())
        });
        if let Some(value) = set {
            return value;
        }
        match (self.names.member(&Value::text(name)), name) {
            (Value::Undefined, "range") => Value::Function(Function::Range),
            (Value::Undefined, "joiner") => Value::Function(Function::Joiner),
            (value, _) => value,
        }
    }

    pub fn value(&mut self, expression: &Expr) -> Evaluated {
        self.burn(1)?;
        self.nest()?;
        let value = match expression {
            Expr::Literal(value) => value.clone(),
            Expr::Name(name) => self.name(name),
            Expr::List(items) => Value::list(self.values(items)?),
            Expr::Group(items) => self.values(items)?.pop().unwrap_or(Value::Undefined),
            Expr::Map(entries) => {
                let mut map = Vec::new();
                for (key, value) in entries {
                    map.push((self.value(key)?.to_text(), self.value(value)?));
                }
                Value::map(map)
            }
            Expr::Member(subject, key) => {
                let subject = self.value(subject)?;
                let key = self.value(key)?;
                subject.member(&key)
            }
            Expr::Slice(subject, parts) => self.slice(subject, parts)?,
            Expr::Call(callee, args) => self.called(callee, args)?,
            Expr::Filter(subject, name, args) => {
                let subject = self.value(subject)?;
                let (by_place, by_name) = self.args(args)?;
                apply_filter(self, name, &subject, &by_place, &by_name)?
            }
            Expr::Test(subject, name, args) => {
                let subject = self.value(subject)?;
                let args = self.values(args)?;
                Value::Bool(is_so(name, &subject, &args)?)
            }
            Expr::Not(inner) => Value::Bool(!self.value(inner)?.is_true()),
            Expr::Negative(inner) => Value::Number(-self.value(inner)?.to_number()),
            Expr::Positive(inner) => Value::Number(self.value(inner)?.to_number()),
            Expr::And(left, right) => {
                let left = self.value(left)?;
                if left.is_true() { self.value(right)? } else { left }
            }
            Expr::Or(left, right) => {
                let left = self.value(left)?;
                if left.is_true() { left } else { self.value(right)? }
            }
            Expr::In(key, within) => {
                let key = self.value(key)?;
                let within = self.value(within)?;
                Value::Bool(is_in(&key, &within)?)
            }
            Expr::Compare(first, rest) => {
                let mut left = self.value(first)?;
                for (comparison, right) in rest {
                    let right = self.value(right)?;
                    left = Value::Bool(compare(*comparison, &left, &right));
                }
                left
            }
            Expr::Arithmetic(arithmetic, left, right) => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                calculate(*arithmetic, &left, &right)?
            }
            Expr::IfElse { condition, then, otherwise } => match (self.value(condition)?.is_true(), otherwise) {
                (true, _) => self.value(then)?,
                (false, Some(otherwise)) => self.value(otherwise)?,
                // Prints as nothing, and as a value is an empty text.
                (false, None) => Value::text(""),
            },
        };
        self.nesting -= 1;
        Ok(value)
    }

    fn values(&mut self, expressions: &[Expr]) -> Evaluated<Vec<Value>> {
        expressions.iter().map(|expression| self.value(expression)).collect()
    }

    fn args(&mut self, args: &Args) -> Evaluated<Arguments> {
        let by_place = self.values(&args.by_place)?;
        let by_name =
            args.by_name.iter().map(|(name, value)| Ok((name.clone(), self.value(value)?))).collect::<Evaluated<_>>()?;
        Ok((by_place, by_name))
    }

    fn called(&mut self, callee: &Expr, args: &Args) -> Evaluated {
        if let Expr::Member(subject, key) = callee {
            let subject = self.value(subject)?;
            let key = self.value(key)?;
            let (by_place, by_name) = self.args(args)?;
            if let Value::Function(function) = subject.member(&key) {
                return self.call(&function, &by_place, &by_name);
            }
            self.burn(subject_size(&subject))?;
            return call_method(self.syntax, &subject, &key.to_text(), &by_place);
        }
        let Value::Function(function) = self.value(callee)? else {
            let named = if let Expr::Name(name) = callee { name.as_str() } else { "this" };
            return Err(fault(format!("{named} is no function")));
        };
        let (by_place, by_name) = self.args(args)?;
        self.call(&function, &by_place, &by_name)
    }

    fn call(&mut self, function: &Function, by_place: &[Value], by_name: &[(String, Value)]) -> Evaluated {
        match function {
            Function::Macro(found) => self.call_macro(found, by_place, by_name),
            Function::Caller(text) => Ok(Value::Text(text.clone())),
            Function::Joiner => {
                let separator = by_place.first().map_or_else(|| ",".to_owned(), Value::to_text);
                Ok(Value::Function(Function::Joining(Rc::from(separator), Rc::new(RefCell::new(false)))))
            }
            Function::Joining(separator, called) => {
                Ok(if called.replace(true) { Value::Text(separator.clone()) } else { Value::text("") })
            }
            Function::Range => {
                let number = |at: usize| by_place.get(at).map(Value::to_number);
                let (start, stop) = match by_place.len() {
                    0 | 1 => (0.0, number(0).unwrap_or(0.0)),
                    _ => (number(0).unwrap_or(0.0), number(1).unwrap_or(0.0)),
                };
                let step = number(2).filter(|step| *step != 0.0).unwrap_or(1.0);
                if (stop - start) / step > MAX_RANGE {
                    return Err(fault(format!("range() gives more than {MAX_RANGE} numbers")));
                }
                let mut numbers = Vec::new();
                let mut next = start;
                while (step > 0.0 && next < stop) || (step < 0.0 && next > stop) {
                    numbers.push(Value::Number(next));
                    next += step;
                }
                self.burn(numbers.len())?;
                Ok(Value::list(numbers))
            }
        }
    }

    fn call_macro(&mut self, found: &Macro, by_place: &[Value], by_name: &[(String, Value)]) -> Evaluated {
        if self.calls == MAX_CALLS {
            return Err(fault(format!("macros call one another more than {MAX_CALLS} levels deep")));
        }
        let outer = std::mem::replace(&mut self.frames, vec![Vec::new()]);
        self.calls += 1;
        let ran = self.run_macro(found, by_place, by_name);
        self.calls -= 1;
        self.frames = outer;
        ran.map(Value::text)
    }

    fn run_macro(&mut self, found: &Macro, by_place: &[Value], by_name: &[(String, Value)]) -> Evaluated<String> {
        let mut by_place = by_place.iter();
        let named = |name: &str| by_name.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        for (name, default) in &found.params {
            let value = match (by_place.next().cloned().or_else(|| named(name)), default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.value(default)?,
                (None, None) => Value::Undefined,
            };
            put(&mut self.frames[0], name, value);
        }
        if let Some(caller) = named("caller") {
            put(&mut self.frames[0], "caller", caller);
        }
        self.render(&found.body)
    }

    fn slice(&mut self, subject: &Expr, parts: &[Option<Box<Expr>>; 3]) -> Evaluated {
        let subject = self.value(subject)?;
        let mut numbers = [None; 3];
        for (number, part) in numbers.iter_mut().zip(parts) {
            if let Some(part) = part {
                *number = Some(self.value(part)?.to_number());
            }
        }
        let items = subject.items().ok_or_else(|| fault("only lists and texts are sliced"))?;
        let (length, step) = (items.len() as f64, numbers[2].unwrap_or(1.0));
        if step == 0.0 || step.is_nan() {
            return Err(fault("the step of a slice is not 0"));
        }
        let place = |number: f64| {
            if number < 0.0 { (number + length).max(if step < 0.0 { -1.0 } else { 0.0 }) } else { number.min(length) }
        };
        let from = numbers[0].map_or(if step < 0.0 { length - 1.0 } else { 0.0 }, place);
        let to = numbers[1].map_or(if step < 0.0 { -1.0 } else { length }, place);
        let mut kept = Vec::new();
        let mut at = from;
        while (step > 0.0 && at < to) || (step < 0.0 && at > to) {
            kept.extend(items.get(at as usize).cloned());
            at += step;
        }
        Ok(match subject {
            Value::Text(_) => Value::text(kept.iter().map(Value::to_text).collect::<String>()),
            _ => Value::list(kept),
        })
    }
}

fn subject_size(subject: &Value) -> usize {
    match subject {
        Value::Text(text) => text.len() / 64,
        Value::List(items) => items.borrow().len(),
        _ => 0,
    }
}

fn put(frame: &mut Vec<(String, Value)>, name: &str, value: Value) {
    match frame.iter_mut().find(|(known, _)| known == name) {
        Some(entry) => entry.1 = value,
        None => frame.push((name.to_owned(), value)),
    }
}

fn is_in(key: &Value, within: &Value) -> Evaluated<bool> {
    match within {
        Value::List(items) => Ok(items.borrow().iter().any(|item| item.is_same(key))),
        Value::Text(text) => Ok(text.contains(&key.to_text())),
        Value::Map(entries) => {
            let key = key.to_text();
            Ok(entries.iter().any(|(known, _)| *known == key))
        }
        _ => Err(fault("`in` looks into lists, texts and objects only")),
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => left.is_equal(right),
        Comparison::NotEqual => !left.is_equal(right),
        Comparison::Same => left.is_same(right),
        Comparison::NotSame => !left.is_same(right),
        Comparison::Less => left.order(right) == Some(Ordering::Less),
        Comparison::Greater => left.order(right) == Some(Ordering::Greater),
        Comparison::AtMost => left.order(right).is_some_and(Ordering::is_le),
        Comparison::AtLeast => left.order(right).is_some_and(Ordering::is_ge),
    }
}

fn calculate(arithmetic: Arithmetic, left: &Value, right: &Value) -> Evaluated {
    if matches!(arithmetic, Arithmetic::Join | Arithmetic::Add) {
        let value = match arithmetic {
            // Both become texts there, since an empty text is put between.
            Arithmetic::Join => Value::text(left.to_text() + &right.to_text()),
            _ => left.plus(right),
        };
        if let Value::Text(text) = &value {
            check_size(text.len())?;
        }
        return Ok(value);
    }
    let (left, right) = (left.to_number(), right.to_number());
    Ok(Value::Number(match arithmetic {
        Arithmetic::Join | Arithmetic::Add => unreachable!("returned above"),
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::FloorDivide => (left / right).floor(),
        Arithmetic::Remainder => left % right,
        Arithmetic::Power => left.powf(right),
    }))
}

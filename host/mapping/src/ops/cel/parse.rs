//! The grammar, as the language definition has it: a method for each rule.

use super::expr::{Each, Expr, Function, Macro, Operator};
use super::lex::{Word, Wrong, words};
use crate::Value;
use crate::ops::pattern;

/// Bytes of an expression: what is longer is a program, and belongs into an adapter.
pub(super) const SOURCE_MAX: usize = 4096;

/// Parentheses, lists and arguments in each other: few enough to recurse over.
const NESTING_MAX: usize = 24;

/// Parts of an expression in each other, sums of many terms among them.
const DEPTH_MAX: usize = 100;

/// Macros in each other: two lists against each other, and no more.
const MACROS_MAX: usize = 2;

/// What the language reserves.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// The meaning of an expression, or what is wrong and where.
pub(super) fn parse(source: &str) -> Result<Expr, Wrong> {
    if source.len() > SOURCE_MAX {
        return Err((SOURCE_MAX, format!("there are more than {SOURCE_MAX} bytes")));
    }
    let mut parser = Parser { words: words(source)?, next: 0, nesting: 0, macros: 0 };
    let (expr, _) = parser.expr()?;
    match parser.word() {
        Word::End => Ok(expr),
        _ => Err(parser.wrong("an operator or the end")),
    }
}

struct Parser {
    words: Vec<(usize, Word)>,
    next: usize,
    nesting: usize,
    macros: usize,
}

/// A part and how deep it is.
type Part = (Expr, usize);

impl Parser {
    fn word(&self) -> &Word {
        self.words.get(self.next).map_or(&Word::End, |(_, word)| word)
    }

    fn at(&self) -> usize {
        self.words.get(self.next).or(self.words.last()).map_or(0, |(at, _)| *at)
    }

    fn wrong(&self, expected: &str) -> Wrong {
        (self.at(), format!("expected {expected}"))
    }

    /// Takes a sign if it is next.
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.word(), Word::Sign(next) if *next == sign);
        self.next += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.sign(sign) { Ok(()) } else { Err(self.wrong(&format!("`{sign}`"))) }
    }

    fn name(&mut self) -> Result<String, Wrong> {
        match self.word() {
            Word::Name(name) if !RESERVED.contains(&name.as_str()) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.wrong("a name")),
        }
    }

    /// One deeper than the deepest of these parts.
    fn deeper(&self, parts: &[usize]) -> Result<usize, Wrong> {
        let depth = 1 + parts.iter().copied().max().unwrap_or(0);
        if depth <= DEPTH_MAX {
            return Ok(depth);
        }
        Err((self.at(), format!("there are more than {DEPTH_MAX} operators in each other")))
    }

    fn expr(&mut self) -> Result<Part, Wrong> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err((
                self.at(),
                format!("there are more than {NESTING_MAX} parentheses in each other"),
            ));
        }
        let (condition, depth) = self.or()?;
        let part = if self.sign("?") {
            let (then, a) = self.or()?;
            self.need(":")?;
            let (other, b) = self.expr()?;
            (Expr::Choose(Box::new([condition, then, other])), self.deeper(&[depth, a, b])?)
        } else {
            (condition, depth)
        };
        self.nesting -= 1;
        Ok(part)
    }

    fn or(&mut self) -> Result<Part, Wrong> {
        let (mut left, mut depth) = self.and()?;
        while self.sign("||") {
            let (right, other) = self.and()?;
            depth = self.deeper(&[depth, other])?;
            left = Expr::Or(Box::new([left, right]));
        }
        Ok((left, depth))
    }

    fn and(&mut self) -> Result<Part, Wrong> {
        let (mut left, mut depth) = self.binary(0)?;
        while self.sign("&&") {
            let (right, other) = self.binary(0)?;
            depth = self.deeper(&[depth, other])?;
            left = Expr::And(Box::new([left, right]));
        }
        Ok((left, depth))
    }

    /// Relations, sums, products: each rule is made of the next.
    fn binary(&mut self, rule: usize) -> Result<Part, Wrong> {
        let Some(operators) = OPERATORS.get(rule) else { return self.unary() };
        let (mut left, mut depth) = self.binary(rule + 1)?;
        while let Some(operator) = self.operator(operators) {
            let (right, other) = self.binary(rule + 1)?;
            depth = self.deeper(&[depth, other])?;
            left = Expr::Binary(operator, Box::new([left, right]));
        }
        Ok((left, depth))
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let written = match self.word() {
            Word::Sign(sign) => sign,
            Word::Name(name) if name == "in" => "in",
            _ => return None,
        };
        let (_, operator) = operators.iter().find(|(sign, _)| *sign == written)?;
        self.next += 1;
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Part, Wrong> {
        let nots = self.signs("!");
        let minuses = if nots == 0 { self.signs("-") } else { 0 };
        let (mut part, mut depth) = self.member()?;
        for _ in 0..nots {
            part = Expr::Not(Box::new(part));
            depth = self.deeper(&[depth])?;
        }
        for _ in 0..minuses {
            part = Expr::Negate(Box::new(part));
            depth = self.deeper(&[depth])?;
        }
        Ok((part, depth))
    }

    /// Takes a sign as often as it is there.
    fn signs(&mut self, sign: &str) -> usize {
        std::iter::repeat_with(|| self.sign(sign)).take_while(|found| *found).count()
    }

    fn member(&mut self) -> Result<Part, Wrong> {
        let (mut part, mut depth) = self.primary()?;
        loop {
            if self.sign(".") {
                let name = self.name()?;
                (part, depth) = if self.sign("(") {
                    self.method(part, depth, &name)?
                } else {
                    (Expr::Select(Box::new(part), name), self.deeper(&[depth])?)
                };
            } else if self.sign("[") {
                let (index, other) = self.expr()?;
                self.need("]")?;
                depth = self.deeper(&[depth, other])?;
                part = Expr::Index(Box::new([part, index]));
            } else {
                return Ok((part, depth));
            }
        }
    }

    fn primary(&mut self) -> Result<Part, Wrong> {
        let literal = match self.word() {
            Word::Number(number) => Value::Number(*number),
            Word::Text(text) => Value::text(text.clone()),
            Word::Name(name) => match name.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => return self.named(),
            },
            Word::Sign("(") => {
                self.next += 1;
                let part = self.expr()?;
                self.need(")")?;
                return Ok(part);
            }
            Word::Sign("[") => {
                self.next += 1;
                let (items, depth) = self.parts("]")?;
                return Ok((Expr::List(items), depth));
            }
            Word::Sign("{") => return self.object(),
            _ => return Err(self.wrong("a value")),
        };
        self.next += 1;
        Ok((Expr::Literal(literal), 1))
    }

    /// A name, or the call of a function that is not written behind a value.
    fn named(&mut self) -> Result<Part, Wrong> {
        let at = self.at();
        let name = self.name()?;
        if !self.sign("(") {
            return Ok((Expr::Name(name), 1));
        }
        if name == "has" {
            let (part, depth) = self.expr()?;
            self.need(")")?;
            let Expr::Select(of, name) = part else {
                return Err((at, "`has` takes a member, as `has(this.name)`".to_owned()));
            };
            return Ok((Expr::Has(of, name), depth));
        }
        let (values, depth) = self.parts(")")?;
        call(at, &name, values).map(|call| (call, depth))
    }

    fn method(&mut self, of: Expr, depth: usize, name: &str) -> Result<Part, Wrong> {
        let at = self.at();
        if let Some(which) = Macro::find(name) {
            return self.each(which, of, depth);
        }
        let (mut values, other) = self.parts(")")?;
        values.insert(0, of);
        Ok((call(at, name, values)?, self.deeper(&[depth, other])?))
    }

    fn each(&mut self, which: Macro, list: Expr, depth: usize) -> Result<Part, Wrong> {
        self.macros += 1;
        if self.macros > MACROS_MAX {
            return Err((
                self.at(),
                format!("there are more than {MACROS_MAX} macros in each other"),
            ));
        }
        let name = self.name()?;
        self.need(",")?;
        let (mut body, mut inner) = self.expr()?;
        let mut only = None;
        if matches!(which, Macro::Map) && self.sign(",") {
            let (then, other) = self.expr()?;
            only = Some(std::mem::replace(&mut body, then));
            inner = inner.max(other);
        }
        self.need(")")?;
        self.macros -= 1;
        let depth = self.deeper(&[depth, inner])?;
        Ok((Expr::Each(which, Box::new(Each { list, name, only, body })), depth))
    }

    /// Parts up to the sign that ends them.
    fn parts(&mut self, end: &str) -> Result<(Vec<Expr>, usize), Wrong> {
        let (mut parts, mut depth) = (Vec::new(), 0);
        while !self.sign(end) {
            let (part, other) = self.expr()?;
            depth = depth.max(other);
            parts.push(part);
            if !self.sign(",") {
                self.need(end)?;
                break;
            }
        }
        Ok((parts, self.deeper(&[depth])?))
    }

    fn object(&mut self) -> Result<Part, Wrong> {
        self.need("{")?;
        let (mut members, mut depth) = (Vec::new(), 0);
        while !self.sign("}") {
            let (name, a) = self.expr()?;
            self.need(":")?;
            let (value, b) = self.expr()?;
            depth = depth.max(a).max(b);
            members.push((name, value));
            if !self.sign(",") {
                self.need("}")?;
                break;
            }
        }
        Ok((Expr::Object(members), self.deeper(&[depth])?))
    }
}

const OPERATORS: &[&[(&str, Operator)]] = &[
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
        ("in", Operator::In),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

fn call(at: usize, name: &str, mut values: Vec<Expr>) -> Result<Expr, Wrong> {
    if name == "matches" && values.len() == 2 {
        let (pattern, text) = (values.pop(), values.pop());
        let (Some(Expr::Literal(Value::Text(pattern))), Some(text)) = (pattern, text) else {
            return Err((at, "`matches` takes an expression that is written out".to_owned()));
        };
        let pattern = pattern::compile(&pattern).map_err(|e| (at, e.message))?;
        return Ok(Expr::Matches(Box::new(text), pattern));
    }
    match Function::find(name) {
        Some((function, count)) if count == values.len() => Ok(Expr::Call(function, values)),
        Some((_, count)) => Err((at, format!("`{name}` takes {count} values"))),
        None => Err((at, format!("there is no function `{name}`"))),
    }
}

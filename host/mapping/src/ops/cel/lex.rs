//! The words of an expression.

use rust_decimal::Decimal;

use crate::exact;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Number(Decimal),
    Text(String),
    Name(String),
    Sign(&'static str),
    End,
}

/// Signs; the longer ones first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// What is wrong, and at which byte.
pub(super) type Wrong = (usize, String);

/// The words with the bytes where they begin; the last one is the end.
pub(super) fn words(source: &str) -> Result<Vec<(usize, Word)>, Wrong> {
    let mut lexer = Lexer { source, at: 0 };
    let mut words = Vec::new();
    loop {
        lexer.space();
        let at = lexer.at;
        let word = lexer.word()?;
        let ended = word == Word::End;
        words.push((at, word));
        if ended {
            return Ok(words);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Takes what fulfils the condition.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let (taken, _) = rest.split_at(rest.find(|c| !wanted(c)).unwrap_or(rest.len()));
        self.at += taken.len();
        taken
    }

    fn space(&mut self) {
        loop {
            self.take(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take(|c| c != '\n');
        }
    }

    fn word(&mut self) -> Result<Word, Wrong> {
        let rest = self.rest();
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        match first {
            None => Ok(Word::End),
            Some('"' | '\'') => self.text(false),
            Some('r' | 'R') if matches!(second, Some('"' | '\'')) => {
                self.at += 1;
                self.text(true)
            }
            Some('.') if digit(second) => self.number(),
            Some('0'..='9') => self.number(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                Ok(Word::Name(self.take(|c| c.is_ascii_alphanumeric() || c == '_').to_owned()))
            }
            Some(c) => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| (self.at, format!("{c:?} has no meaning here")))?;
                self.at += sign.len();
                Ok(Word::Sign(sign))
            }
        }
    }

    fn number(&mut self) -> Result<Word, Wrong> {
        let begin = self.at;
        if self.rest().starts_with("0x") {
            self.at += 2;
            let digits = self.take(|c| c.is_ascii_alphanumeric());
            let number = i64::from_str_radix(digits, 16);
            return number
                .map(|number| Word::Number(number.into()))
                .map_err(|_malformed| (begin, "this is no hexadecimal number".to_owned()));
        }
        let mut text = self.take(|c| c.is_ascii_digit()).trim_start_matches('0').to_owned();
        if text.is_empty() {
            text.push('0');
        }
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            text.extend([".", self.take(|c| c.is_ascii_digit())]);
        }
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            text.extend(["e", self.take(|c| matches!(c, '+' | '-'))]);
            text.push_str(self.take(|c| c.is_ascii_digit()));
        }
        let ends = !self.rest().starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let number = exact::parse(&text).filter(|_| ends).map(Word::Number);
        number.ok_or_else(|| (begin, "this is no number of at most 28 digits".to_owned()))
    }

    fn text(&mut self, raw: bool) -> Result<Word, Wrong> {
        let begin = self.at;
        let open = || (begin, "the text has no end on its line".to_owned());
        let quote = self.rest().chars().next().ok_or_else(open)?;
        self.at += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.take(|c| c != quote && c != '\n' && (raw || c != '\\')));
            match self.rest().chars().next() {
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(Word::Text(text));
                }
                Some('\\') => text.push(self.escape()?),
                _ => return Err(open()),
            }
        }
    }

    /// The character of an escape sequence; those with octal digits are not of the subset.
    fn escape(&mut self) -> Result<char, Wrong> {
        let begin = self.at;
        let wrong = || (begin, "this is no escape sequence".to_owned());
        let code = self.rest().chars().nth(1).ok_or_else(wrong)?;
        self.at += 1 + code.len_utf8();
        let digits = match code {
            'x' | 'X' => 2,
            'u' => 4,
            'U' => 8,
            _ => {
                let plain = "abfnrtv\\?\"'`".chars().zip("\x07\x08\x0c\n\r\t\x0b\\?\"'`".chars());
                let found = plain.into_iter().find(|(escape, _)| *escape == code);
                return found.map(|(_, c)| c).ok_or_else(wrong);
            }
        };
        let hex = self.rest().get(..digits).ok_or_else(wrong)?;
        let code = u32::from_str_radix(hex, 16).map_err(|_malformed| wrong())?;
        self.at += digits;
        char::from_u32(code).ok_or_else(wrong)
    }
}

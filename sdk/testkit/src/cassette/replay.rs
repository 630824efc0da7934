//! Answers requests from a cassette.

use std::fmt;

use crate::cassette::{Asked, Cassette, Redaction, diff};
use crate::message::{Answer, Request};
use crate::provider::Provider;

/// A provider that says what the cassette says, each exchange once and in the order of the file.
///
/// Requests are equal when endpoint (where both name one), method, raw path, query and body are;
/// equal requests get the answers of equal exchanges one after the other.
#[derive(Clone, Debug)]
pub struct Replay {
    cassette: Cassette,
    used: Vec<bool>,
    missed: Vec<Unmatched>,
    redaction: Redaction,
}

/// A request that the cassette does not answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unmatched {
    /// What was asked.
    pub asked: Box<Asked>,
    /// The line of the most similar exchange, if there is any.
    pub nearest: Option<usize>,
    /// What is different, line by line; empty when that exchange has been used up.
    pub differences: Vec<String>,
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { method, path, .. } = self.asked.as_ref();
        write!(f, "no recorded exchange is left that answers {method} {path}")?;
        match self.nearest {
            None => write!(f, "; the cassette is empty"),
            Some(line) if self.differences.is_empty() => {
                write!(f, "; it was recorded on line {line} and has been answered already")
            }
            Some(line) => {
                write!(f, "; the nearest is on line {line} and differs:")?;
                self.differences.iter().try_for_each(|it| write!(f, "\n  {it}"))
            }
        }
    }
}

impl std::error::Error for Unmatched {}

impl Replay {
    /// Replays the cassette from its beginning.
    pub fn new(cassette: Cassette) -> Self {
        let used = vec![false; cassette.exchanges.len()];
        Self { cassette, used, missed: Vec::new(), redaction: Redaction::default() }
    }

    /// The same replay, which leaves out what the host adds to requests, such as a made-up key.
    #[must_use]
    pub fn hiding(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// The answer to a request, which is used up by that.
    pub fn find(&mut self, request: &Request) -> Result<Answer, Unmatched> {
        let asked = self.redaction.asked(request);
        let tries = self.cassette.exchanges.iter().zip(self.used.iter_mut());
        for (exchange, used) in tries.filter(|(_, used)| !**used) {
            if diff::equal(&exchange.request, &asked) {
                *used = true;
                return Ok((&exchange.response).into());
            }
        }
        let unmatched = self.unmatched(asked);
        self.missed.push(unmatched.clone());
        Err(unmatched)
    }

    /// The requests that found no answer.
    pub fn missed(&self) -> &[Unmatched] {
        &self.missed
    }

    /// The lines of the exchanges that were not asked for.
    pub fn unused(&self) -> Vec<usize> {
        let lines = (2..).zip(&self.used);
        lines.filter_map(|(line, used)| (!used).then_some(line)).collect()
    }

    fn unmatched(&self, asked: Asked) -> Unmatched {
        let lines = (2..).zip(&self.cassette.exchanges);
        let nearest = lines
            .map(|(line, exchange)| (line, diff::differences(&exchange.request, &asked)))
            .min_by_key(|(_, differences)| diff::weight(differences));
        let (nearest, differences) = nearest.unzip();
        let differences: Vec<_> = differences.unwrap_or_default();
        Unmatched {
            asked: Box::new(asked),
            nearest,
            differences: differences.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Provider for Replay {
    /// Answers; what is not recorded is status [`Answer::UNMATCHED`] with the reason as its text.
    fn answer(&mut self, request: &Request) -> Answer {
        self.find(request)
            .unwrap_or_else(|unmatched| Answer::plain(Answer::UNMATCHED, &unmatched.to_string()))
    }
}

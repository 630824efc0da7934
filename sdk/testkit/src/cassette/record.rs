//! Records what a provider answers.

use std::sync::{Arc, Mutex, PoisonError};

use crate::cassette::{Cassette, Exchange, Redaction};
use crate::message::{Answer, Delivery, Request};
use crate::provider::Provider;

/// A provider whose exchanges are written down.
#[derive(Debug)]
pub struct Recorder<P> {
    provider: P,
    redaction: Redaction,
    tape: Tape,
}

/// The tape of a [`Recorder`], to be read while it runs.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Cassette>>);

impl Tape {
    /// What was recorded so far.
    pub fn cassette(&self) -> Cassette {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).exchanges.push(exchange);
    }
}

impl<P> Recorder<P> {
    /// Records the provider.
    pub fn new(provider: P, redaction: Redaction) -> Self {
        Self { provider, redaction, tape: Tape::default() }
    }

    /// The tape, which outlives the recorder.
    pub fn tape(&self) -> Tape {
        self.tape.clone()
    }
}

impl<P: Provider> Provider for Recorder<P> {
    /// An answer that does not arrive whole is no answer and is not recorded.
    fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.provider.answer(request);
        if matches!(answer.delivery, Delivery::Whole | Delivery::Chunked) {
            self.tape.push(Exchange::of(request, &answer, &self.redaction));
        }
        answer
    }

    fn refusal(&self, request: &Request, status: u16) -> Answer {
        self.provider.refusal(request, status)
    }

    fn drift(&mut self) {
        self.provider.drift();
    }
}

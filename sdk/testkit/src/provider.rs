//! The port that every fake provider implements.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::message::{Answer, Request};

/// A fake provider: it answers requests and keeps state between them.
pub trait Provider: Send {
    /// Answers one request.
    fn answer(&mut self, request: &Request) -> Answer;

    /// Builds the provider's own form of an error answer to a request, with that status.
    fn refusal(&self, _request: &Request, status: u16) -> Answer {
        Answer::value(status, &json!({ "status": status, "message": "refused by the simulator" }))
    }

    /// Lets the account change between two pages, so that records stand in another place.
    fn drift(&mut self) {}
}

impl<P: Provider + ?Sized> Provider for Box<P> {
    fn answer(&mut self, request: &Request) -> Answer {
        (**self).answer(request)
    }

    fn refusal(&self, request: &Request, status: u16) -> Answer {
        (**self).refusal(request, status)
    }

    fn drift(&mut self) {
        (**self).drift();
    }
}

/// A provider that a test changes while a server or a host uses it; clones are the same provider.
#[derive(Debug, Default)]
pub struct Shared<P>(Arc<Mutex<P>>);

impl<P> Shared<P> {
    /// Shares the provider.
    pub fn new(provider: P) -> Self {
        Self(Arc::new(Mutex::new(provider)))
    }

    /// Looks at or changes the provider between two requests.
    pub fn with<T>(&self, act: impl FnOnce(&mut P) -> T) -> T {
        // A provider that panicked in one connection still answers the test that asks it why.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<P> Clone for Shared<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Provider> Provider for Shared<P> {
    fn answer(&mut self, request: &Request) -> Answer {
        self.with(|provider| provider.answer(request))
    }

    fn refusal(&self, request: &Request, status: u16) -> Answer {
        self.with(|provider| provider.refusal(request, status))
    }

    fn drift(&mut self) {
        self.with(Provider::drift);
    }
}

/// A provider made of a function.
#[derive(Debug)]
pub struct FromFn<F>(F);

/// Makes a provider of a function, for tests that need one answer only.
pub fn from_fn<F: FnMut(&Request) -> Answer + Send>(answer: F) -> FromFn<F> {
    FromFn(answer)
}

impl<F: FnMut(&Request) -> Answer + Send> Provider for FromFn<F> {
    fn answer(&mut self, request: &Request) -> Answer {
        (self.0)(request)
    }
}

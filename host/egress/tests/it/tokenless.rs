//! Access tokens that are not to be had: what the guest is told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egress::Redactor;
use model::credential::{Token, Tokens};
use model::egress::Access;
use model::masking::Masking as _;
use model::{Error, ErrorKind, Secret};

use crate::mint::{Mint, aged, items, open, setup, souring, text};
use crate::support::{Memory, budget};

/// How a failure to have a token is told, before anything is sent and after a refusal.
async fn check_failure(error: Error, kind: ErrorKind, code: &str) {
    let wait = error.retry_after;
    let mint = Arc::new(Mint::new());
    mint.fail(error.clone());
    let memory = souring(2);
    let told = items(open(&mint, &memory).as_ref()).await.unwrap_err();
    assert_eq!((told.kind, told.code.as_str(), told.request_sent), (kind, code, false));
    assert_eq!((told.retry_after, memory.uris().len()), (wait, 0));
    let call = aged(&mint, &memory, budget()).await;
    mint.fail(error);
    let told = items(call.as_ref()).await.unwrap_err();
    assert_eq!((told.kind, told.code.as_str(), told.request_sent), (kind, code, true));
    assert_eq!(memory.uris().len(), 1);
    // The next request is another chance.
    assert_eq!(items(call.as_ref()).await.unwrap().status, 200);
}

#[tokio::test]
async fn account_to_be_authorised_again_is_told_as_it_is_and_anything_else_passes() {
    let person = Error::new(ErrorKind::AuthRequired, "oauth.invalid-grant", "connect again");
    check_failure(person, ErrorKind::AuthRequired, "oauth.invalid-grant").await;
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::RateLimited,
        ErrorKind::Invalid,
        ErrorKind::Denied,
        ErrorKind::Malformed,
    ] {
        let error = Error::new(kind, "oauth.any", "no").sent().retry_after(Duration::from_secs(7));
        check_failure(error, ErrorKind::Unavailable, "egress.token-unavailable").await;
    }
}

#[tokio::test]
async fn canary_in_the_failure_of_a_refresh_is_not_told() {
    let canary = "refresh-token-c4n4ry";
    let redactor = Redactor::default();
    let _masked = redactor.mask(&[Secret::new(canary.to_owned())]);
    for kind in [ErrorKind::AuthRequired, ErrorKind::Unavailable] {
        let mint = Arc::new(Mint::new());
        let memory = souring(2);
        let gateway = memory.gateway(mint.clock.clone()).with_redactor(redactor.clone());
        let call = setup(&mint).door(&gateway).unwrap().open(Access::Read, budget());
        items(call.as_ref()).await.unwrap();
        mint.clock.advance(Duration::from_hours(1));
        let message = format!("`{canary}` for `{}` is no good", text(1));
        mint.fail(Error::new(kind, "oauth.any", message).detail("sent", canary));
        let told = format!("{:?}", items(call.as_ref()).await.unwrap_err());
        assert!(told.contains("[secret]") && !told.contains(canary) && !told.contains(&text(1)));
    }
}

/// Never answers.
struct Silent;

#[async_trait]
impl Tokens for Silent {
    async fn current(&self) -> Result<Token, Error> {
        std::future::pending().await
    }

    async fn renewed(&self, _refused: u64) -> Result<Token, Error> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn token_is_waited_for_no_longer_than_the_call_lasts() {
    let memory = Memory::saying("{}");
    let mut setup = setup(&Arc::new(Mint::new()));
    setup.tokens = Some(Arc::new(Silent));
    let call = setup.call(&memory);
    let error = items(call.as_ref()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), ("egress.token-unavailable", false));
    assert!(memory.uris().is_empty());
}

#[tokio::test]
async fn token_that_no_header_carries_or_no_scan_finds_is_not_sent() {
    for (bad, code) in [("short", "egress.secret-short"), ("line\nend-of-it", "egress.auth")] {
        let (mint, memory) = (Arc::new(Mint::new()), Memory::saying("{}"));
        mint.state.lock().unwrap().text = Some(bad.to_owned());
        let error = items(open(&mint, &memory).as_ref()).await.unwrap_err();
        assert_eq!((error.code.as_str(), memory.uris().len()), (code, 0));
        assert!(!error.message.contains(bad));
    }
}

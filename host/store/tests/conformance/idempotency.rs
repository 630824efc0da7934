//! Requests that are repeated.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use model::Clock;
use model::idempotency::{
    ANSWER_BYTES_MAX, ANSWER_KEPT, Asked, Heard, IDEMPOTENCY_KEY_BYTES_MAX, KeptAnswer,
    SCOPE_BYTES_MAX,
};
use model::store::StoreErrorKind;

use super::Ports;
use super::samples::at;

const SECOND: Duration = Duration::from_secs(1);

fn asked(scope: &str, key: &str) -> Asked {
    Asked { scope: scope.to_owned(), key: key.to_owned() }
}

fn made(text: &str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("location".to_owned(), format!("/v1/{text}"))],
        body: Bytes::from(text.to_owned()),
    }
}

async fn hear(store: &impl Ports, asked: &Asked) -> Heard {
    store.hear(asked, [1; 32]).await.unwrap()
}

pub(crate) async fn request_is_new_then_begun_then_answered(store: &impl Ports, clock: &Clock) {
    let one = asked("key acme", "1");
    assert_eq!(hear(store, &one).await, Heard::New);
    clock.advance(SECOND);
    assert_eq!(hear(store, &one).await, Heard::Begun(at(0)));
    assert_eq!(store.hear(&one, [2; 32]).await.unwrap(), Heard::Other);
    store.answer(&one, made("first")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(hear(store, &one).await, Heard::Answered(made("first")));
        store.answer(&one, made("second")).await.unwrap();
    }
    assert_eq!(store.hear(&one, [2; 32]).await.unwrap(), Heard::Other);
    let empty = KeptAnswer { status: 204, headers: Vec::new(), body: Bytes::new() };
    let two = asked("key acme", "2");
    assert_eq!(hear(store, &two).await, Heard::New);
    store.answer(&two, empty.clone()).await.unwrap();
    assert_eq!(hear(store, &two).await, Heard::Answered(empty));
}

pub(crate) async fn request_is_heard_by_one_of_those_who_race(store: &impl Ports, _: &Clock) {
    let one = asked("key acme", "1");
    let heard = join_all((0..8).map(|_| hear(store, &one))).await;
    assert_eq!(heard.iter().filter(|heard| **heard == Heard::New).count(), 1);
    assert_eq!(heard.iter().filter(|heard| **heard == Heard::Begun(at(0))).count(), 7);
}

pub(crate) async fn requests_of_others_are_other_requests(store: &impl Ports, _: &Clock) {
    let all = [("a", "b"), ("a", "bc"), ("ab", "c"), ("a b", "c"), ("a", "b\0c"), ("a", "é")];
    for (scope, key) in all {
        let asked = asked(scope, key);
        assert_eq!(hear(store, &asked).await, Heard::New);
        store.answer(&asked, made(key)).await.unwrap();
    }
    for (scope, key) in all {
        assert_eq!(hear(store, &asked(scope, key)).await, Heard::Answered(made(key)));
    }
}

pub(crate) async fn request_of_which_nothing_was_done_is_forgotten(store: &impl Ports, _: &Clock) {
    let one = asked("key acme", "1");
    store.unhear(&one).await.unwrap();
    store.answer(&one, made("nobody asked")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(hear(store, &one).await, Heard::New);
        store.unhear(&one).await.unwrap();
    }
    assert_eq!(store.hear(&one, [2; 32]).await.unwrap(), Heard::New);
    store.answer(&one, made("first")).await.unwrap();
    store.unhear(&one).await.unwrap();
    assert_eq!(store.hear(&one, [2; 32]).await.unwrap(), Heard::Answered(made("first")));
}

pub(crate) async fn answer_is_kept_for_a_day(store: &impl Ports, clock: &Clock) {
    let (begun, answered) = (asked("key acme", "1"), asked("key acme", "2"));
    for asked in [&begun, &answered] {
        assert_eq!(hear(store, asked).await, Heard::New);
    }
    store.answer(&answered, made("first")).await.unwrap();
    clock.advance(ANSWER_KEPT.saturating_sub(SECOND));
    assert_eq!(hear(store, &begun).await, Heard::Begun(at(0)));
    assert_eq!(hear(store, &answered).await, Heard::Answered(made("first")));
    clock.advance(SECOND);
    for asked in [&begun, &answered] {
        assert_eq!(store.hear(asked, [2; 32]).await.unwrap(), Heard::New);
        assert_eq!(store.hear(asked, [2; 32]).await.unwrap(), Heard::Begun(clock.now()));
    }
    clock.set(at(-60));
    assert_eq!(hear(store, &begun).await, Heard::Other, "a clock that goes back forgets nothing");
}

pub(crate) async fn requests_that_are_old_leave_nothing(store: &impl Ports, clock: &Clock) {
    const OLD: usize = 50;
    for number in 0..OLD {
        hear(store, &asked("old", &number.to_string())).await;
    }
    clock.advance(ANSWER_KEPT.saturating_sub(SECOND));
    hear(store, &asked("new", "0")).await;
    clock.advance(SECOND);
    for number in 1..4 {
        hear(store, &asked("new", &number.to_string())).await;
    }
    // By a clock that was set back, only what was forgotten is new.
    clock.set(at(1));
    for number in 0..OLD {
        assert_eq!(hear(store, &asked("old", &number.to_string())).await, Heard::New);
    }
    assert!(matches!(hear(store, &asked("new", "0")).await, Heard::Begun(_)));
}

pub(crate) async fn requests_and_answers_beyond_the_limits_are_refused(
    store: &impl Ports,
    _: &Clock,
) {
    let (scope, key) = ("s".repeat(SCOPE_BYTES_MAX), "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX));
    for (scope, key, says) in [
        ("", "k", "who asks is empty"),
        ("a\0b", "k", "who asks holds a NUL"),
        (&format!("{scope}s"), "k", "who asks has 257 bytes"),
        ("s", "", "an idempotency key is empty"),
        ("s", &format!("{key}k"), "an idempotency key has 256 bytes"),
    ] {
        let error = store.hear(&asked(scope, key), [1; 32]).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    let longest = asked(&scope, &key);
    assert_eq!(hear(store, &longest).await, Heard::New);
    let answer = |bytes| KeptAnswer { headers: Vec::new(), ..made(&"x".repeat(bytes)) };
    for large in [
        answer(ANSWER_BYTES_MAX + 1),
        KeptAnswer { body: answer(ANSWER_BYTES_MAX).body, ..made("") },
    ] {
        let error = store.answer(&longest, large).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("send at most 1048576"), "{error}");
        assert_eq!(hear(store, &longest).await, Heard::Begun(at(0)));
    }
    store.answer(&longest, answer(ANSWER_BYTES_MAX)).await.unwrap();
    assert_eq!(hear(store, &longest).await, Heard::Answered(answer(ANSWER_BYTES_MAX)));
}

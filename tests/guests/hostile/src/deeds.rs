//! What a host must survive.

use std::hint::black_box;

use plughouse_sdk::bindings::plughouse::adapter::types::Span;
use plughouse_sdk::{
    Error, ErrorKind, Event, Level, Next, Page, Pair, Payload, Record, Reject, Request, host, http,
};

use crate::manners::{self, get, page_of, record};

type Answer = Result<Page, Error>;

/// Never returns.
pub fn spin() -> Answer {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Recurses until a stack ends: with frames in memory the guest's own, without them the host's.
pub fn recurse(frames: &str) -> Answer {
    let depth = black_box(u64::MAX);
    let ended = if frames.is_empty() { descend(depth) } else { descend_in_memory(depth) };
    page_of(ended.to_string())
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    // Neither a tail call nor a sum, so that it stays a recursion.
    if depth == 0 { 1 } else { descend(depth - 1).wrapping_mul(3) ^ depth }
}

#[inline(never)]
fn descend_in_memory(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == 0 { 1 } else { descend_in_memory(depth - 1) ^ black_box(frame[0]) }
}

/// Takes memory through the allocator until there is none.
pub fn allocate() -> Answer {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Takes memory behind the allocator's back and goes on when there is none; tells how much it got.
pub fn grow() -> Answer {
    #[cfg(target_family = "wasm")]
    let pages = {
        while core::arch::wasm32::memory_grow(0, 1) != usize::MAX {}
        // Beyond what the type of the memory allows: the host must not take that for credit.
        core::arch::wasm32::memory_grow(0, 1 << 17);
        while core::arch::wasm32::memory_grow(0, 1) != usize::MAX {}
        core::arch::wasm32::memory_size(0)
    };
    #[cfg(not(target_family = "wasm"))]
    let pages = 0;
    page_of(pages.to_string())
}

/// Ends itself without a word.
pub fn crash() -> Answer {
    std::process::abort()
}

/// Panics with words.
pub fn panic(words: &str) -> Answer {
    panic!("{words}")
}

/// Calls the host a million times.
pub fn host_calls() -> Answer {
    for _ in 0..1_000_000 {
        black_box(host::now_ms());
    }
    manners::plain()
}

/// Makes the host compute for it, in the way that it is told, until something ends it.
pub fn burn(way: &str) -> Answer {
    let request = Request::get("api", "/burn");
    loop {
        match way {
            "locate" => drop(black_box(http::locate("burn"))),
            "many" => drop(black_box(http::send_many(&vec![request.clone(); 100]))),
            _ => drop(black_box(request.clone().send())),
        }
    }
}

/// Logs what a delivery says and answers with an error that says it too.
pub fn repeat(event: &Event) -> Error {
    let words = String::from_utf8_lossy(&event.body).into_owned();
    host::log(Level::Warn, &words, &[]);
    Error::new(ErrorKind::Other, "hostile.words", &words)
}

/// Logs a gigabyte in lines of 64 KiB.
pub fn flood() -> Answer {
    let line = "x".repeat(64 << 10);
    for _ in 0..(1 << 30) / line.len() {
        host::log(Level::Info, &line, &[]);
    }
    manners::plain()
}

/// Returns a payload of so many MiB.
pub fn huge_list(mebibytes: &str) -> Answer {
    // Made once and in place: a second copy would fill the guest's memory first.
    let json = vec![b' '; number(mebibytes) << 20];
    Ok(Page::new(vec![record("1", Payload::Json(json))], Next::Done(String::new())))
}

/// Returns so many empty strings: small here, large on the other side.
pub fn many_strings(count: &str) -> Answer {
    let mut page = manners::plain()?;
    page.details = vec![Pair { name: String::new(), value: String::new() }; number(count)];
    Ok(page)
}

/// Returns so many records that claim the same bytes.
pub fn many_items(count: &str) -> Answer {
    let answer = get("/object")?;
    let length = u32::try_from(answer.body.len()).unwrap_or(u32::MAX);
    let span = Span { response: answer.id, offset: 0, length };
    let claim = |index: usize| record(&index.to_string(), Payload::Span(span));
    Ok(Page::new((0..number(count)).map(claim).collect(), Next::Done(String::new())))
}

/// Claims a part of an answer: `offset,length`.
pub fn span(part: &str) -> Answer {
    let answer = get("/object")?;
    let (offset, length) = part.split_once(',').unwrap_or_default();
    let number = |text: &str| text.parse().unwrap_or(u32::MAX);
    let span = Span { response: answer.id, offset: number(offset), length: number(length) };
    Ok(Page::new(vec![record("1", Payload::Span(span))], Next::Done(String::new())))
}

/// Claims the answer of an earlier call; with a part, after a request of its own.
pub fn stale_span(request: &str) -> Answer {
    if !request.is_empty() {
        get("/object")?;
    }
    let span = Span { response: 1, offset: 0, length: 8 };
    Ok(Page::new(vec![record("1", Payload::Span(span))], Next::Done(String::new())))
}

/// Returns what it was told as a payload.
pub fn json(text: &str) -> Answer {
    let payload = Payload::Json(text.as_bytes().to_vec());
    Ok(Page::new(vec![record("1", payload)], Next::Done(String::new())))
}

/// Returns a checkpoint of so many bytes.
pub fn checkpoint(bytes: &str) -> Answer {
    Ok(Page::new(Vec::new(), Next::More("x".repeat(number(bytes)))))
}

/// Returns a record with that id.
pub fn name(id: &str) -> Answer {
    let record = Record { modified_ms: Some(u64::MAX), ..record(id, manners::empty()) };
    Ok(Page::new(vec![record], Next::Done(String::new())))
}

/// Returns an error that says what it was told.
pub fn error(message: &str) -> Answer {
    Err(Error::new(ErrorKind::Other, "Not A Code!", message).detail("also", message).unsent())
}

/// Returns an error, and the reject of a record, under a code of the host that it makes up; or,
/// without one, an error as the host gave it.
pub fn lie(code: &str) -> Answer {
    if code.is_empty() {
        return http::locate("nowhere").map(|_| Page::new(Vec::new(), Next::Done(String::new())));
    }
    let mut page = Page::new(Vec::new(), Next::Done(String::new()));
    page.rejects.push(Reject {
        entity: "plain".to_owned(),
        id: Some("1".to_owned()),
        error: Error::new(ErrorKind::RateLimited, code, "so the host said"),
        payload: None,
    });
    Ok(page)
}

/// Asks for so many random bytes at once.
pub fn random(bytes: &str) -> Answer {
    let bytes = host::random(bytes.parse().unwrap_or(u32::MAX));
    page_of(manners::hex(&bytes))
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

//! What a host must do right.

use std::sync::atomic::{AtomicU32, Ordering};

use plughouse_sdk::{
    Error, Level, Next, Page, Payload, Piece, Record, Request, Response, Slice, host, http, json,
    state,
};

type Answer = Result<Page, Error>;

pub fn get(path: &str) -> Result<Response, Error> {
    Request::get("api", path).send()
}

pub fn empty() -> Payload {
    Payload::Json(b"{}".to_vec())
}

pub fn record(id: &str, payload: Payload) -> Record {
    Record::new("plain", id, payload)
}

/// A page of one record whose id is the text.
pub fn page_of(text: impl AsRef<str>) -> Answer {
    Ok(Page::new(vec![record(text.as_ref(), empty())], Next::Done(String::new())))
}

/// A page of records whose ids are the texts.
pub fn page_of_all(texts: impl IntoIterator<Item = String>) -> Answer {
    let records = texts.into_iter().map(|text| record(&text, empty())).collect();
    Ok(Page::new(records, Next::Done(String::new())))
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Touches nothing.
pub fn plain() -> Answer {
    page_of("1")
}

/// Returns the records of an answer as spans of it.
pub fn answers() -> Answer {
    let answer = get("/records")?.ok()?;
    let records = json::list("/records", ["/id"]).read(&answer)?;
    let each = |item: &json::Item| Ok(record(&item.id(0)?, item.payload()));
    let records: Result<_, Error> = records.items().iter().map(each).collect();
    Ok(Page::new(records?, Next::Done(String::new())))
}

/// Counts the calls that this instance has served.
pub fn counter() -> Answer {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    page_of((CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string())
}

/// Logs what it was told.
pub fn log(message: &str) -> Answer {
    host::log(Level::Warn, message, &[("field", message)]);
    plain()
}

/// Sends so many requests at once; the ids are the answers, in order.
pub fn many(count: &str) -> Answer {
    let count = count.parse().unwrap_or(0);
    let requests: Vec<_> =
        (0..count).map(|n: u32| Request::get("api", &format!("/echo/{n}"))).collect();
    let text = |answer: Result<Response, Error>| match answer {
        Ok(response) => response.text().unwrap_or("no text").to_owned(),
        Err(error) => error.code,
    };
    page_of_all(http::send_many(&requests).into_iter().map(text))
}

/// Keeps values until the host refuses, and reads one back; or, without a part, only reads.
pub fn state(bytes: &str) -> Answer {
    let mut texts = Vec::new();
    if let Ok(bytes) = bytes.parse() {
        let value = vec![7; bytes];
        let put = |index: u32| state::put(&format!("key{index}"), &value, None).err();
        let refusal = (0..1000).find_map(put).map(|error| error.code);
        texts.push(refusal.unwrap_or_else(|| "everything kept".to_owned()));
    }
    let kept = state::get("key0")?.map(|value| value.len().to_string());
    texts.push(kept.unwrap_or_else(|| "nothing kept".to_owned()));
    page_of_all(texts)
}

/// Tells the time.
pub fn time() -> Answer {
    page_of(host::now_ms().to_string())
}

/// Waits for two answers, one after the other.
pub fn twice() -> Answer {
    let first = get("/echo/1")?;
    let second = get("/echo/2")?;
    page_of_all([first.text()?.to_owned(), second.text()?.to_owned()])
}

/// Uploads its own bytes, or a blob with that handle; the id is what arrived.
pub fn upload(handle: &str) -> Answer {
    let mut body = vec![Piece::Bytes(b"one ".to_vec()), Piece::Bytes(b"two".to_vec())];
    if !handle.is_empty() {
        let handle = handle.to_owned();
        body.push(Piece::Blob(Slice { blob: handle, offset: 0, length: 1, base64: true }));
    }
    let answer = http::upload(&Request::post("api", "/upload"), &body)?;
    page_of(answer.text()?)
}

/// Tells a variable of the connection.
pub fn variable(name: &str) -> Answer {
    page_of(host::variable(name).unwrap_or_else(|| "unknown".to_owned()))
}

/// Asks for an answer that never comes.
pub fn wait() -> Answer {
    get("/never")?;
    plain()
}

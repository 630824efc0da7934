//! Bodies of requests, none longer than what leaves in one.

use serde_json::{Value, json};

/// Items of one request, in bytes: an eighth is left of what the host's own requests may have, for
/// what stands around them.
const ITEMS_BYTES_MAX: usize = 56 << 10;

/// Who tells.
pub(super) struct Resource<'a> {
    pub(super) instance: &'a str,
}

/// Items that belong together, between two pieces of JSON.
pub(super) struct Group {
    pub(super) head: String,
    pub(super) items: Vec<String>,
    pub(super) tail: &'static str,
}

/// One request.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) body: String,
    pub(super) items: u64,
}

/// What stands around the items of a request.
pub(super) struct Frame {
    head: String,
    tail: &'static str,
}

impl Frame {
    /// For the figures.
    pub(super) fn figures(resource: &Resource<'_>) -> Self {
        Self::new(resource, ("resourceMetrics", "scopeMetrics", "metrics"))
    }

    /// For spans.
    pub(super) fn spans(resource: &Resource<'_>) -> Self {
        Self::new(resource, ("resourceSpans", "scopeSpans", "spans"))
    }

    fn new(resource: &Resource<'_>, (resources, scopes, items): (&str, &str, &str)) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let attributes = json!([
            attribute("service.name", "plughouse"),
            attribute("service.version", version),
            attribute("service.instance.id", resource.instance),
        ]);
        let scope = json!({ "name": "plughouse", "version": version });
        let head = format!(
            r#"{{"{resources}":[{{"resource":{{"attributes":{attributes}}},"{scopes}":[{{"scope":{scope},"{items}":["#
        );
        Self { head, tail: "]}]}]}" }
    }

    /// The items in as few requests as may be.
    pub(super) fn batches(&self, groups: Vec<Group>) -> Vec<Batch> {
        let (mut batches, mut open) = (Vec::new(), Open::default());
        for Group { head, items, tail } in groups {
            for item in items {
                let more = head.len() + item.len() + tail.len() + 2;
                if open.items > 0 && open.body.len() + more > ITEMS_BYTES_MAX {
                    batches.push(self.around(std::mem::take(&mut open)));
                }
                open.put((&head, tail), &item);
            }
            open.end();
        }
        if open.items > 0 {
            batches.push(self.around(open));
        }
        batches
    }

    fn around(&self, mut open: Open) -> Batch {
        open.end();
        Batch { body: [&self.head, open.body.as_str(), self.tail].concat(), items: open.items }
    }
}

/// A request that is being filled.
#[derive(Default)]
struct Open {
    body: String,
    items: u64,
    /// What ends the group that has begun; nothing where none has.
    tail: Option<&'static str>,
}

impl Open {
    fn put(&mut self, (head, tail): (&str, &'static str), item: &str) {
        if self.items > 0 {
            self.body.push(',');
        }
        if self.tail.is_none() {
            self.body.push_str(head);
        }
        self.body.push_str(item);
        (self.items, self.tail) = (self.items + 1, Some(tail));
    }

    fn end(&mut self) {
        self.body.push_str(self.tail.take().unwrap_or_default());
    }
}

/// A fact, as text.
pub(super) fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// How many items of a batch that was taken the collector says to have refused.
pub(super) fn refused(answer: &str) -> u64 {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else { return 0 };
    let partial = answer.get("partialSuccess");
    let names = ["rejectedDataPoints", "rejectedSpans"];
    let count = names.iter().find_map(|name| partial?.get(name));
    // Numbers of 64 bits are text in the JSON of protocol buffers.
    count
        .and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, items: usize, bytes: usize) -> Group {
        let item = json!("x".repeat(bytes)).to_string();
        Group { head: format!("{{\"{name}\":["), items: vec![item; items], tail: "]}" }
    }

    #[test]
    fn every_batch_is_whole_and_none_is_too_long() {
        let frame = Frame::figures(&Resource { instance: "one" });
        let groups = vec![group("a", 3, 10), group("b", 0, 0), group("c", 200, 1_000)];
        let batches = frame.batches(groups);
        let (mut a, mut c) = (0, 0);
        for batch in &batches {
            assert!(batch.body.len() <= 64 << 10, "{}", batch.body.len());
            let value: Value = serde_json::from_str(&batch.body).unwrap();
            let list = &value["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
            for part in list.as_array().unwrap() {
                a += part["a"].as_array().map_or(0, Vec::len);
                c += part["c"].as_array().map_or(0, Vec::len);
            }
        }
        let items: u64 = batches.iter().map(|batch| batch.items).sum();
        assert_eq!((a, c, items, batches.len()), (3, 200, 203, 4));
    }

    #[test]
    fn nothing_makes_no_request() {
        assert!(Frame::spans(&Resource { instance: "one" }).batches(Vec::new()).is_empty());
    }

    #[test]
    fn what_a_collector_refuses_is_read_as_number_and_as_text() {
        assert_eq!(refused(""), 0);
        assert_eq!(refused("{}"), 0);
        assert_eq!(refused(r#"{"partialSuccess":{}}"#), 0);
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedSpans":"3"}}"#), 3);
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedDataPoints":2}}"#), 2);
    }
}

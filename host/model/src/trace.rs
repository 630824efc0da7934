//! Where something belongs among all that one request has set going: the trace context of the W3C.
//!
//! It comes with a request or is begun with it, lies with the job that the request has queued, and
//! stands on every line that is logged on its account. It identifies and never authorises.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex;

/// The header that carries it.
pub const TRACEPARENT: &str = "traceparent";

/// The only version that is written.
const VERSION: u8 = 0;

/// The version that the recommendation forbids.
const VERSION_FORBIDDEN: u8 = 0xff;

/// Characters of `00-<32>-<16>-<2>`; a later version may have more behind a dash.
const TEXT_LEN: usize = 55;

/// The one flag that is known: whoever is in front may have recorded it. Others are sent as zero.
const SAMPLED: u8 = 1;

/// Which trace: never all zero.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct TraceId([u8; 16]);

/// Which step of a trace: never all zero.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct SpanId([u8; 8]);

/// A place in a trace.
///
/// As text and in JSON it is a `traceparent` of the W3C Trace Context recommendation.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct TraceContext {
    /// Which trace.
    pub trace_id: TraceId,
    /// The step that whatever carries this was set going by.
    pub parent_id: SpanId,
    /// The flags that are known; bit 0: sampled.
    pub flags: u8,
}

/// A text that is no trace context.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no trace context: write 00-<32 lower-case hex digits>-<16>-<2>, neither id all zero")]
pub struct NotATraceContext;

impl TraceContext {
    /// Begins a trace, of bytes that are random.
    pub fn new(random: [u8; 24]) -> Self {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        let (front, back) = random.split_at(trace.len());
        trace.copy_from_slice(front);
        span.copy_from_slice(back);
        Self { trace_id: TraceId(not_zero(trace)), parent_id: SpanId::new(span), flags: SAMPLED }
    }

    /// The next step of the same trace, of bytes that are random.
    #[must_use]
    pub fn child(self, random: [u8; 8]) -> Self {
        Self { parent_id: SpanId::new(random), ..self }
    }

    /// Reads a `traceparent`. What a later version has added is left out.
    pub fn parse(text: &str) -> Result<Self, NotATraceContext> {
        Self::read(text.as_bytes()).ok_or(NotATraceContext)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (head, tail) = text.split_at_checked(TEXT_LEN)?;
        let [version] = hex::bytes(head.get(..2)?)?;
        match (version, tail) {
            (VERSION_FORBIDDEN, _) => return None,
            (_, []) => {}
            (VERSION, _) => return None,
            (_, [b'-', ..]) => {}
            _ => return None,
        }
        let dashes = [2, 35, 52].into_iter().all(|at| head.get(at) == Some(&b'-'));
        let trace_id = hex::bytes(head.get(3..35)?).filter(is_some)?;
        let parent_id = hex::bytes(head.get(36..52)?).filter(is_some)?;
        let [flags] = hex::bytes(head.get(53..)?)?;
        dashes.then_some(Self {
            trace_id: TraceId(trace_id),
            parent_id: SpanId(parent_id),
            flags: flags & SAMPLED,
        })
    }
}

impl SpanId {
    /// A step, of bytes that are random.
    pub fn new(random: [u8; 8]) -> Self {
        Self(not_zero(random))
    }
}

fn is_some<const N: usize>(bytes: &[u8; N]) -> bool {
    bytes.iter().any(|byte| *byte != 0)
}

/// The bytes, or one where they are all zero, which is no id.
fn not_zero<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    if !is_some(&bytes)
        && let Some(last) = bytes.last_mut()
    {
        *last = 1;
    }
    bytes
}

macro_rules! shown {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::text(&self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

shown!(TraceId);
shown!(SpanId);

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, parent_id, flags } = self;
        write!(f, "{VERSION:02x}-{trace_id}-{parent_id}-{flags:02x}")
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceContext {
    type Err = NotATraceContext;

    fn from_str(text: &str) -> Result<Self, NotATraceContext> {
        Self::parse(text)
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let read = TraceContext::parse(text).ok().map(|context| context.to_string());
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn context_is_read_and_written_alike() {
        check(EXAMPLE, Some(EXAMPLE));
        check(&EXAMPLE.replace("-01", "-00"), Some(&EXAMPLE.replace("-01", "-00")));
    }

    #[test]
    fn flags_that_are_not_known_are_not_passed_on() {
        check(&EXAMPLE.replace("-01", "-ff"), Some(EXAMPLE));
        check(&EXAMPLE.replace("-01", "-fe"), Some(&EXAMPLE.replace("-01", "-00")));
    }

    #[test]
    fn later_version_is_read_as_far_as_it_is_known() {
        let later = EXAMPLE.replacen("00-", "cc-", 1);
        check(&later, Some(EXAMPLE));
        check(&format!("{later}-what-the-future-will-be-like"), Some(EXAMPLE));
        check(&format!("{later}-"), Some(EXAMPLE));
        check(&format!("{later}.what"), None);
        check(&format!("{later}0"), None);
    }

    #[test]
    fn what_the_recommendation_forbids_is_none() {
        for bad in [
            "",
            "00",
            "00-",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
            "00-4bf92f3577b34da6a3ce929d0e0e473\u{e9}-0f067aa0ba902b7-01",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn child_is_of_the_same_trace_and_no_id_is_zero() {
        let context = TraceContext::new([0; 24]);
        assert_eq!(context.to_string(), "00-00000000000000000000000000000001-0000000000000001-01");
        let child = context.child([7; 8]);
        assert_eq!(child.trace_id, context.trace_id);
        assert_eq!(child.parent_id.to_string(), "0707070707070707");
        assert_eq!(context.child([0; 8]).parent_id, context.parent_id);
    }

    #[test]
    fn in_json_it_is_its_text() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        let json = serde_json::to_string(&context).unwrap();
        assert_eq!(json, format!("\"{EXAMPLE}\""));
        assert_eq!(serde_json::from_str::<TraceContext>(&json).unwrap(), context);
        assert!(serde_json::from_str::<TraceContext>("\"00\"").is_err());
    }
}

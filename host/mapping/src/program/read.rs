//! From the provider's record to ours.

use plughouse_scan::{Picks, Token};

use super::copy::copy;
use super::plan::{Fallback, Get, Map, Output, Plan, Verbatim};
use super::{Reading, Scratch};
use crate::work::Work;
use crate::{ChainFault, Fault, Issue, References, Value};

/// Bytes of a record that comes out: several field maps may copy one large text, and the sum must
/// fit the memory of a host.
const DOC_BYTES_MAX: usize = 16 << 20;

/// Why a field has no value.
pub(super) type Failed = (Option<(usize, &'static str)>, Fault);

pub(super) fn read<'s>(
    plan: &Plan,
    payload: &[u8],
    scratch: &'s mut Scratch,
    refs: &dyn References,
) -> Reading<'s> {
    let Scratch { scan, doc, text } = scratch;
    doc.clear();
    let picks = match scan_record(&plan.sources, payload, scan) {
        Ok(picks) => picks,
        Err(fault) => return Reading::Rejected { issues: vec![Issue::new("", "", fault)] },
    };
    let (issues, work) = (Vec::new(), Work::new(refs));
    let mut reader = Reader { plan, payload, picks, work, doc, text, issues, rejected: false };
    reader.fields();
    let url = reader.link();
    let (issues, rejected) = (reader.issues, reader.rejected);
    if rejected { Reading::Rejected { issues } } else { Reading::Mapped { doc, url, issues } }
}

/// Picks the values of a record, which is an object.
pub(crate) fn scan_record<'s, 'j>(
    paths: &'s plughouse_scan::Paths,
    json: &'j [u8],
    scratch: &'s mut plughouse_scan::Scratch,
) -> Result<Picks<'s, 'j>, Fault> {
    let refuse = |error| Fault::new("mapping.json", format!("the record is {error}"));
    let picks = paths.scan(json, scratch).map_err(refuse)?;
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(Fault::new("mapping.type", "expected an object as record"));
    }
    Ok(picks)
}

/// By the position of the field map; `None` when it has failed.
type Shared<'j> = Vec<(usize, Option<Vec<Value<'j>>>)>;

struct Reader<'r, 'j> {
    plan: &'r Plan,
    payload: &'j [u8],
    picks: Picks<'r, 'j>,
    work: Work<'r>,
    doc: &'r mut Vec<u8>,
    text: &'r mut String,
    issues: Vec<Issue>,
    rejected: bool,
}

impl<'j> Reader<'_, 'j> {
    fn fields(&mut self) {
        // What a field map with several targets has given; there are few of them.
        let mut shared = Vec::new();
        for output in &self.plan.outputs {
            let before = self.doc.len();
            output.key.push(self.doc);
            let there = match output.copy {
                Some((slot, wanted)) => self.copy(output, self.picks.get(slot), wanted),
                None => self.compute(output, &mut shared),
            };
            if !there {
                self.doc.truncate(before);
            }
            if self.work.is_spent() {
                self.rejected = true;
                return;
            }
            if self.doc.len() > DOC_BYTES_MAX {
                let message = format!("the record would have more than {DOC_BYTES_MAX} bytes");
                self.report(output, (None, Fault::new("mapping.doc-size", message)));
                self.rejected = true;
                return;
            }
        }
        // Every key has a comma before it.
        match self.doc.first_mut() {
            Some(comma) => *comma = b'{',
            None => self.doc.push(b'{'),
        }
        self.doc.push(b'}');
    }

    /// Copies a token; tells whether a value is there.
    #[inline]
    fn copy(&mut self, output: &Output, token: Option<Token<'j>>, wanted: Verbatim) -> bool {
        let Some(token) = token else { return self.empty(output, &Value::Missing) };
        if token.is_null() {
            return self.empty(output, &Value::Null);
        }
        match copy(&token, wanted, self.payload, self.doc) {
            Ok(()) => true,
            Err(fault) => self.failed(output, (None, fault)),
        }
    }

    fn compute(&mut self, output: &Output, shared: &mut Shared<'j>) -> bool {
        let Some(map) = self.plan.maps.get(output.map) else { return false };
        if map.targets.len() > 1 {
            return self.share(map, output, shared);
        }
        let view = map.get.view(&self.picks, &self.work);
        match view.and_then(|view| map.typed(0, view)) {
            Ok(value) => self.put(output, &value),
            Err(failed) => self.failed(output, failed),
        }
    }

    fn share(&mut self, map: &Map, output: &Output, shared: &mut Shared<'j>) -> bool {
        let known = shared.iter().position(|(position, _)| *position == output.map);
        let at = known.unwrap_or_else(|| {
            let parts = map.parts(&self.picks, &self.work);
            // One issue is enough for all targets of a field map.
            let parts = parts.map_err(|failed| self.report(output, failed)).ok();
            shared.push((output.map, parts));
            shared.len() - 1
        });
        let Some((_, Some(parts))) = shared.get_mut(at) else { return self.fall_back(output) };
        let value = parts.get_mut(output.part);
        let value = value.map_or(Value::Missing, |value| std::mem::replace(value, Value::Missing));
        self.put(output, &value)
    }

    /// Appends a value; tells whether it is there.
    fn put(&mut self, output: &Output, value: &Value<'_>) -> bool {
        if value.is_empty() {
            return self.empty(output, value);
        }
        self.text.clear();
        value.write(self.text);
        self.doc.extend_from_slice(self.text.as_bytes());
        true
    }

    #[inline]
    fn empty(&mut self, output: &Output, value: &Value<'_>) -> bool {
        if output.required {
            let fault = Fault::new("mapping.required", "the field is required and has no value");
            self.report(output, (None, fault));
            self.rejected = true;
        }
        let null = !value.is_missing();
        if null {
            self.doc.extend_from_slice(b"null");
        }
        null
    }

    #[cold]
    fn failed(&mut self, output: &Output, failed: Failed) -> bool {
        self.report(output, failed);
        self.fall_back(output)
    }

    #[cold]
    fn report(&mut self, output: &Output, (op, fault): Failed) {
        let map = self.plan.maps.get(output.map);
        self.issues.extend(map.map(|map| map.issue(output.part, op, fault)));
    }

    #[cold]
    fn fall_back(&mut self, output: &Output) -> bool {
        match self.plan.maps.get(output.map).map(|map| &map.fallback) {
            Some(Fallback::Value(value)) => self.put(output, value),
            // A required field that is left out has been reported with the reason.
            Some(Fallback::Skip) => {
                self.rejected |= output.required;
                false
            }
            Some(Fallback::Reject) | None => {
                self.rejected = true;
                false
            }
        }
    }

    fn link(&mut self) -> Option<String> {
        let get = self.plan.link.as_ref().filter(|_| !self.work.is_spent())?;
        match get.view(&self.picks, &self.work) {
            Ok(Value::Text(url)) if is_web(&url) => Some(url.into_owned()),
            Ok(Value::Text(_)) => {
                let message = "the address of a record begins with https:// or http://";
                self.issues.push(get.issue("url", Fault::new("mapping.url", message)));
                None
            }
            Ok(_) => None,
            Err((op, fault)) => {
                let issue = get.issue("url", fault);
                self.issues.push(Issue { op, ..issue });
                self.rejected |= self.work.is_spent();
                None
            }
        }
    }
}

/// Whether a browser opens the address as a page; others it would run, or read from a disk.
fn is_web(url: &str) -> bool {
    let begins =
        |start: &str| url.get(..start.len()).is_some_and(|url| url.eq_ignore_ascii_case(start));
    begins("https://") || begins("http://")
}

impl Get {
    /// The values at the paths: one, or a tuple.
    pub(crate) fn source<'j>(
        &self,
        picks: &Picks<'_, 'j>,
        work: &Work<'_>,
    ) -> Result<Value<'j>, Fault> {
        let value = |slot| match picks.get(slot) {
            Some(token) => work.spend(token.raw().len()).and_then(|()| Value::read(token)),
            None => Ok(Value::Missing),
        };
        match self.paths.as_slice() {
            [] => Ok(Value::Missing),
            [path] => value(path.slot),
            paths => {
                paths.iter().map(|path| value(path.slot)).collect::<Result<_, _>>().map(Value::List)
            }
        }
    }

    /// What the operations make of it.
    pub(super) fn view<'j>(
        &self,
        picks: &Picks<'_, 'j>,
        work: &Work<'_>,
    ) -> Result<Value<'j>, Failed> {
        let source = self.source(picks, work).map_err(|fault| (None, fault))?;
        self.chain.read(source, work).map_err(failed)
    }
}

/// The operation and its fault.
pub(super) fn failed(ChainFault { index, op, fault }: ChainFault) -> Failed {
    (Some((index, op)), fault)
}

impl Map {
    /// A value as one of the type of a target. It is checked even where the compiler knew the
    /// type, because it knew it from the provider.
    pub(super) fn typed<'j>(&self, part: usize, value: Value<'j>) -> Result<Value<'j>, Failed> {
        match self.targets.get(part) {
            Some(target) => value.typed(&target.kind).map_err(|fault| (None, fault)),
            None => Ok(value),
        }
    }

    /// The values for the targets, as many as there are.
    pub(super) fn parts<'j>(
        &self,
        picks: &Picks<'_, 'j>,
        work: &Work<'_>,
    ) -> Result<Vec<Value<'j>>, Failed> {
        let view = self.get.view(picks, work)?;
        let wanted = self.targets.len();
        let parts = match view {
            view if wanted == 1 => vec![view],
            Value::List(parts) if parts.len() == wanted => parts,
            empty if empty.is_empty() => vec![empty; wanted],
            other => {
                let message = format!("expected {wanted} values, found {}", other.kind());
                return Err((None, Fault::new("mapping.type", message)));
            }
        };
        let typed = parts.into_iter().enumerate().map(|(part, value)| self.typed(part, value));
        typed.collect()
    }
}

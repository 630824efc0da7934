//! Takes the live secrets of this process out of whatever is written: logs, errors, reports.
//!
//! The second net: secrets are of a type that does not print, and this finds those that got into a
//! text all the same, in the forms of `needle.rs`.

mod known;
mod writer;

use std::borrow::Cow;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use model::Secret;
use model::masking::{Masked, Masking};

use crate::escape::{self, Escape};
use crate::needle::{self, MASK, SECRET_BYTES_MIN};
use known::{Fingerprint, Known};

pub use writer::Masker;

/// Forms of secrets that are remembered at one time: those of fifty thousand tokens, in some
/// 60 MiB. Beyond it nothing more is masked, and the log says so once.
const FORMS_MAX: usize = 500_000;

/// The live secrets of a process. Its clones are one.
///
/// Of each form it keeps the last eight bytes, the length and a keyed hash, not the text. Secrets of
/// fewer than [`SECRET_BYTES_MIN`] bytes are not looked for, because they stand in ordinary text by
/// chance.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

impl Redactor {
    /// The text with every live secret masked; the text itself where none stands in it.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.scrub_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// A writer that masks line by line, so that a secret which is written in pieces is found.
    pub fn writer<W: io::Write>(&self, inner: W) -> Masker<W> {
        Masker::new(self.clone(), inner)
    }

    /// The same with bytes, which need not be text.
    fn scrub_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut spans = known.spans(bytes);
        for escape in [Escape::Percent, Escape::Unicode] {
            let Some((plain, places)) = escape::located(bytes, escape) else { continue };
            let place = |at: usize| places.get(at).copied().unwrap_or(bytes.len());
            let found = known.spans(&plain).into_iter();
            spans.extend(found.map(|(start, end)| (place(start), place(end))));
        }
        if spans.is_empty() { Cow::Borrowed(bytes) } else { Cow::Owned(masked(bytes, spans)) }
    }

    fn longest(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).longest()
    }
}

impl Masking for Redactor {
    fn mask(&self, secrets: &[Secret]) -> Masked {
        let mut forms: Vec<String> = Vec::new();
        for part in secrets.iter().flat_map(|secret| parts(secret.expose())) {
            needle::add_forms(&mut forms, part);
        }
        forms.sort_unstable();
        forms.dedup();
        let (added, full) = {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let before = known.is_full();
            let added = forms.iter().filter_map(|form| known.add(form)).collect();
            (added, known.is_full() && !before)
        };
        if full {
            // Only now: whoever writes it asks this redactor.
            tracing::warn!(forms = FORMS_MAX, "too many live secrets; more are not masked");
        }
        Box::new(Entered { redactor: self.clone(), added })
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// What one caller has entered; taken out when it is dropped.
struct Entered {
    redactor: Redactor,
    added: Vec<Fingerprint>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut known = self.redactor.0.write().unwrap_or_else(PoisonError::into_inner);
        for fingerprint in &self.added {
            known.remove(fingerprint);
        }
    }
}

/// The bytes with the spans masked, each that overlaps another as one with it.
fn masked(bytes: &[u8], mut spans: Vec<(usize, usize)>) -> Vec<u8> {
    spans.sort_unstable();
    let mut out = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for (start, end) in spans {
        if start >= done {
            out.extend_from_slice(bytes.get(done..start).unwrap_or_default());
            out.extend_from_slice(MASK.as_bytes());
        }
        done = done.max(end);
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    out
}

/// The secret as a whole, and the lines of one that has several, as a private key does: logs are
/// written by the line. The lines that frame a key are the same for all of them.
fn parts(secret: &str) -> impl Iterator<Item = &str> {
    let several = secret.contains('\n');
    let lines = secret.lines().filter(move |line| several && !line.starts_with("-----"));
    std::iter::once(secret).chain(lines).filter(|part| part.len() >= SECRET_BYTES_MIN)
}

//! A panic says what it was before the instance traps.

use std::sync::Once;

use crate::{Level, host};

/// Characters of the message that are logged: enough for a sentence, not for a page of records.
const MESSAGE_MAX: usize = 500;

/// Logs panics through the host; done before every call, and needed once.
///
/// Without it a trap of `wasm32-unknown-unknown` says only `unreachable`: there is no stderr.
pub(crate) fn log_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("no message");
            let shortened: String = message.chars().take(MESSAGE_MAX).collect();
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            host::log(Level::Error, &shortened, &[("panic", place.as_str())]);
        }));
    });
}

//! Text that must not be seen.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroize as _;

/// A credential's plaintext. It is wiped when dropped, and neither printed nor compared nor
/// serialised; [`Secret::expose`] is the only way to it, so that `grep expose` finds every use.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    pub fn new(mut text: String) -> Self {
        // Giving room back may move the text and leave it behind where it was.
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Self(secret)
    }

    /// The plaintext.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_told_when_asked_and_not_printed() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!((secret.clone().expose(), secret.expose()), ("hunter2", "hunter2"));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}

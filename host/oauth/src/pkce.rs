//! Proof that who redeems a code is who asked for it (RFC 7636, method S256 alone).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Secret;
use sha2::{Digest as _, Sha256};

/// A verifier and the challenge made of it.
#[derive(Clone, Debug)]
pub(crate) struct Pkce {
    /// What is kept until the code is redeemed.
    pub(crate) verifier: Secret,
    /// What goes out with the authorisation request.
    pub(crate) challenge: String,
}

impl Pkce {
    /// Makes both of 256 random bits, which become the 43 characters that RFC 7636 §4.1 advises.
    pub(crate) fn new(random: &[u8; 32]) -> Self {
        let verifier = Secret::new(URL_SAFE_NO_PAD.encode(random));
        let challenge = URL_SAFE_NO_PAD.encode(digest(verifier.expose()));
        Self { verifier, challenge }
    }
}

/// SHA-256: what a store holds in place of a `state` or of what the browser shows.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_is_that_of_the_rfc() {
        let random = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let pkce = Pkce::new(&random);
        assert_eq!(pkce.verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(pkce.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}

//! API keys as people hold them: `ph_`, sixteen hexadecimal digits that name the key, `_`, and
//! sixty-four that open it.

use model::api_key::{ApiKey, ApiKeyId, Role};
use model::{Error, ErrorKind, Secret, TenantId, Timestamp, hex};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::random::random;

/// What every key begins with, so that scanners of repositories find those that leak.
const PREFIX: &str = "ph_";

/// A key as it was shown.
pub struct Token {
    id: ApiKeyId,
    hash: [u8; 32],
}

impl Token {
    /// Reads a key.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if id.len() != 16 || secret.len() != 64 || !is_hex(id) || !is_hex(secret) {
            return None;
        }
        Some(Self { id: id.parse().ok()?, hash: Sha256::digest(secret).into() })
    }

    /// Which key it is.
    pub fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// Whether it opens the key of this hash; it takes as long if it does not.
    pub fn opens(&self, hash: &[u8; 32]) -> bool {
        self.hash.ct_eq(hash).into()
    }
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// Whose things it opens.
    pub tenant: Option<TenantId>,
    /// What it allows.
    pub role: Role,
    /// Who makes it.
    pub creator: String,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

/// Draws a key: what is kept of it, and what is shown once.
pub fn new_key(new: NewKey, now: Timestamp) -> Result<(ApiKey, Secret), Error> {
    let digits = hex::text(&random::<40>()?);
    let (id, secret) = digits.split_at(16);
    let NewKey { name, tenant, role, creator, expires } = new;
    let key = ApiKey {
        id: id.parse().map_err(|error: model::id::NameError| {
            Error::new(ErrorKind::Other, "api.internal", error.to_string())
        })?,
        name,
        tenant,
        role,
        hash: Sha256::digest(secret).into(),
        creator,
        created: now,
        expires,
        used: None,
        revoked: None,
    };
    Ok((key, Secret::new(format!("{PREFIX}{id}_{secret}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> (ApiKey, Secret) {
        let new = NewKey {
            name: "ci".to_owned(),
            tenant: None,
            role: Role::Operator,
            creator: "cli".to_owned(),
            expires: None,
        };
        new_key(new, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn key_opens_what_it_was_made_for_and_nothing_else() {
        let ((key, secret), (other, _)) = (new(), new());
        let token = Token::parse(secret.expose()).unwrap();
        assert_eq!(*token.id(), key.id);
        assert!(token.opens(&key.hash) && !token.opens(&other.hash));
        assert!(!format!("{key:?}").contains(&secret.expose()[20..]));
    }

    #[test]
    fn what_is_no_key_is_not_looked_up() {
        let (_, secret) = new();
        let good = secret.expose();
        for bad in
            ["", "ph_", "ph__", &good[1..], &good[..83], &format!("{good}0"), &good.to_uppercase()]
        {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }
}

//! From a token answer to the secrets that a connection has from then on.

use model::credential::{ACCESS_TOKEN, Grant, PREVIOUS_REFRESH_TOKEN, REFRESH_TOKEN};
use model::{Secret, Timestamp};
use oauth::TokenAnswer;

use super::when;

/// Fields that come from token answers; all others were entered and stay.
const TOKENS: [&str; 3] = [ACCESS_TOKEN, REFRESH_TOKEN, PREVIOUS_REFRESH_TOKEN];

/// The fields and the grant after a token answer; `before` is what it replaces.
///
/// A refresh token that the answer does not replace stays; one that it replaces is kept for a
/// while, because the answer before may have been lost.
pub(super) fn replaced(
    (fields, before): (&[(String, Secret)], &Grant),
    answer: TokenAnswer,
    obtained: Timestamp,
    random: u64,
) -> (Vec<(String, Secret)>, Grant) {
    let held = |name: &str| {
        fields.iter().find(|(field, _)| field == name).map(|(_, secret)| secret.clone())
    };
    let (old, rotated) = (held(REFRESH_TOKEN), answer.refresh);
    let is_new = |old: &Secret| rotated.as_ref().is_some_and(|new| new.expose() != old.expose());
    let (previous, previous_until) = match &old {
        Some(old) if is_new(old) => {
            (Some(old.clone()), Some(when::after(obtained, when::PREVIOUS_KEPT)))
        }
        _ => {
            let until = before.previous_until.filter(|until| *until > obtained);
            (until.and_then(|_| held(PREVIOUS_REFRESH_TOKEN)), until)
        }
    };
    let entered = fields.iter().filter(|(name, _)| !TOKENS.contains(&name.as_str())).cloned();
    let mut all: Vec<_> = entered.collect();
    let tokens = [
        (ACCESS_TOKEN, Some(answer.access)),
        (REFRESH_TOKEN, rotated.or(old)),
        (PREVIOUS_REFRESH_TOKEN, previous),
    ];
    all.extend(tokens.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?))));
    let mut grant = Grant {
        scopes: if answer.scopes.is_empty() { before.scopes.clone() } else { answer.scopes },
        obtained: Some(obtained),
        expires: answer.expires_in.map(|life| when::after(obtained, life)),
        refresh_at: None,
        previous_until,
        app: before.app.clone(),
    };
    let names: Vec<_> = all.iter().map(|(name, _)| name.clone()).collect();
    grant.refresh_at = when::refresh_at(&grant, &names, random);
    (all, grant)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    fn answer(refresh: Option<&str>) -> TokenAnswer {
        TokenAnswer {
            access: secret("a2"),
            refresh: refresh.map(secret),
            expires_in: Some(Duration::from_hours(1)),
            scopes: Vec::new(),
            variables: BTreeMap::new(),
        }
    }

    #[track_caller]
    fn check(before: &[(&str, &str)], refresh: Option<&str>, expected: &[(&str, &str)]) {
        let fields: Vec<_> =
            before.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect();
        let grant = Grant {
            scopes: vec!["read".to_owned()],
            previous_until: Some(at(10)),
            ..Grant::default()
        };
        let (all, grant) = replaced((&fields, &grant), answer(refresh), at(5), 0);
        let all: Vec<_> = all.iter().map(|(name, it)| (name.as_str(), it.expose())).collect();
        assert_eq!(all, expected);
        assert_eq!((grant.expires, grant.scopes), (Some(at(6)), vec!["read".to_owned()]));
    }

    #[test]
    fn refresh_token_that_the_answer_leaves_out_stays() {
        check(&[("access_token", "a1")], None, &[("access_token", "a2")]);
        check(
            &[("access_token", "a1"), ("refresh_token", "r1")],
            None,
            &[("access_token", "a2"), ("refresh_token", "r1")],
        );
        check(
            &[("refresh_token", "r1")],
            Some("r1"),
            &[("access_token", "a2"), ("refresh_token", "r1")],
        );
    }

    #[test]
    fn refresh_token_that_is_replaced_is_kept_beside_the_new_one() {
        let kept =
            [("access_token", "a2"), ("refresh_token", "r2"), ("previous_refresh_token", "r1")];
        check(&[("refresh_token", "r1")], Some("r2"), &kept);
        check(&[("refresh_token", "r1"), ("previous_refresh_token", "r0")], Some("r2"), &kept);
        let still =
            [("access_token", "a2"), ("refresh_token", "r2"), ("previous_refresh_token", "r1")];
        check(&[("refresh_token", "r2"), ("previous_refresh_token", "r1")], None, &still);
    }

    #[test]
    fn what_was_entered_stays() {
        check(&[("private_key", "k")], None, &[("private_key", "k"), ("access_token", "a2")]);
    }
}

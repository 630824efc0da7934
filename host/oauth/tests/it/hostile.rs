//! Whatever comes: no panic, and nothing secret in what is said about it.

use oauth::{check_issuer, check_revoked, parse, read_callback};
use proptest::prelude::*;

use crate::support::{Setup, answer, now, secret};

/// A token as providers make them.
const PLANTED: &str = "Zk3yJpN8sQ-7vX2bLmT_0aRcD9uE4hWg";

/// Text from anywhere, and text that looks like what is expected.
fn bodies() -> impl Strategy<Value = String> {
    let member = prop::sample::select(vec![
        "access_token",
        "refresh_token",
        "error",
        "error_description",
        "error_codes",
        "message",
        "reason",
        "code",
        "status",
        "suberror",
        "expires_in",
        "scope",
        "token_type",
        "instance_url",
    ]);
    let value = prop_oneof![
        Just(format!("\"{PLANTED}\"")),
        Just(format!("\"the token {PLANTED} is bad\"")),
        Just(format!("\"https://{PLANTED}.example/?t={PLANTED}\"")),
        Just(format!("{{\"code\":\"{PLANTED}\",\"message\":\"{PLANTED}\"}}")),
        Just(format!("[\"{PLANTED}\",1,null]")),
        Just("\"invalid_grant\"".to_owned()),
        Just("-1e999".to_owned()),
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    let members = prop::collection::vec((member, value), 0..6).prop_map(|members| {
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    let form = members.clone().prop_map(|json| {
        json.replace(':', "=").replace(',', "&").replace(['{', '}', '"', ' '], "")
    });
    prop_oneof![members, form, any::<String>(), Just(format!("{PLANTED}\n<p>{PLANTED}"))]
}

proptest! {
    #[test]
    fn answers_do_not_panic_and_errors_repeat_no_token(status in 100_u16..600, body in bodies()) {
        for (provider, method) in [("salesforce", "oauth"), ("zoom", "server"), ("notion", "oauth")] {
            let setup = Setup::of(provider, method).variable("account_id", "1");
            let answer = answer(status, &body);
            for error in [
                parse(&setup.values(), &answer, now()).err(),
                check_revoked(&setup.values(), &answer, now()).err(),
            ].into_iter().flatten() {
                let told = format!("{error} {error:?}");
                prop_assert!(!told.contains(PLANTED), "{}", told);
            }
        }
    }

    #[test]
    fn secrets_that_were_sent_are_hidden_however_short(around in "[a-z ]{0,8}") {
        let mut setup = Setup::of("zoom", "oauth").field("pin", "h2");
        setup.client_secret = Some(secret("s3cr3t"));
        let body = format!(r#"{{"error":"s3cr3t","code":"h2","reason":"{around}s3cr3t{around}h2"}}"#);
        let told = setup.parse(400, &body).unwrap_err().to_string();
        prop_assert!(!told.contains("s3cr3t") && !told.contains("h2"), "{}", told);
    }

    #[test]
    fn callbacks_do_not_panic_and_errors_repeat_nothing(
        query in prop_oneof![
            any::<String>(),
            "((state|code|error|error_description|iss|x)=[a-z%0-9+]{0,8}&){0,6}",
            Just(format!("state={PLANTED}&state={PLANTED}")),
            Just(format!("state=s&code={PLANTED}&error={PLANTED}")),
            Just(format!("state=s&error={PLANTED}&error_description=no+{PLANTED}")),
            Just(format!("state=s&code={PLANTED}&iss=https://{PLANTED}")),
        ]
    ) {
        let setup = Setup::of("google_drive", "oauth");
        let told = match read_callback(&query) {
            Ok(callback) => format!(
                "{callback:?}{}",
                check_issuer(&setup.values(), &callback).err().map_or(String::new(), |e| e.to_string()),
            ).replace(callback.issuer.as_deref().unwrap_or("-"), ""),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!told.contains(PLANTED), "{}", told);
    }
}

//! Whatever a provider sends, the SDK answers with a value or an error.

use plughouse_sdk::checkpoint::Checkpoint;
use plughouse_sdk::{Response, error_for_status, json, percent, time};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

#[derive(Debug, serde::Deserialize, serde::Serialize)]
struct Position {
    after: String,
}

impl Checkpoint for Position {
    const VERSION: u32 = 1;
}

/// Texts that come close to dates, numbers and encodings.
const NEARLY: &str = "[0-9TZ:.,+ %eEGMTadNovSun()é-]{0,32}";

fn response(status: u16, retry_after: &str, body: Vec<u8>) -> Response {
    let date = ("Date", "Sun, 06 Nov 1994 08:49:30 GMT").into();
    let headers = vec![date, ("Retry-After", retry_after).into()];
    Response { id: 1, status, headers, body }
}

proptest! {
    #[test]
    fn texts_never_panic(nearly in NEARLY, any in ".{0,40}") {
        for text in [nearly.as_str(), any.as_str()] {
            let instants =
                [time::parse_rfc3339(text), time::parse_rfc2822(text), time::parse_date(text)];
            let last = time::format_rfc3339(u64::MAX);
            prop_assert!(instants.into_iter().flatten().all(|ms| time::format_rfc3339(ms) <= last));
            let decoded = percent::decode(&percent::encode(text));
            prop_assert_eq!(decoded.as_deref(), Some(text));
            drop((percent::decode(text), percent::parse_query(text)));
            prop_assert!(Position::decode(text).is_err());
        }
    }

    #[test]
    fn instants_come_back(ms in 0..253_402_300_800_000_u64) {
        prop_assert_eq!(time::parse_rfc3339(&time::format_rfc3339(ms)), Some(ms));
        let midnight = time::parse_date(&time::format_date(ms)).unwrap();
        prop_assert!(midnight <= ms && ms - midnight < 86_400_000);
    }

    #[test]
    fn answers_never_panic(
        status in any::<u16>(),
        wait in NEARLY,
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let response = response(status, &wait, body);
        prop_assert_eq!(error_for_status(&response).is_none(), response.is_success());
        drop((response.text(), response.parse::<Position>().is_ok()));
        drop(json::list("/l", ["/id"]).and(["/next"]).read(&response));
    }

    #[test]
    fn checkpoints_come_back(after in ".{0,40}") {
        let text = Position { after: after.clone() }.encode().unwrap();
        prop_assert_eq!(Position::decode(&text).unwrap().after, after);
    }
}

//! The recorded cases, as `plughouse adapter test` runs them against the component.

#[test]
fn recorded_cases_come_out_as_expected() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let count = plughouse_testkit::case::run_all::<plughouse_google_news::GoogleNews>(fixtures);
    assert_eq!(count.map_err(|error| error.to_string()), Ok(1));
}

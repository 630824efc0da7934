//! Conversion schemas without a store, and their page of the documentation.

use std::path::Path;

use crate::check;
use crate::place::Place;

#[test]
fn page_of_the_documentation_is_current() {
    let outcome = Place::empty().run("mapping ops --markdown");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mapping.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(outcome.out == page, "run `plughouse mapping ops --markdown >docs/mapping.md`");
}

#[test]
fn reference_needs_no_store() {
    let place = Place::empty();
    let all = place.run("mapping ops --json");
    assert_eq!(all.out.lines().count(), mapping::ops::all().count());
    let one = place.run("mapping ops phone_e164 --json").json();
    assert_eq!((&one["name"], &one["params"][0]["name"]), (&"phone_e164".into(), &"region".into()));
    check(&place.run("mapping ops phone_e164"), 0, "");
    check(&place.run("mapping ops nosuch"), 1, "there is no operation nosuch");
    assert!(place.run("mapping types c_contact").out.contains("family_name"));
    let schema = place.run("mapping ops --json-schema --json").json();
    assert_eq!(schema["title"], "Conversion schema");
    check(&place.run("mapping list"), 1, "no data in .plughouse");
}

#[test]
fn text_is_checked_where_it_lies() {
    let place = Place::empty();
    place.write(
        "s.json",
        r#"{"format": 1, "name": "s", "entity": "e", "type": "c_note",
            "fields": [{"from": "/a", "to": "title", "ops": ["trim"]}]}"#,
    );
    place.write("t.json", r#"{"name": "x_t", "fields": [{"name": "a", "kind": "txt"}]}"#);
    place.write("r.json", r#"[{"a": " x "}, {"a": 7}]"#);
    assert!(place.run("mapping check s.json").out.contains("conversion schema s can be saved"));
    let wrong = place.run("mapping check t.json");
    assert!(wrong.code == Some(1) && wrong.out.contains("/fields/0/kind"), "{wrong:#?}");
    let shown = place.run("mapping preview s.json --sample r.json");
    for line in ["/a → title: \" x \" → trim \"x\"; goes back tidied", "{\"title\":\"x\"}"] {
        assert!(shown.out.contains(line), "{}", shown.out);
    }
    assert!(shown.out.contains("trim fails: expected text, found integer"), "{}", shown.out);
    check(&place.run("mapping check nosuch.json"), 1, "read nosuch.json");
    place.write("big.json", &"[".repeat(2_000_000));
    assert!(place.run("mapping check big.json").out.contains("1048577 bytes"));
}

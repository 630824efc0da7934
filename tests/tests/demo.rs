//! What the demonstration says works: the lines that it prints, under the server that it names.

use e2e::{Api, Host, Served};

#[test]
fn lines_of_the_demonstration_are_answered_alike_by_the_server_that_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let done = Host::new(dir.path()).json(&["demo", "--contacts", "20"]);
    let api = &done.last().unwrap()["api"];
    let host = Host::new(&dir.path().join("demo"));
    assert!(api["serve"].as_str().unwrap().contains(host.data().to_str().unwrap()), "{api}");
    let served = Served::start(&host);
    let viewer = Api::new(served.address(), api["api_key"].as_str().unwrap());
    let asked = api["asked"].as_array().unwrap();
    assert_eq!(asked.len(), 3, "{api}");
    for asked in asked {
        let curl = asked["curl"].as_str().unwrap();
        let path = curl.split_once("/api/").unwrap().1.trim_end_matches('\'');
        assert!(curl.contains(viewer.key()), "{curl}");
        let answer = viewer.get(&format!("/api/{path}"));
        assert_eq!(answer, asked["answer"], "{curl}");
        assert!(answer["items"].as_array().is_some_and(|items| !items.is_empty()), "{answer}");
    }
}

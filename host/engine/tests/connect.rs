//! Connecting an account.
#![cfg(test)]

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::connect::{
    NewConnection, Question, QuestionKind, check, connect, methods, questions, variables,
};
use model::adapter::{Account, Adapter, Called, Entity, Page, PullRequest, Receipt};
use model::{Connection, Error, ErrorKind, Secret};
use package::Manifest;

fn manifest() -> Manifest {
    Manifest::parse(include_str!("manifest/chat.toml")).unwrap()
}

/// A connection that is as it should be.
fn good() -> NewConnection {
    let field = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    NewConnection {
        tenant: "acme".parse().unwrap(),
        id: "chat".parse().unwrap(),
        auth: Some("key".to_owned()),
        variables: pairs(&[("site", "acme.chat.example")]),
        fields: vec![field("user", "me"), field("key", "hunter2")],
        consents: Vec::new(),
        overrides: BTreeMap::new(),
    }
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Changes the good connection and holds its problems against these.
#[track_caller]
fn refused(change: impl FnOnce(&mut NewConnection), expected: &[&str]) {
    let mut new = good();
    change(&mut new);
    let problems =
        connect(&manifest(), new).map(|(connection, _)| connection).unwrap_err().problems;
    assert_eq!(problems, expected);
}

#[test]
fn connection_is_what_was_entered_and_its_secrets_stand_apart() {
    let (connection, secrets) = connect(&manifest(), good()).unwrap();
    assert_eq!((connection.package.as_str(), connection.auth.as_str()), ("acme/chat", "key"));
    assert_eq!(connection.account, None);
    assert_eq!(secrets.len(), 2);
    assert!(!format!("{connection:?}").contains("hunter2"));
    assert_eq!(
        variables(&manifest(), &connection),
        pairs(&[("auth", "key"), ("color", "red"), ("site", "acme.chat.example")])
    );
}

#[test]
fn field_that_may_be_seen_may_be_entered_like_a_variable() {
    let mut new = good();
    let (user, _) = new.fields.remove(0);
    new.variables.insert(user, "me".to_owned());
    let (connection, fields) = connect(&manifest(), new).unwrap();
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(fields, [("key", "hunter2"), ("user", "me")]);
    assert!(!connection.variables.contains_key("user"));
    refused(
        |new| {
            let (key, _) = new.fields.pop().unwrap();
            new.variables.insert(key, "hunter2".to_owned());
        },
        &[
            "auth method `key` needs field `key`: API key",
            "the package asks for no variable `key`, but for: color, site",
        ],
    );
}

#[test]
fn auth_method_must_be_one_of_the_package() {
    assert_eq!(methods(&manifest()), ["client", "key", "robot"]);
    let names = "client, key, robot";
    refused(|new| new.auth = None, &[&format!("choose an auth method: {names}")]);
    refused(
        |new| new.auth = Some("keys".to_owned()),
        &[&format!("the package has no auth method `keys`; it has: {names}")],
    );
}

#[test]
fn method_that_brings_tokens_may_leave_variables_to_their_answers() {
    let mut new = good();
    new.auth = Some("client".to_owned());
    new.fields.clear();
    new.overrides = pairs(&[("auth", "http://127.0.0.1:8080")]);
    let (connection, secrets) = connect(&manifest(), new).unwrap();
    assert_eq!((connection.auth.as_str(), secrets.len()), ("client", 0));
    refused(
        |new| new.overrides = pairs(&[("auth", "http://127.0.0.1:8080")]),
        &["no endpoint `auth` whose origin can be replaced, but: api, feed"],
    );
    refused(
        |new| new.auth = Some("client".to_owned()),
        &[
            "auth method `client` has no field `user`; it has: none",
            "auth method `client` has no field `key`; it has: none",
        ],
    );
}

#[test]
fn fields_of_an_assertion_are_entered_and_its_key_may_have_lines() {
    let field = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    let mut new = good();
    new.auth = Some("robot".to_owned());
    new.fields = vec![field("email", "a@b.example"), field("private_key", "one\ntwo\r\n")];
    assert!(connect(&manifest(), new).is_ok());
    refused(
        |new| {
            new.auth = Some("robot".to_owned());
            new.fields = vec![field("email", "a\n@b.example")];
        },
        &[
            "field `email` of auth method `robot` holds a line break or another control character",
            "auth method `robot` needs field `private_key`: Private key",
        ],
    );
}

#[test]
fn fields_are_those_of_the_method() {
    let field = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    refused(
        |new| new.fields = vec![field("user", ""), field("token", "x")],
        &[
            "field `user` of auth method `key` is empty",
            "auth method `key` has no field `token`; it has: key, user",
            "auth method `key` needs field `key`: API key",
        ],
    );
    refused(
        |new| new.fields = vec![field("user", "me"), field("key", "hunter2\n")],
        &["field `key` of auth method `key` holds a line break or another control character"],
    );
}

#[test]
fn variables_are_those_that_the_package_asks_for() {
    refused(
        |new| new.variables = BTreeMap::new(),
        &["variable `site` has no value: Site, for example acme.chat.example"],
    );
    refused(
        |new| new.variables.extend(pairs(&[("sit", "x"), ("instance", "https://x")])),
        &[
            "variable `instance` is filled by the provider, not by hand",
            "the package asks for no variable `sit`, but for: color, site",
        ],
    );
    let mut new = good();
    new.variables.extend(pairs(&[("site", "evil.example"), ("color", "green")]));
    let problems =
        connect(&manifest(), new).map(|(connection, _)| connection).unwrap_err().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn variable_of_an_origin_that_is_replaced_is_not_needed() {
    let mut new = good();
    new.variables.clear();
    new.overrides = pairs(&[("api", "http://127.0.0.1:8080")]);
    let (connection, _) = connect(&manifest(), new).unwrap();
    assert_eq!(connection.overrides, pairs(&[("api", "http://127.0.0.1:8080")]));
}

#[test]
fn consents_and_overrides_name_endpoints_that_have_them() {
    refused(
        |new| new.consents = vec!["api".to_owned()],
        &["endpoint `api` asks for no consent; these do: feed"],
    );
    refused(
        |new| new.overrides = pairs(&[("files", "http://127.0.0.1:1"), ("api", "127.0.0.1:1")]),
        &[
            "origin `127.0.0.1:1` for endpoint `api` must begin with `https://` or `http://`",
            "no endpoint `files` whose origin can be replaced, but: api, feed",
        ],
    );
}

#[test]
fn consent_is_remembered_with_the_text_that_was_accepted() {
    let mut new = good();
    new.consents = vec!["feed".to_owned()];
    let (connection, _) = connect(&manifest(), new).unwrap();
    let text = manifest().endpoints["feed"].consent.clone().unwrap();
    assert_eq!(connection.consents, pairs(&[("feed", &text)]));
}

#[test]
fn person_is_asked_for_fields_variables_and_consents() {
    let questions = questions(&manifest(), "key");
    let names: Vec<_> = questions.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["key", "user", "color", "site", "feed"]);
    assert_eq!(questions[0].kind, QuestionKind::Field { secret: true });
    let color = Question {
        name: "color".to_owned(),
        label: "Colour".to_owned(),
        kind: QuestionKind::Variable {
            default: Some("red".to_owned()),
            choices: vec!["red".to_owned(), "blue".to_owned()],
        },
    };
    assert_eq!(questions[2], color);
    assert_eq!(questions[4].kind, QuestionKind::Consent);
}

struct Answers(Account);

#[async_trait]
impl Adapter for Answers {
    async fn check(&mut self) -> Called<Account> {
        Called { outcome: Ok(self.0.clone()), receipt: Receipt::default() }
    }

    async fn discover(&mut self, _name: Option<&str>, _part: Option<&str>) -> Called<Vec<Entity>> {
        Called { outcome: Ok(Vec::new()), receipt: Receipt::default() }
    }

    async fn pull(&mut self, _request: PullRequest) -> Called<Page> {
        let outcome = Err(Error::new(ErrorKind::Unsupported, "test.pull", "nothing is pulled"));
        Called { outcome, receipt: Receipt::default() }
    }
}

async fn checked(
    connection: &mut Connection,
    id: &str,
    variables: &[(&str, &str)],
) -> Result<Account, String> {
    let variables = pairs(variables).into_iter().collect();
    let account =
        Account { id: id.to_owned(), label: "Acme".to_owned(), variables, details: Vec::new() };
    check(&manifest(), connection, &mut Answers(account)).await.map_err(|error| error.code)
}

#[tokio::test]
async fn account_and_its_variables_are_taken_from_the_provider() {
    let (mut connection, _) = connect(&manifest(), good()).unwrap();
    checked(&mut connection, "42", &[("account_id", "a-42")]).await.unwrap();
    assert_eq!(connection.account.as_deref(), Some("42"));
    assert_eq!(connection.variables["account_id"], "a-42");
    checked(&mut connection, "42", &[]).await.unwrap();
}

#[tokio::test]
async fn account_that_makes_no_sense_leaves_the_connection_as_it_was() {
    let (mut connection, _) = connect(&manifest(), good()).unwrap();
    let before = connection.clone();
    let mut code = async |id, variables| checked(&mut connection, id, variables).await.unwrap_err();
    assert_eq!(code("", &[][..]).await, "engine.account");
    assert_eq!(code("42", &[("site", "evil.example")]).await, "engine.foreign-variable");
    assert_eq!(code("42", &[("account_id", "a\nb")]).await, "engine.variable");
    assert_eq!(connection, before);
    checked(&mut connection, "42", &[]).await.unwrap();
    assert_eq!(checked(&mut connection, "43", &[]).await.unwrap_err(), "engine.other-account");
}

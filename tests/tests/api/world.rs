//! A host on which nothing is installed yet, with a package file at hand, and the provider.

use std::fs;
use std::path::PathBuf;

use e2e::{Answered, Api, Browser, CONNECTION, Host, Served, TOKEN, until};
use plughouse_testkit::oauth::LIFE;
use plughouse_testkit::{AuthServer, Faulty, HubSpot, Server, Shared};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The plugin.
pub(crate) const PLUGIN: &str = "/api/plugins/plughouse/hubspot";

/// The tenant of most tests.
pub(crate) const TENANT: &str = "acme";

/// The app, as the provider knows it, and what the provider has given for it.
const CLIENT: (&str, &str) = ("app-of-this-host", "app-secret-canary-0c2d");

/// Everything.
pub(crate) struct World {
    pub(crate) host: Host,
    /// The account at the provider.
    pub(crate) account: Shared<Faulty<HubSpot>>,
    pub(crate) provider: Server,
    pub(crate) authority: Server,
    file: PathBuf,
    _dir: TempDir,
}

fn authority() -> AuthServer {
    AuthServer::new(CLIENT.0, CLIENT.1).life(LIFE).pkce_required()
}

/// Who asks.
pub(crate) struct People {
    /// The operator, of no tenant.
    pub(crate) operator: Api,
    /// The same, who means the tenant.
    pub(crate) visiting: Api,
    /// An administrator of the tenant.
    pub(crate) admin: Api,
}

impl World {
    /// A host that trusts a publisher, and nothing more; the account opens for its token.
    pub(crate) fn with_contacts(count: u64) -> Self {
        Self::of(HubSpot::with_contacts(count, 5).token(TOKEN), Shared::new(authority()))
    }

    /// The same with an account that opens for what its authorisation server gives out.
    pub(crate) fn authorised(count: u64) -> Self {
        let authority = Shared::new(authority());
        Self::of(HubSpot::with_contacts(count, 5).authorised_by(authority.clone()), authority)
    }

    fn of(hubspot: HubSpot, authority: Shared<AuthServer>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let account = Shared::new(Faulty::new(hubspot, []));
        let provider = Server::start(account.clone());
        let host = Host::new(&dir.path().join("data"));
        let file = host.packed_unlimited("hubspot");
        Self { host, account, provider, authority: Server::start(authority), file, _dir: dir }
    }

    /// Sends the package file to be installed.
    pub(crate) fn submit(&self, operator: &Api) -> Answered {
        let headers = [("content-type", "application/octet-stream")];
        operator.send("POST", "/api/plugins", &headers, &fs::read(&self.file).unwrap())
    }

    /// Installs the plugin.
    pub(crate) fn install(&self, operator: &Api) {
        let answered = self.submit(operator);
        assert_eq!(answered.status, 202, "{}", answered.text);
        let digest = answered.json()["pending"]["digest"].clone();
        let approval = json!({"digest": digest, "name": "plughouse/hubspot"});
        operator.post(&format!("{PLUGIN}/approve"), &approval, 200);
    }

    /// The app at the provider's authorisation server, as an operator enters it.
    pub(crate) fn app(&self) -> Value {
        let (id, secret) = CLIENT;
        json!({"client_id": id, "client_secret": secret, "origin": self.authority.origin()})
    }

    /// A server with the plugin, the tenant, and its administrator.
    pub(crate) fn ready(&self) -> (Served, People) {
        let served = Served::start(&self.host);
        let operator = served.api();
        self.install(&operator);
        let people = People::of(&operator, TENANT);
        (served, people)
    }

    /// Connects the account by its token.
    pub(crate) fn connect(&self, people: &People) {
        let form = json!({
            "id": CONNECTION, "provider": "hubspot", "method": "token",
            "fields": {"token": TOKEN}, "overrides": {"api": self.provider.origin()},
        });
        people.visiting.post("/api/connections", &form, 201);
    }

    /// Connects the account in a browser.
    pub(crate) fn authorise(&self, people: &People, integration: &str) {
        let place = format!(
            "/api/integrations/oauth/authorize/hubspot?integration={integration}\
             &connection={CONNECTION}&method=oauth&override=api%3D{}",
            self.provider.origin().replace(':', "%3A").replace('/', "%2F")
        );
        let begun = people.visiting.get(&place);
        Browser::new().visit(begun["open"].as_str().unwrap()).shows(200, "crm is connected");
    }
}

impl People {
    /// Makes a tenant, and a key of its administrator.
    pub(crate) fn of(operator: &Api, tenant: &str) -> Self {
        operator.post("/api/tenants", &json!({"id": tenant}), 201);
        let visiting = operator.of(tenant);
        let admin = key(&visiting, "admin");
        Self { operator: operator.clone(), visiting, admin }
    }
}

/// Somebody with a new key of that role.
pub(crate) fn key(of: &Api, role: &str) -> Api {
    let made = of.post("/api/api-keys", &json!({"name": role, "role": role}), 201);
    of.with(made["api_key"].as_str().unwrap())
}

/// Syncs contacts and waits until that is over; the operation.
pub(crate) fn sync(by: &Api, integration: &str) -> Value {
    let form = json!({"entities": ["contact"]});
    let queued = by.post(&format!("/api/integrations/{integration}/sync"), &form, 202);
    ended(by, &queued["operations"][0])
}

/// Waits for the end of an operation.
pub(crate) fn ended(by: &Api, operation: &Value) -> Value {
    let place = format!("/api/operations/{}", operation["id"].as_str().unwrap());
    until("the operation ends", || {
        let operation = by.get(&place);
        let at_work = ["queued", "running"].map(Value::from).contains(&operation["status"]);
        (!at_work).then_some(operation)
    })
}

/// Everything of a list, part by part.
pub(crate) fn all(by: &Api, path: &str) -> Vec<Value> {
    let (mut items, mut place) = (Vec::new(), path.to_owned());
    loop {
        let page = by.get(&place);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { return items };
        place = format!("{path}{}cursor={next}", if path.contains('?') { '&' } else { '?' });
    }
}

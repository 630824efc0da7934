//! What the ten providers are asked, as their sheets have it.

use model::Secret;
use oauth::{Held, begin, grant, redeem, refresh, revoke};

use crate::support::{APP, BASIC, FORM, JSON, REDIRECT, Setup, now, secret, wire};

const REDIRECTED: &str = "https%3A%2F%2Fhost.example%2Fcallback%3Fof%3Dus";

/// The address with its random parts replaced by words.
#[track_caller]
fn starts(setup: &Setup, page: &str, scopes: &str, more: &str) {
    let begun = begin(&setup.values(), REDIRECT).unwrap();
    let mut url = begun.url.replace(begun.state.expose(), "STATE");
    let mut pkce = "";
    if let Some(verifier) = &begun.verifier {
        let (before, behind) = url.split_once("&code_challenge=").unwrap();
        let challenge = behind.get(..43).unwrap();
        assert_ne!(challenge, verifier.expose());
        url = format!("{before}&code_challenge=CHALLENGE{}", behind.get(43..).unwrap());
        pkce = "&code_challenge=CHALLENGE&code_challenge_method=S256";
    }
    let scope = if scopes.is_empty() { String::new() } else { format!("&scope={scopes}") };
    assert_eq!(
        url,
        format!(
            "{page}?response_type=code&client_id=app-id&redirect_uri={REDIRECTED}{scope}&\
             state=STATE{pkce}{more}"
        )
    );
}

/// The request that redeems a code, with PKCE where the manifest has it.
#[track_caller]
fn redeems(setup: &Setup, expected: &str) {
    let verifier = begin(&setup.values(), REDIRECT).unwrap().verifier.map(|_| secret("ver~1"));
    let request = redeem(&setup.values(), &secret("c/1"), REDIRECT, verifier.as_ref()).unwrap();
    assert_eq!((request.purpose, request.origin.as_deref()), ("token", None));
    assert_eq!(wire(&request), expected);
}

#[track_caller]
fn refreshes(setup: &Setup, expected: &str) {
    let request = refresh(&setup.values(), &secret("r=1")).unwrap();
    let text = wire(&request);
    assert!(!text.contains("scope"), "{text}");
    assert_eq!(text, expected);
}

#[track_caller]
fn grants(setup: &Setup, expected: &str) {
    assert_eq!(wire(&grant(&setup.values(), now()).unwrap()), expected);
}

#[track_caller]
fn revokes(setup: &Setup, expected: Option<&str>) {
    let (access, refresh): (Secret, Secret) = (secret("a/1"), secret("r/1"));
    let held = Held { access: &access, refresh: Some(&refresh) };
    let request = revoke(&setup.values(), held).unwrap();
    assert_eq!(request.as_ref().map(wire).as_deref(), expected);
    assert!(request.is_none_or(|request| request.purpose == "revoke"));
}

const CODE: &str = "grant_type=authorization_code&code=c%2F1&redirect_uri=";
const REFRESH: &str = "grant_type=refresh_token&refresh_token=r%3D1";

#[test]
fn salesforce() {
    let host = "https://login.salesforce.com/services/oauth2";
    let setup = Setup::of("salesforce", "oauth");
    starts(&setup, &format!("{host}/authorize"), "api%20refresh_token", "");
    redeems(
        &setup,
        &format!("POST {host}/token\n{FORM}{CODE}{REDIRECTED}&code_verifier=ver~1&{APP}"),
    );
    refreshes(&setup, &format!("POST {host}/token\n{FORM}{REFRESH}&{APP}"));
    let token = "token=r%2F1&token_type_hint=refresh_token";
    revokes(&setup, Some(&format!("POST {host}/revoke\n{FORM}{token}&{APP}")));
    let own = Setup::of("salesforce", "client").variable("login_host", "acme.my.salesforce.com");
    let url = "https://acme.my.salesforce.com/services/oauth2/token";
    grants(&own, &format!("POST {url}\n{FORM}grant_type=client_credentials&{APP}"));
}

#[test]
fn dynamics() {
    let host = "https://login.microsoftonline.com/organizations/oauth2/v2.0";
    let setup = Setup::of("dynamics365", "oauth").variable("environment", "acme.crm4.dynamics.com");
    let scopes =
        "https%3A%2F%2Facme.crm4.dynamics.com%2Fuser_impersonation%20offline_access%20openid";
    starts(&setup, &format!("{host}/authorize"), scopes, "");
    redeems(
        &setup,
        &format!("POST {host}/token\n{FORM}{CODE}{REDIRECTED}&code_verifier=ver~1&{APP}"),
    );
    refreshes(&setup, &format!("POST {host}/token\n{FORM}{REFRESH}&{APP}"));
    revokes(&setup, None);
    let tenant = "5a5f9f3e-0000-4000-8000-000000000001";
    let own = Setup::of("dynamics365", "client")
        .variable("environment", "acme.crm4.dynamics.com")
        .variable("tenant", tenant);
    let scope = "scope=https%3A%2F%2Facme.crm4.dynamics.com%2F.default";
    grants(
        &own,
        &format!(
            "POST https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token\n{FORM}\
             grant_type=client_credentials&{scope}&{APP}"
        ),
    );
}

#[test]
fn hubspot() {
    let token = "https://api.hubapi.com/oauth/v3/token";
    let setup = Setup::of("hubspot", "oauth");
    let read = "oauth%20crm.objects.companies.read%20crm.objects.contacts.read%20\
                crm.objects.deals.read%20crm.objects.owners.read%20files";
    starts(&setup, "https://app.hubspot.com/oauth/authorize", read, "");
    redeems(&setup, &format!("POST {token}\n{FORM}{CODE}{REDIRECTED}&{APP}"));
    refreshes(&setup, &format!("POST {token}\n{FORM}{REFRESH}&{APP}"));
    let url = "https://api.hubapi.com/oauth/2026-03/token/revoke";
    let sent = format!("token=r%2F1&token_type_hint=refresh_token&{APP}");
    revokes(&setup, Some(&format!("POST {url}\n{FORM}{sent}")));
    let write = "%20crm.objects.companies.write%20crm.objects.contacts.write%20\
                 crm.objects.deals.write";
    let writing = Setup::of("hubspot", "oauth").writing();
    starts(&writing, "https://app.hubspot.com/oauth/authorize", &format!("{read}{write}"), "");
}

#[test]
fn built_in_hubspot_has_pkce_and_asks_for_what_it_reads() {
    let manifest = include_str!("../../../../plugins/hubspot/adapter.toml");
    let setup = Setup::new(manifest, "oauth");
    let read = "oauth%20crm.objects.companies.read%20crm.objects.contacts.read%20\
                crm.objects.deals.read";
    starts(&setup, "https://app.hubspot.com/oauth/authorize", read, "");
    let token = "https://api.hubapi.com/oauth/v3/token";
    redeems(&setup, &format!("POST {token}\n{FORM}{CODE}{REDIRECTED}&code_verifier=ver~1&{APP}"));
}

#[test]
fn notion() {
    let host = "https://api.notion.com/v1/oauth";
    let setup = Setup::of("notion", "oauth");
    starts(&setup, &format!("{host}/authorize"), "", "&owner=user");
    let members = format!(
        r#"{{"code":"c/1","grant_type":"authorization_code","redirect_uri":"{REDIRECT}"}}"#
    );
    redeems(&setup, &format!("POST {host}/token\n{BASIC}{JSON}{members}"));
    let members = r#"{"grant_type":"refresh_token","refresh_token":"r=1"}"#;
    refreshes(&setup, &format!("POST {host}/token\n{BASIC}{JSON}{members}"));
    revokes(&setup, Some(&format!("POST {host}/revoke\n{BASIC}{JSON}{{\"token\":\"a/1\"}}")));
}

#[test]
fn zoom() {
    let host = "https://zoom.us/oauth";
    let setup = Setup::of("zoom", "oauth");
    starts(&setup, &format!("{host}/authorize"), "", "");
    redeems(
        &setup,
        &format!("POST {host}/token\n{BASIC}{FORM}{CODE}{REDIRECTED}&code_verifier=ver~1"),
    );
    refreshes(&setup, &format!("POST {host}/token\n{BASIC}{FORM}{REFRESH}"));
    let sent = "token=a%2F1&token_type_hint=access_token";
    revokes(&setup, Some(&format!("POST {host}/revoke\n{BASIC}{FORM}{sent}")));
    let own = Setup::of("zoom", "server").variable("account_id", "Acc-1");
    let sent = "grant_type=account_credentials&account_id=Acc-1";
    grants(&own, &format!("POST {host}/token\n{BASIC}{FORM}{sent}"));
}

#[test]
fn gong() {
    let setup = Setup::of("gong", "oauth");
    let scopes = "api%3Acalls%3Aread%3Abasic%20api%3Acalls%3Aread%3Aextensive%20\
                  api%3Acalls%3Aread%3Atranscript%20api%3Acalls%3Aread%3Amedia-url%20\
                  api%3Ausers%3Aread%20api%3Aworkspaces%3Aread";
    let page = "https://app.gong.io/oauth2/authorize";
    starts(&setup, page, scopes, "&access_type=offline");
    let writing = Setup::of("gong", "oauth").writing();
    starts(&writing, page, &format!("{scopes}%20api%3Acalls%3Acreate"), "&access_type=offline");
    let token = "https://app.gong.io/oauth2/generate-customer-token";
    redeems(&setup, &format!("POST {token}?{CODE}{REDIRECTED}&client_id=app-id\n{BASIC}"));
    refreshes(&setup, &format!("POST {token}?{REFRESH}\n{BASIC}"));
    revokes(&setup, None);
}

#[test]
fn google_drive() {
    let setup = Setup::of("google_drive", "oauth");
    let page = "https://accounts.google.com/o/oauth2/v2/auth";
    let scope = "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fdrive.readonly";
    let more = "&access_type=offline&include_granted_scopes=true&prompt=consent";
    starts(&setup, page, scope, more);
    let write = "%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fdrive";
    let writing = Setup::of("google_drive", "oauth").writing();
    starts(&writing, page, &format!("{scope}{write}"), more);
    let token = "https://oauth2.googleapis.com/token";
    redeems(&setup, &format!("POST {token}\n{FORM}{CODE}{REDIRECTED}&code_verifier=ver~1&{APP}"));
    refreshes(&setup, &format!("POST {token}\n{FORM}{REFRESH}&{APP}"));
    let sent = format!("token=r%2F1&token_type_hint=refresh_token&{APP}");
    revokes(&setup, Some(&format!("POST https://oauth2.googleapis.com/revoke\n{FORM}{sent}")));
}

/// Teams and OneDrive: the same platform in three clouds.
#[track_caller]
fn graph(setup: &Setup, host: &str, read: &str, write: &str) {
    starts(setup, &format!("{host}/authorize"), read, "");
    let token = format!("POST {host}/token\n{FORM}");
    redeems(setup, &format!("{token}{CODE}{REDIRECTED}&code_verifier=ver~1&{APP}"));
    refreshes(setup, &format!("{token}{REFRESH}&{APP}"));
    revokes(setup, None);
    let id = setup.manifest.adapter.id.clone();
    let writing = Setup::of(&id, "oauth").writing();
    starts(&writing, &format!("{host}/authorize"), &format!("{read}{write}"), "");
}

#[test]
fn teams() {
    let read = "offline_access%20User.Read%20Team.ReadBasic.All%20Channel.ReadBasic.All%20\
                ChannelMessage.Read.All%20Chat.Read%20TeamMember.Read.All%20\
                OnlineMeetingTranscript.Read.All";
    let write = "%20ChannelMessage.Send%20ChatMessage.Send";
    let host = "https://login.microsoftonline.com/organizations/oauth2/v2.0";
    graph(&Setup::of("microsoft_teams", "oauth"), host, read, write);
    let own = Setup::of("microsoft_teams", "client").variable("tenant", "acme.example");
    let scope = "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let url = "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token";
    grants(&own, &format!("POST {url}\n{FORM}grant_type=client_credentials&{scope}&{APP}"));
}

#[test]
fn onedrive() {
    let read = "offline_access%20User.Read%20Files.Read.All";
    let host = "https://login.microsoftonline.com/common/oauth2/v2.0";
    graph(&Setup::of("onedrive", "oauth"), host, read, "%20Files.ReadWrite.All");
    let china = Setup::of("onedrive", "client")
        .variable("login", "login.chinacloudapi.cn")
        .variable("graph", "microsoftgraph.chinacloudapi.cn")
        .variable("tenant", "acme.example");
    let scope = "scope=https%3A%2F%2Fmicrosoftgraph.chinacloudapi.cn%2F.default";
    let url = "https://login.chinacloudapi.cn/acme.example/oauth2/v2.0/token";
    grants(&china, &format!("POST {url}\n{FORM}grant_type=client_credentials&{scope}&{APP}"));
}

#[test]
fn methods_without_tokens_make_no_requests() {
    for (provider, method) in [("google_news", "key"), ("google_news", "none"), ("gong", "key")] {
        let setup = Setup::of(provider, method);
        let values = setup.values();
        assert!(begin(&values, REDIRECT).is_err(), "{provider}");
        assert!(refresh(&values, &secret("r")).is_err(), "{provider}");
        assert!(grant(&values, now()).is_err(), "{provider}");
        revokes(&setup, None);
    }
}

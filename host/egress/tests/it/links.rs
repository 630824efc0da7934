//! Links as the ten providers write them: `locate` keeps their bytes, and the wire carries them.

use model::egress::Target;
use plughouse_testkit::{Answer, Server, from_fn};

use crate::support::{Memory, Setup, get, manifest};

/// Path and query of links in the providers' own shapes; each must arrive as it stands.
const LINKS: &[&str] = &[
    // Dataverse and Graph: OData with quotes, cookies and functions in the path.
    "/api/data/v9.2/accounts?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20istracking=%22False%22%20/%3E",
    "/api/data/v9.2/accounts?$filter=name%20eq%20'O''Neil%20%26%20Sons'&$orderby=name%20asc",
    "/api/data/v9.2/accounts(00000000-0000-0000-0000-000000000001)?$expand=contact_customer_accounts($select=fullname;$top=5)",
    "/api/data/v9.2/accounts?$deltatoken=919042%2108%2f22%2f2017%2008%3a10%3a44",
    "/api/data/v9.2/GetTimeZoneCodeByLocalizedName(LocalizedStandardName=@p1,LocaleId=@p2)?@p1='Pacific%20Standard%20Time'&@p2=1033",
    "/api/data/v9.2/EntityDefinitions(LogicalName='account')/Attributes?$filter=AttributeType%20eq%20Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'",
    "/v1.0/teams/19:abc_def@thread.tacv2/channels/19%3Axyz%40thread.tacv2/messages/delta?$deltatoken=aQdvS1VwGCSRxVmZJqykmDik-A",
    "/v1.0/teams/x/channels/y/messages?$skiptoken=[{%22token%22:%22+RID:~abc==%23RT:1%22}]",
    "/v1.0/users/adele@contoso.example/chats?$filter=lastModifiedDateTime+gt+2026-01-01T00:00:00Z",
    "/v1.0/me/onlineMeetings/MSpk(abc)!7e/transcripts/MSMjMCMj/content?$format=text/vtt",
    // OneDrive and SharePoint: `!` in ids, `root:` paths, pre-authenticated downloads.
    "/v1.0/drives/b!-RIj2DuyvEyV1T4NlOaMHk8XkS_I8MdFlUCq1BlcjgmhRfAj3-Z8RY2VpuvV_tpd/root/delta?token=MzslMjM0OyUyMzE7MzswYjc5",
    "/v1.0/drives/ABC/items/ABC!1234/children?$top=200&$skiptoken=UGFnZWQ9VFJVRSZwX1NvcnRCZWhhdmlvcj0x",
    "/personal/adele_contoso_example/_layouts/15/download.aspx?UniqueId=7ad1f7a9-0001&Translate=false&tempauth=v1.eyJzaXRlaWQiOiI.CgoKBHNuaWQ'_~x!&ApiVersion=2.0",
    "/v1.0/drives/ABC/root:/Reports%20(2026)/Q1%20&%20Q2%20~%20'final'.xlsx:/content",
    "/v1.0/shares/u!aHR0cHM6Ly8xZHJ2Lm1zL3gvcyFBbzA/driveItem",
    // Salesforce: locators and SOQL with `+`, quotes and comparison signs.
    "/services/data/v64.0/query/01gRM000004Sx7hYAC-2000",
    "/services/data/v64.0/query?q=SELECT+Id,Name+FROM+Account+WHERE+Name+LIKE+'O%5C'%25'",
    "/services/data/v64.0/queryAll/0r8xx3GkUdv4AAB-500?batch=(1)",
    "/services/data/v64.0/sobjects/Account/External_Id__c/a%20b%2Bc@d.example",
    // HubSpot: cursors, repeated parameters, file names.
    "/crm/v3/objects/contacts?limit=100&after=NTI1Cg%3D%3D&properties=email&properties=hs_object_id&archived=false",
    "/files/v3/files/1234567/signed-url?property=expires_at&size=preview&upscale=true",
    "/hubfs/1/My%20File%20%28final%29%21.pdf?Expires=1767225600&Signature=a-b~c_d__&Key-Pair-Id=APKA",
    // Notion: signed S3 links.
    "/secure.notion-static.com/7b8b0713/R%C3%A9sum%C3%A9%20%28v2%29.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host&x-id=GetObject",
    "/v1/blocks/1f0e1c0f-0001/children?start_cursor=7c6b1c95-de50-45ca-94e6-af1d9fd295ab&page_size=100",
    // Zoom: UUIDs that begin with `/` or hold `//` are encoded twice.
    "/v2/past_meetings/%252F4ufa3Y7TTe%252F%252FxIvS1k3hA%253D%253D/participants?next_page_token=w7587w4eiyfsudgf&page_size=300",
    "/v2/meetings/QDO%2BL7SXQOSQ8KTCGY%2BV3Q%3D%3D/recordings",
    "/rec/download/Q1-abc_DEF.ghi~JKL?access_token=eyJ.x.y&type=transcript",
    "/rec/webhook_download/a.b-c_d/e%3D",
    // Gong: cursors that are JWTs, signed media.
    "/v2/calls?fromDateTime=2026-01-01T00%3A00%3A00-08%3A00&cursor=eyJhbGciOiJIUzI1NiJ9.eyJjYWxs.x-_",
    "/media/us-01/123/audio.mp3?Policy=eyJ__&Signature=abc-~&Key-Pair-Id=K2",
    // Google Drive: exports, quoted queries, commas and stars in fields.
    "/drive/v3/files?q='root'+in+parents+and+name+contains+'it%5C's'",
    "/drive/v3/files?fields=nextPageToken,files(id,name,parents,capabilities(canDownload))&pageToken=~!!~AI9FV7Q==&corpora=drive",
    "/drive/v3/changes?pageToken=1234&fields=*&spaces=drive,appDataFolder",
    "/feeds/download/documents/export/Export?id=1AbC-_d&exportFormat=docx&resourcekey=0-x",
    // Google News and NewsAPI: plus for space, quotes, operators, long opaque ids.
    "/rss/search?q=%22electric+vehicles%22+when:1d+-site:example.com&hl=en-US&gl=US&ceid=US:en",
    "/rss/articles/CBMiXmh0dHBzOi8vd3d3?oc=5&hl=en-US",
    "/v2/everything?q=+bitcoin+AND+(ethereum+OR+litecoin)+NOT+dogecoin&from=2026-01-01T00:00:00&pageSize=100",
    // What normalising URL parsers fold, drop or re-encode.
    "/x?path=%2e%2e/%2E%2E/..&empty=&=novalue&&double",
    "/x?bare=a|b^c`d{e}[f]'g'",
    "/x?q=%e4%bd%a0%E5%A5%BD&lower=%c3%a9&raw=~!*()_-.,;:@$",
    "/x;v=1/y,z/(w)/a=b&c/+/d'e/!f/*g/~h",
    "/x/?",
    "/x?a?b?c=/d//e/./../f",
];

fn open_manifest() -> Setup {
    let line =
        |text: &str| text.lines().find(|line| line.contains("/v1/search")).unwrap().to_owned();
    let mut setup = Setup::of(manifest(|text| {
        let routes = r#"read = ["GET /**", "GET /$metadata", "POST /**"]"#;
        text.replace(&line(text), routes)
    }));
    setup.connection.auth = "none".into();
    setup
}

#[tokio::test]
async fn link_reaches_the_server_byte_for_byte() {
    let server = Server::start(from_fn(|_| Answer::json(200, &b"{}"[..])));
    let call = open_manifest().over("api", &server.origin()).network_call();
    for link in LINKS {
        // Once as the provider writes it, once as a simulator does.
        for origin in ["https://api.sample.example", &server.origin()] {
            let target = call.locate(&format!("{origin}{link}")).unwrap();
            assert_eq!(target, Target { endpoint: "api".to_owned(), path: (*link).to_owned() });
        }
        call.send(get("api", link)).await.unwrap_or_else(|error| panic!("{link}: {error}"));
    }
    let requests = server.requests();
    let wire: Vec<_> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(wire, LINKS);
    for (request, link) in requests.iter().zip(LINKS) {
        let line = format!("GET {link} HTTP/1.1\r\n");
        assert!(request.head.starts_with(line.as_bytes()), "{link}");
    }
}

#[tokio::test]
async fn pairs_are_appended_to_a_link_and_encoded_once() {
    let server = Server::start(from_fn(|_| Answer::json(200, &b"{}"[..])));
    let call = open_manifest().over("api", &server.origin()).network_call();
    let mut request = get("api", "/x?$skiptoken='a%2527'");
    request.query = vec![("$top".to_owned(), "5 'x'&y=é".to_owned())];
    call.send(request).await.unwrap();
    let target = &server.requests()[0].target;
    assert_eq!(target, "/x?$skiptoken='a%2527'&%24top=5%20%27x%27%26y%3D%C3%A9");
}

#[tokio::test]
async fn server_sees_one_host_and_no_proxy_form() {
    let server = Server::start(from_fn(|_| Answer::json(200, &b"{}"[..])));
    let call = open_manifest().over("api", &server.origin()).network_call();
    call.send(get("api", "/x")).await.unwrap();
    let request = &server.requests()[0];
    let hosts = request.headers.iter().filter(|(name, _)| name == "host");
    let hosts: Vec<_> = hosts.map(|(_, value)| value.clone()).collect();
    assert_eq!(hosts, [server.address().to_string()]);
    assert_eq!(request.target, "/x");
}

#[test]
fn first_endpoint_with_a_route_for_the_path_is_taken() {
    let call = Setup::new().call(&Memory::saying(""));
    let endpoint = |url: &str| call.locate(url).map(|target| target.endpoint);
    assert_eq!(endpoint("https://api.sample.example/v1/items/1").unwrap(), "api");
    assert_eq!(endpoint("https://API.sample.example:443/public/a").unwrap(), "open");
    assert_eq!(endpoint("https://eu1.FILES.example/a").unwrap(), "links@eu1.files.example");
    assert!(endpoint("https://api.sample.example/elsewhere").is_err());
    assert!(endpoint("https://eu1.store.example/a").is_err());
}

#[test]
fn link_that_nobody_covers_is_denied_with_its_host_and_without_its_path() {
    let call = Setup::new().call(&Memory::saying(""));
    let error = call.locate("https://cdn.elsewhere.example/a?sig=private").unwrap_err();
    assert!(error.message.contains("cdn.elsewhere.example"));
    assert!(!format!("{error:?}").contains("private"));
}

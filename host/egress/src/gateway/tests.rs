//! The gateway to a network whose names lead inside.

use std::io;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::ErrorKind;
use model::egress::{Access, EgressCall, HttpBudget, Request};
use model::outbound::HostRequest;

use super::*;
use crate::transport::Resolver;

const MANIFEST: &str = r#"
[adapter]
id = "sample"
name = "Sample"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "One fixed host."
[auth.none]
kind = "none"
[endpoint.api]
origin = "https://api.sample.example"
read = ["GET /**"]
[entity.item]
cursor = "scan"
"#;

/// A DNS that its owner, or somebody on the way, has turned against this host.
struct Lying(Vec<IpAddr>);

#[async_trait]
impl Resolver for Lying {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

fn gateway(addresses: &str) -> Gateway {
    let addresses = addresses.split(' ').map(|address| address.parse().unwrap()).collect();
    let options = Options {
        nat64: vec![Nat64::new("2a00:1098:2c:1::".parse().unwrap())],
        own_addresses: vec!["8.8.4.4".parse().unwrap()],
        ..Options::default()
    };
    let network = |ranges| {
        let roots = Roots::new(rustls::RootCertStore::empty()).unwrap();
        Outside::Network(Part { resolver: Arc::new(Lying(addresses)), ranges, roots })
    };
    Gateway::build(Clock::system(), options, network).unwrap()
}

fn call(gateway: &Gateway) -> Box<dyn EgressCall> {
    let manifest = Arc::new(Manifest::parse(MANIFEST).unwrap());
    let connection =
        Connection::new("acme".parse().unwrap(), "main".parse().unwrap(), manifest.name(), "none");
    let grant = Permissions::of(&manifest);
    let opening = Opening {
        connection: &connection,
        manifest,
        grant: &grant,
        secrets: Vec::new(),
        tokens: None,
        access: None,
        priority: Priority::Interactive,
    };
    gateway.connect(opening).unwrap().open(
        Access::Read,
        HttpBudget {
            calls: 1,
            request_bytes: 0,
            response_bytes: 1,
            deadline: Instant::now() + Duration::from_secs(5),
        },
    )
}

#[track_caller]
fn denied(addresses: &str, error: &Error) {
    assert_eq!(error.kind, ErrorKind::Denied, "{addresses}: {error}");
    let layer = ("layer".to_owned(), "address".to_owned());
    assert!(error.details.contains(&layer), "{addresses}: {error}");
    assert!(!error.request_sent, "{addresses}");
}

#[tokio::test]
async fn name_of_the_manifest_that_leads_inside_is_not_dialled() {
    let addresses = "0.0.0.1 10.0.0.1 100.64.0.1 127.0.0.1 168.63.129.16 169.254.169.254 \
        172.16.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 \
        203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 \
        64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1 3fff::1 \
        5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 2a00:1098:2c:1::10.0.0.1 8.8.4.4";
    for address in addresses.split_whitespace() {
        for addresses in [address.to_owned(), format!("93.184.216.34 {address}")] {
            let request = Request {
                endpoint: "api".to_owned(),
                method: "GET".to_owned(),
                path: "/x".to_owned(),
                ..Request::default()
            };
            let own = HostRequest {
                purpose: "token",
                method: "POST",
                url: "https://login.sample.example/token".to_owned(),
                origin: None,
                headers: Vec::new(),
                body: None,
            };
            let gateway = gateway(&addresses);
            let guests = call(&gateway).send(request).await.map(drop);
            let own = gateway.outbound().send(own).await.map(drop);
            denied(&addresses, &guests.unwrap_err());
            denied(&addresses, &own.unwrap_err());
        }
    }
}

//! `[server]`: where the API listens, and what it proves itself with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use api::server::{Proxies, Tls};
use serde::Deserialize;

/// Where the API listens unless told otherwise: this machine alone.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8470);

/// How the API is reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port.
    listen: Option<SocketAddr>,
    /// Where people and providers reach it from outside: `https://plughouse.example`.
    public_url: Option<String>,
    /// A chain of certificates, PEM; relative to the data directory.
    tls_certificate_file: Option<PathBuf>,
    /// Its private key, PEM; relative to the data directory.
    tls_key_file: Option<PathBuf>,
    /// Proxies before it, as addresses or networks, whose word is taken on who asks.
    #[serde(default)]
    trusted_proxies: Vec<String>,
    /// Whether `/metrics` is shown without a key to who asks from this machine, for a scraper beside
    /// the host. Behind a proxy on this machine that is not trusted that is everybody.
    #[serde(default)]
    open_metrics: bool,
}

impl Server {
    /// Where to listen.
    pub(crate) fn listen(&self, flag: Option<SocketAddr>) -> SocketAddr {
        flag.or(self.listen).unwrap_or(LISTEN)
    }

    /// The origin that others reach it by; where none is said, the one that it listens at.
    pub(crate) fn public_url(
        &self,
        flag: Option<&str>,
        address: SocketAddr,
        tls: bool,
    ) -> Result<String> {
        if let Some(said) = flag.or(self.public_url.as_deref()) {
            return Ok(said.trim_end_matches('/').to_owned());
        }
        ensure!(
            !address.ip().is_unspecified(),
            "{address} is every address of this machine and none that a browser or a provider \
             comes back to: say by which origin they reach it, with --public-url or \
             server.public_url"
        );
        let scheme = if tls { "https" } else { "http" };
        Ok(format!("{scheme}://{address}"))
    }

    /// Whether figures are shown without a key to who asks from this machine.
    pub(crate) fn open_metrics(&self) -> bool {
        self.open_metrics
    }

    /// The proxies.
    pub(crate) fn proxies(&self) -> Result<Proxies> {
        let read = Proxies::parse(&self.trusted_proxies);
        read.map_err(|text| {
            anyhow::anyhow!(
                "server.trusted_proxies: {text:?} is neither an address nor a network; write \
                 10.0.0.7 or 10.0.0.0/8"
            )
        })
    }

    /// What it proves itself with.
    pub(crate) fn tls(&self, data: &Path) -> Result<Option<Tls>> {
        match (&self.tls_certificate_file, &self.tls_key_file) {
            (Some(certificate), Some(key)) => {
                let tls = Tls::open(data.join(certificate), data.join(key));
                Ok(Some(tls.context("prepare TLS")?))
            }
            (None, None) => Ok(None),
            _ => bail!(
                "TLS needs both server.tls_certificate_file and server.tls_key_file; one of them is \
                 missing"
            ),
        }
    }

    /// Refuses to speak plainly with others than this machine, unless a proxy stands before it.
    pub(crate) fn check_address(&self, address: SocketAddr, tls: bool) -> Result<()> {
        ensure!(
            tls || address.ip().is_loopback() || !self.trusted_proxies.is_empty(),
            "{address} is reached from other machines, and keys must not travel in the clear: set \
             server.tls_certificate_file and server.tls_key_file, or name the proxy that does it \
             in server.trusted_proxies"
        );
        Ok(())
    }

    pub(super) fn check(&self) -> Result<()> {
        self.proxies()?;
        if let Some(url) = &self.public_url {
            check_url(url)?;
        }
        Ok(())
    }
}

/// An origin, and nothing behind it.
pub(crate) fn check_url(url: &str) -> Result<()> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.trim_end_matches('/')).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    ensure!(
        !host.is_empty() && host.chars().all(plain),
        "{url:?} is no origin to be reached at; write https://plughouse.example, without a path"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Server {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn check(text: &str, address: &str, refused_with: Option<&str>) {
        let server = server(text);
        let address: SocketAddr = address.parse().unwrap();
        let checked = server.check().and_then(|()| server.check_address(address, false));
        match (checked, refused_with) {
            (Ok(()), None) => {}
            (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
            (outcome, _) => panic!("{text}: {outcome:?}"),
        }
    }

    #[test]
    fn keys_do_not_travel_in_the_clear() {
        check("", "127.0.0.1:8470", None);
        check("", "[::1]:8470", None);
        check("", "0.0.0.0:8470", Some("must not travel in the clear"));
        check("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]", "0.0.0.0:8470", None);
        check("trusted_proxies = [\"proxy\"]", "127.0.0.1:1", Some("neither an address"));
        check("public_url = \"https://host.example/x\"", "127.0.0.1:1", Some("without a path"));
        check("public_url = \"host.example\"", "127.0.0.1:1", Some("no origin"));
        assert!(server("tls_key_file = \"k\"").tls(Path::new("/")).is_err());
    }

    #[test]
    fn others_reach_it_where_it_listens_unless_it_says_otherwise() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let url = |server: &Server, flag| {
            server.public_url(flag, address("127.0.0.1:8470"), false).unwrap()
        };
        assert_eq!(url(&server(""), None), "http://127.0.0.1:8470");
        let said = server("public_url = \"https://host.example/\"");
        assert_eq!(url(&said, None), "https://host.example");
        assert_eq!(url(&said, Some("https://other.example")), "https://other.example");
        for every in ["0.0.0.0:8470", "[::]:8470"] {
            assert!(server("").public_url(None, address(every), true).is_err());
            assert!(said.public_url(None, address(every), true).is_ok());
        }
        assert_eq!(server("listen = \"0.0.0.0:1\"").listen(None).port(), 1);
        assert_eq!(server("").listen(None), LISTEN);
    }
}

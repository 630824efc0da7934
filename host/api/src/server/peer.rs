//! Who is at the other end, and by which way they came.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The address of whoever asks, as far as it can be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientAddr(pub IpAddr);

/// Whether the request came over TLS, to this server or to a proxy that is trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Secure(pub bool);

/// That a request came in the clear from another machine, past the proxies: what it shows others
/// may have read.
#[derive(Clone, Copy, Debug)]
pub struct Exposed;

/// The proxies whose word is taken on who asks.
#[derive(Clone, Debug, Default)]
pub struct Proxies(pub Vec<IpNet>);

impl Proxies {
    /// Reads addresses and networks; the text that is neither, where there is one.
    pub fn parse(texts: &[String]) -> Result<Self, &str> {
        let net = |text: &'_ String| {
            text.parse().or_else(|_no_net| text.parse::<IpAddr>().map(IpNet::from)).ok()
        };
        texts.iter().map(|text| net(text).ok_or(text.as_str())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the word of this address is taken.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Whether what comes from here in the clear was not read by others: from this machine, or from
    /// a proxy, whose way here is for its operator to keep.
    pub(super) fn shelters(&self, peer: IpAddr) -> bool {
        peer.to_canonical().is_loopback() || self.trusts(peer)
    }

    /// Who asks, and whether over TLS: by the headers of a proxy that is trusted, by the
    /// connection otherwise. Of the addresses in `X-Forwarded-For` those of such proxies are
    /// passed over from the right; what stands further to the left anybody may have written.
    pub(super) fn origin(
        &self,
        peer: IpAddr,
        tls: bool,
        headers: &HeaderMap,
    ) -> (ClientAddr, Secure) {
        if !self.trusts(peer) {
            return (ClientAddr(peer), Secure(tls));
        }
        let texts = |name: &str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).map(str::trim).collect::<Vec<_>>()
        };
        let mut client = peer;
        for text in texts("x-forwarded-for").into_iter().rev() {
            // What is no address ends what can be believed.
            let Some(address) = forwarded(text) else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        let secure = texts("x-forwarded-proto").last().is_some_and(|it| *it == "https");
        (ClientAddr(client), Secure(tls || secure))
    }
}

/// An address as proxies write it: bare, in brackets, or with its port.
fn forwarded(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse().or_else(|_no_address| with_port()).ok()
}

/// What one party has: an address of IPv4, 2⁶⁴ of IPv6 (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// How many connections each party has.
#[derive(Clone, Default)]
pub(super) struct Counted(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that is counted until it is dropped.
pub(super) struct Place {
    counted: Counted,
    peer: IpAddr,
}

impl Counted {
    /// A place for one more connection of this address, if its party has fewer than `max`.
    pub(super) fn enter(&self, peer: IpAddr, max: usize) -> Option<Place> {
        let peer = network(peer);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(peer).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place { counted: self.clone(), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counted.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&'static str], client: &str) {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        headers.append("x-forwarded-proto", HeaderValue::from_static("http, https"));
        let (found, Secure(secure)) = proxies.origin(peer.parse().unwrap(), false, &headers);
        assert_eq!(found, ClientAddr(client.parse().unwrap()), "{peer} {forwarded:?}");
        assert_eq!(secure, proxies.trusts(peer.parse().unwrap()));
        assert_eq!(proxies.shelters(peer.parse().unwrap()), peer != "192.0.2.1");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_has_seen() {
        check("192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check("10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.1", "203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9");
        check("10.0.0.1", &["[2001:db8::7]:4711, [::1]"], "2001:db8::7");
        check("10.0.0.1", &[], "10.0.0.1");
        check("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("::1", &["2001:db8::7"], "2001:db8::7");
    }

    #[test]
    fn place_comes_back_when_its_connection_has_ended() {
        let (counted, peer) = (Counted::default(), "192.0.2.1".parse().unwrap());
        let places: Vec<_> = (0..3).map(|_| counted.enter(peer, 3)).collect();
        assert!(places.iter().all(Option::is_some) && counted.enter(peer, 3).is_none());
        assert!(counted.enter("192.0.2.2".parse().unwrap(), 3).is_some());
        drop(places);
        assert!(counted.enter(peer, 1).is_some());
        let one = counted.enter("2001:db8::1".parse().unwrap(), 1);
        assert!(counted.enter("2001:db8::2".parse().unwrap(), 1).is_none(), "it is one party");
        assert!(counted.enter("2001:db8:0:1::1".parse().unwrap(), 1).is_some());
        drop(one);
        assert!(counted.0.lock().unwrap().is_empty());
    }
}

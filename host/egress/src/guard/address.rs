//! Which IP addresses no request may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges of IPv4 that are not the public internet, and what they are.
const FORBIDDEN_V4: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::UNSPECIFIED, 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "carrier-grade NAT"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(168, 63, 129, 16), 32, "Azure wire server"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relays"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// Ranges within `2000::/3` that are not the public internet; everything outside of it is refused.
const FORBIDDEN_V6: &[(Ipv6Addr, u32, &str)] = &[
    // Teredo (2001::/32), ORCHID and benchmarking lie in it; none is a provider.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments and Teredo"),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
];

const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Services that hand out the machine's own credentials. No operator override reaches them.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

/// The first 96 bits of a NAT64 prefix; the last 32 bits of an address in it are IPv4.
///
/// Only prefixes of 96 bits are understood: a network with a shorter one must not be declared, so
/// that its addresses stay refused or public as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Nat64(Ipv6Addr);

impl Nat64 {
    /// The prefix that every network may use (RFC 6052).
    const WELL_KNOWN: Self = Self(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0));

    /// The prefix that an address of the network begins with.
    pub fn new(prefix: Ipv6Addr) -> Self {
        Self(prefix)
    }

    fn embedded(self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        within(address.to_bits(), self.0.to_bits(), 96, 128).then(|| last_32(address))
    }
}

/// The ranges of this host: the fixed ones, its NAT64 prefixes and its own addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    nat64: Vec<Nat64>,
    own: Vec<IpAddr>,
}

impl Ranges {
    pub(crate) fn new(nat64: Vec<Nat64>, own: Vec<IpAddr>) -> Self {
        Self { nat64, own }
    }

    /// Names the range that forbids the address, or nothing when it may be dialled.
    pub(crate) fn forbids(&self, address: IpAddr) -> Option<&'static str> {
        if self.own.contains(&address) || self.own.contains(&address.to_canonical()) {
            return Some("an address of this host");
        }
        match address {
            IpAddr::V4(address) => forbids_v4(address),
            IpAddr::V6(address) => self.forbids_v6(address),
        }
    }

    /// True for the addresses that not even an operator override reaches.
    pub(crate) fn is_metadata(&self, address: IpAddr) -> bool {
        let embedded = match address {
            IpAddr::V6(v6) => self.embedded(v6).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        let address = embedded.unwrap_or(address);
        METADATA.contains(&address) || matches!(address, IpAddr::V4(v4) if v4.is_link_local())
    }

    /// The IPv4 address that an IPv6 address leads to.
    fn embedded(&self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        let mut nat64 = self.nat64.iter().chain(std::iter::once(&Nat64::WELL_KNOWN));
        address.to_ipv4_mapped().or_else(|| nat64.find_map(|prefix| prefix.embedded(address)))
    }

    fn forbids_v6(&self, address: Ipv6Addr) -> Option<&'static str> {
        if let Some(embedded) = self.embedded(address) {
            return self.forbids(IpAddr::V4(embedded));
        }
        if let Some((_, _, what)) = FORBIDDEN_V6
            .iter()
            .find(|(base, length, _)| within(address.to_bits(), base.to_bits(), *length, 128))
        {
            return Some(what);
        }
        let (base, length) = GLOBAL_UNICAST;
        let public = within(address.to_bits(), base.to_bits(), length, 128);
        (!public).then_some("not public IPv6")
    }
}

fn forbids_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = u128::from(address.to_bits());
    FORBIDDEN_V4
        .iter()
        .find(|(base, length, _)| within(bits, u128::from(base.to_bits()), *length, 32))
        .map(|(_, _, what)| *what)
}

/// True when the first `length` of `width` bits agree.
fn within(bits: u128, base: u128, length: u32, width: u32) -> bool {
    (bits ^ base) >> (width - length) == 0
}

fn last_32(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, forbidden: bool) {
        let found = Ranges::default().forbids(address.parse().unwrap());
        assert_eq!(found.is_some(), forbidden, "{address}: {found:?}");
    }

    #[test]
    fn first_and_last_address_of_every_v4_range_is_forbidden() {
        let ends = "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 \
            100.100.100.200 127.0.0.0 127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 \
            169.254.169.254 169.254.170.2 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 \
            192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 \
            192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 \
            203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255";
        ends.split_whitespace().for_each(|address| check(address, true));
    }

    #[test]
    fn neighbours_of_v4_ranges_are_public() {
        let neighbours = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 \
            126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 \
            172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 \
            192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 \
            198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 8.8.8.8";
        neighbours.split_whitespace().for_each(|address| check(address, false));
    }

    #[test]
    fn v6_ranges_that_are_not_public_are_forbidden() {
        let addresses = ":: ::1 ::7f00:1 ::8.8.8.8 ::ffff:0:8.8.8.8 100::1 64:ff9b:1::8.8.8.8 \
            2001::1 2001:0:53aa:64c::1 2001:2::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 \
            2002:808:808::1 2002:7f00:1::1 3fff::1 3fff:fff:ffff::1 5f00::1 fc00::1 fd00:ec2::254 \
            fdff::1 fe80::1 febf::1 fec0::1 ff02::1 ffff::1 4000::1 1fff::1";
        addresses.split_whitespace().for_each(|address| check(address, true));
    }

    #[test]
    fn public_v6_is_allowed() {
        let addresses = "2606:4700::1111 2a00:1450:4001:830::200e 2001:200::1 2001:4860:4860::8888 \
            2400:cb00::1 3ffe::1 2003::1";
        addresses.split_whitespace().for_each(|address| check(address, false));
    }

    #[test]
    fn v4_in_v6_is_judged_by_the_v4() {
        for prefix in ["::ffff:", "64:ff9b::"] {
            check(&format!("{prefix}127.0.0.1"), true);
            check(&format!("{prefix}169.254.169.254"), true);
            check(&format!("{prefix}10.1.2.3"), true);
            check(&format!("{prefix}168.63.129.16"), true);
            check(&format!("{prefix}8.8.8.8"), false);
        }
    }

    #[test]
    fn networks_own_nat64_prefix_is_judged_by_the_v4() {
        let prefix = "2a00:1098:2c:1::".parse().unwrap();
        let ranges = Ranges::new(vec![Nat64::new(prefix)], Vec::new());
        assert!(ranges.forbids("2a00:1098:2c:1::127.0.0.1".parse().unwrap()).is_some());
        assert!(ranges.forbids("2a00:1098:2c:1::8.8.8.8".parse().unwrap()).is_none());
        check("2a00:1098:2c:1::127.0.0.1", false);
    }

    #[test]
    fn own_address_is_forbidden_in_either_spelling() {
        let ranges = Ranges::new(Vec::new(), vec!["8.8.4.4".parse().unwrap()]);
        assert!(ranges.forbids("8.8.4.4".parse().unwrap()).is_some());
        assert!(ranges.forbids("::ffff:8.8.4.4".parse().unwrap()).is_some());
        assert!(ranges.forbids("64:ff9b::8.8.4.4".parse().unwrap()).is_some());
    }

    #[test]
    fn metadata_services_are_known_in_every_spelling() {
        let addresses = "169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 192.0.0.192 \
            fd00:ec2::254 ::ffff:169.254.169.254 64:ff9b::169.254.169.254";
        for address in addresses.split_whitespace() {
            assert!(Ranges::default().is_metadata(address.parse().unwrap()), "{address}");
        }
        for address in ["127.0.0.1", "10.0.0.1", "::1", "8.8.8.8"] {
            assert!(!Ranges::default().is_metadata(address.parse().unwrap()), "{address}");
        }
        let prefix = "2a00:1098:2c:1::".parse().unwrap();
        let ranges = Ranges::new(vec![Nat64::new(prefix)], Vec::new());
        assert!(ranges.is_metadata("2a00:1098:2c:1::169.254.169.254".parse().unwrap()));
        assert!(!ranges.is_metadata("2a00:1098:2c:1::10.0.0.1".parse().unwrap()));
    }
}

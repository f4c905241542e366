//! Which addresses of the network a business system may have. What is not public is reached only where the operator says
//! so: otherwise whoever writes a connector, or whoever answers for its name, could make fuwu ask what stands inside
//! (server-side request forgery).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

/// Addresses that begin with the same bits: `10.20.0.0/16`, or one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Addresses {
    net: IpAddr,
    bits: u8,
}

impl Addresses {
    /// One address alone.
    pub fn only(address: IpAddr) -> Self {
        let net = plain(address);
        Self { net, bits: if net.is_ipv4() { 32 } else { 128 } }
    }

    /// Whether this is one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        match (self.net, plain(address)) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                same(net.to_bits().into(), address.to_bits().into(), (self.bits, 32))
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => same(net.to_bits(), address.to_bits(), (self.bits, 128)),
            _ => false,
        }
    }
}

/// Whether the first `bits` of two numbers of `width` bits are the same.
fn same(one: u128, other: u128, (bits, width): (u8, u8)) -> bool {
    let rest = u32::from(width.saturating_sub(bits));
    (one ^ other).checked_shr(rest).unwrap_or(0) == 0
}

/// An IPv4 address that is written as an IPv6 one is the same address.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether a business system may be at this address: it is public, or the operator allows it.
pub fn may_be_at(address: IpAddr, allowed: &[Addresses]) -> bool {
    is_public(address) || allowed.iter().any(|addresses| addresses.contain(address))
}

/// Whether it is an address of the internet: none of this machine, of a private network, of the link (where clouds keep
/// what a machine may know of itself), of many at once, or of a way that leads to one of these.
pub fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// IANA's registry of special addresses.
const NOT_PUBLIC_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let holds = |(net, bits): &(Ipv4Addr, u8)| same(net.to_bits().into(), address.to_bits().into(), (*bits, 32));
    !NOT_PUBLIC_V4.iter().any(holds)
}

/// Of IPv6 only 2000::/3 is given out, and in it some are for tunnels and examples.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    match (first, second) {
        // 64:ff9b::/96 leads to an IPv4 address (RFC 6052).
        (0x64, 0xff9b) if address.segments().get(2..6) == Some(&[0; 4]) => {
            is_public_v4(Ipv4Addr::from_bits(u32::try_from(address.to_bits() & 0xffff_ffff).unwrap_or(0)))
        }
        (0x2001, 0..0x200) | (0x2001, 0xdb8) | (0x2002, _) => false,
        (0x3fff, 0..0x1000) => false,
        _ => first & 0xe000 == 0x2000,
    }
}

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("{text} 不是地址：写 10.20.0.8，或一段地址 10.20.0.0/16");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| fault())?)),
            None => (text, None),
        };
        let net = plain(address.parse().map_err(|_| fault())?);
        let width = if net.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(fault());
        }
        // All of them at once would say that nothing is checked.
        if bits < 8 {
            return Err(format!("{text} 太宽，等于不检查：最宽写 /8"));
        }
        Ok(Self { net, bits })
    }
}

impl TryFrom<String> for Addresses {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.net, self.bits)
    }
}

impl JsonSchema for Addresses {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Addresses".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "业务系统可以在的内网地址：10.20.0.8，或一段 10.20.0.0/16"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_stands_inside_is_not_public_however_it_is_written() {
        for text in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.7",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:a00:1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fec0::1",
            "3fff::1",
        ] {
            assert!(!is_public(ip(text)), "{text}");
        }
        for text in
            ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "223.5.5.5", "2400:3200::1", "64:ff9b::101:101"]
        {
            assert!(is_public(ip(text)), "{text}");
        }
    }

    #[test]
    fn an_operator_allows_what_they_name_and_nothing_beside_it() {
        let allowed: Vec<Addresses> =
            ["10.20.0.0/16", "192.168.1.7", "fd00:1::/32"].map(|text| text.parse().unwrap()).into();
        for text in ["10.20.255.1", "192.168.1.7", "::ffff:10.20.0.1", "fd00:1:2::3", "8.8.8.8"] {
            assert!(may_be_at(ip(text), &allowed), "{text}");
        }
        for text in ["10.21.0.1", "192.168.1.8", "127.0.0.1", "fd00:2::1", "169.254.169.254"] {
            assert!(!may_be_at(ip(text), &allowed), "{text}");
        }
        assert!(Addresses::only(ip("::ffff:127.0.0.1")).contain(ip("127.0.0.1")));
    }

    #[test]
    fn what_is_no_address_or_all_of_them_is_refused() {
        for text in
            ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/x", "bss.example", "0.0.0.0/0", "10.0.0.0/7", "::/0", "::/129"]
        {
            assert!(text.parse::<Addresses>().is_err(), "{text}");
        }
        assert_eq!("10.1.2.3".parse::<Addresses>().unwrap().to_string(), "10.1.2.3/32");
    }
}

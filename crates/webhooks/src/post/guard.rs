//! Which addresses webhooks may reach. A URL is written by whoever owns an app, which need not be
//! whoever runs the server, so it must not lead to what only the server can see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why an address must not be reached; none: it may.
pub(super) fn refusal(address: IpAddr, allow_private: bool) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => refusal_v4(v4, allow_private),
        IpAddr::V6(v6) => refusal_v6(v6, allow_private),
    }
}

fn refusal_v4(address: Ipv4Addr, allow_private: bool) -> Option<&'static str> {
    let private = if allow_private { &[][..] } else { &PRIVATE_V4 };
    let mut nets = NEVER_V4.iter().chain(private);
    nets.find(|(net, _)| net.contains(&address)).map(|(_, why)| *why)
}

/// An IPv6 address that stands for an IPv4 one is refused if either of them is.
fn refusal_v6(address: Ipv6Addr, allow_private: bool) -> Option<&'static str> {
    let private = if allow_private { &[][..] } else { &PRIVATE_V6 };
    let mut nets = NEVER_V6.iter().chain(private);
    let own = nets.find(|(net, _)| net.contains(&address)).map(|(_, why)| *why);
    let inner = |v4: Ipv4Addr| refusal_v4(v4, allow_private);
    own.or_else(|| embedded(address).into_iter().flatten().find_map(inner))
}

/// The IPv4 addresses within an IPv6 address, where one form or another has them.
fn embedded(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let octets = address.octets();
    let at = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    let is_in = |net: Ipv6Net| net.contains(&address);
    if address == Ipv6Addr::LOCALHOST {
        // It is within ::/96, but no form of 0.0.0.1.
        [None, None]
    } else if is_in(MAPPED) || is_in(COMPATIBLE) || is_in(TRANSLATED) || is_in(NAT64) {
        [Some(at(12)), None]
    } else if is_in(SIX_TO_FOUR) {
        [Some(at(2)), None]
    } else if is_in(TEREDO) {
        // The server as it is, the client with every bit turned (RFC 4380).
        [Some(at(4)), Some(Ipv4Addr::from_bits(!at(12).to_bits()))]
    } else {
        [None, None]
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(start: [u16; 4], end: [u16; 4], length: u8) -> Ipv6Net {
    let ([a, b, c, d], [e, f, g, h]) = (start, end);
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

const MAPPED: Ipv6Net = v6([0; 4], [0, 0xffff, 0, 0], 96);
const COMPATIBLE: Ipv6Net = v6([0; 4], [0; 4], 96);
/// Of SIIT (RFC 2765).
const TRANSLATED: Ipv6Net = v6([0; 4], [0xffff, 0, 0, 0], 96);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], [0; 4], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0], [0; 4], 16);
const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0], [0; 4], 32);

const UNSPECIFIED: &str = "is no address of any host";
const LINK_LOCAL: &str = "is a link-local address";
const METADATA: &str = "is where a cloud keeps the metadata of its machines";
const MULTICAST: &str = "is a multicast address";
const DOCUMENTATION: &str = "is an address for documentation";
const RESERVED: &str = "is a reserved address";
const LOOPBACK: &str = "is a loopback address, and private targets are not allowed";
const PRIVATE: &str = "is a private address, and private targets are not allowed";

/// Never reached, whatever the settings. 169.254.169.254 is link-local.
const NEVER_V4: [(Ipv4Net, &str); 10] = [
    (v4(0, 0, 0, 0, 8), UNSPECIFIED),
    (v4(169, 254, 0, 0, 16), LINK_LOCAL),
    (v4(100, 100, 100, 200, 32), METADATA),
    (v4(168, 63, 129, 16, 32), METADATA),
    (v4(192, 0, 0, 192, 32), METADATA),
    (v4(224, 0, 0, 0, 4), MULTICAST),
    (v4(192, 0, 2, 0, 24), DOCUMENTATION),
    (v4(198, 51, 100, 0, 24), DOCUMENTATION),
    (v4(203, 0, 113, 0, 24), DOCUMENTATION),
    // 255.255.255.255 is within.
    (v4(240, 0, 0, 0, 4), RESERVED),
];

const PRIVATE_V4: [(Ipv4Net, &str); 7] = [
    (v4(127, 0, 0, 0, 8), LOOPBACK),
    (v4(10, 0, 0, 0, 8), PRIVATE),
    (v4(172, 16, 0, 0, 12), PRIVATE),
    (v4(192, 168, 0, 0, 16), PRIVATE),
    (v4(100, 64, 0, 0, 10), PRIVATE),
    (v4(192, 0, 0, 0, 24), PRIVATE),
    (v4(198, 18, 0, 0, 15), PRIVATE),
];

const NEVER_V6: [(Ipv6Net, &str); 11] = [
    (v6([0; 4], [0; 4], 128), UNSPECIFIED),
    (v6([0xfe80, 0, 0, 0], [0; 4], 10), LINK_LOCAL),
    (v6([0xfd00, 0xec2, 0, 0], [0; 4], 32), METADATA),
    (v6([0xfd20, 0xce, 0, 0], [0, 0, 0, 0x254], 128), METADATA),
    (v6([0xfd00, 0xc1, 0, 0], [0, 0, 0xa9fe, 0xa9fe], 128), METADATA),
    (v6([0xfd00, 0x42, 0, 0], [0, 0, 0, 0x42], 128), METADATA),
    (v6([0xff00, 0, 0, 0], [0; 4], 8), MULTICAST),
    (v6([0x2001, 0xdb8, 0, 0], [0; 4], 32), DOCUMENTATION),
    (v6([0x3fff, 0, 0, 0], [0; 4], 20), DOCUMENTATION),
    (v6([0x100, 0, 0, 0], [0; 4], 64), RESERVED),
    // NAT64 with a prefix of one's own (RFC 8215): where the IPv4 address is within cannot be known.
    (v6([0x64, 0xff9b, 1, 0], [0; 4], 48), RESERVED),
];

const PRIVATE_V6: [(Ipv6Net, &str); 3] = [
    (v6([0; 4], [0, 0, 0, 1], 128), LOOPBACK),
    (v6([0xfc00, 0, 0, 0], [0; 4], 7), PRIVATE),
    (v6([0xfec0, 0, 0, 0], [0; 4], 10), PRIVATE),
];

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;

use proptest::prelude::*;

use super::*;

fn refused(address: &str, allow_private: bool) -> Option<&'static str> {
    refusal(address.parse().unwrap(), allow_private)
}

const PUBLIC: [&str; 17] = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:1::1",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
];

const PRIVATE_ONES: [&str; 21] = [
    "127.0.0.1",
    "127.255.255.255",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::10.0.0.1",
    "::ffff:0:192.168.0.1",
    "64:ff9b::192.168.0.1",
    "2002:c0a8:1::1",
    // The client of this one is 10.0.0.1.
    "2001:0:101:101::f5ff:fffe",
];

const FORBIDDEN: [&str; 38] = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.255",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "febf::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "::ffff:169.254.169.254",
    "::ffff:100.100.100.200",
    "::ffff:0.0.0.0",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::168.63.129.16",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2002:e000:1::1",
    // The server of this one is 169.254.169.254, the client of the next, the client of the last.
    "2001:0:a9fe:a9fe::fefe:fefe",
    "2001:0:101:101::5601:5601",
    "2001::5601:5601",
];

#[test]
fn public_addresses_may_be_reached() {
    for address in PUBLIC {
        assert_eq!(refused(address, false), None, "{address}");
        assert_eq!(refused(address, true), None, "{address}");
    }
}

#[test]
fn private_addresses_may_be_reached_if_the_operator_says_so() {
    for address in PRIVATE_ONES {
        assert!(refused(address, false).is_some_and(|why| why.contains("private")), "{address}");
        assert_eq!(refused(address, true), None, "{address}");
    }
}

#[test]
fn some_addresses_may_never_be_reached() {
    for address in FORBIDDEN {
        assert!(refused(address, true).is_some(), "{address}");
        assert!(refused(address, false).is_some(), "{address}");
    }
}

proptest! {
    #[test]
    fn an_address_within_another_is_refused_as_on_its_own(bits: u32, allow_private: bool) {
        let inner = Ipv4Addr::from_bits(bits);
        let alone = refusal_v4(inner, allow_private);
        let [a, b, c, d] = inner.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let forms = [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x101, 0x101, 0, 0, !high, !low),
        ];
        for form in forms {
            prop_assert_eq!(refusal_v6(form, allow_private), alone);
        }
    }

    #[test]
    fn what_is_refused_among_private_ones_allowed_is_refused_anyway(bits: u128) {
        let address = IpAddr::V6(Ipv6Addr::from_bits(bits));
        if let Some(why) = refusal(address, true) {
            prop_assert_eq!(refusal(address, false), Some(why));
        }
    }
}

//! Which addresses are posted to. A name is judged by what it resolves to, at the moment the connection
//! is made: so that neither a name that points inwards nor one that changes meanwhile leads into the
//! network innfri stands in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::error::OutwardError;

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Public,
    /// Of this machine, or of a private network.
    Private,
    /// Nobody's: many receivers at once, an example, reserved, or a cloud's metadata service, which
    /// gives out credentials.
    Never,
}

/// Which places may be posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::channel) enum Reach {
    Public,
    PublicAndPrivate,
    /// Without TLS: only where nobody else listens.
    Private,
}

/// What an address may be written as without leaving the reach.
const REFUSED: &str = "no address of it may be posted to: it is on a private network or this machine (see \
                       allow_private_addresses), reserved, or without TLS not private";

impl Reach {
    fn covers(self, address: IpAddr) -> bool {
        match (place(address), self) {
            (Place::Never, _) | (Place::Private, Self::Public) | (Place::Public, Self::Private) => {
                false
            }
            (Place::Public, Self::Public | Self::PublicAndPrivate)
            | (Place::Private, Self::Private | Self::PublicAndPrivate) => true,
        }
    }
}

/// Reads the address that `key` of the directory or the settings holds, and what may be reached by it.
pub(in crate::channel) fn read(
    key: &'static str,
    text: &str,
    allow_private: bool,
) -> Result<(Url, Reach), OutwardError> {
    let wrong = |message| OutwardError::Address { key, message };
    let url = Url::parse(text)
        .map_err(|_| wrong("write an address such as https://bank.example/innfri"))?;
    let reach = match (url.scheme(), allow_private) {
        ("https", false) => Reach::Public,
        ("https", true) => Reach::PublicAndPrivate,
        ("http", true) => Reach::Private,
        ("http", false) => {
            return Err(wrong(
                "use https; http is only for a private address, with allow_private_addresses = true",
            ));
        }
        (_, _) => return Err(wrong("use https")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("leave user and password out of the address; use `token`"));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return Err(wrong("it names no host")),
    };
    match literal {
        Some(address) if !reach.covers(address) => Err(wrong(REFUSED)),
        Some(_) | None => Ok((url, reach)),
    }
}

/// Resolves names as the machine does, and keeps only what may be reached.
pub(in crate::channel) struct Guarded(pub(in crate::channel) Reach);

/// A name that resolves to nothing that may be posted to.
#[derive(Debug, thiserror::Error)]
#[error("{REFUSED}")]
struct Refused;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            // Port 0 stands for the one that the address names.
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = all.filter(|found| reach.covers(found.ip())).collect();
            if good.is_empty() {
                return Err(Refused.into());
            }
            let good: Addrs = Box::new(good.into_iter());
            Ok(good)
        })
    }
}

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

/// The special-purpose addresses of IPv4 (IANA registry, RFC 6890).
fn place_v4(address: Ipv4Addr) -> Place {
    let [a, b, c, _] = address.octets();
    let metadata = matches!(address.octets(), [169, 254, 169, 254] | [100, 100, 100, 200]);
    let reserved = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    if metadata || reserved || address.is_multicast() || address.is_documentation() {
        return Place::Never;
    }
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (18..20).contains(&b);
    let inside = address.is_private() || address.is_loopback() || address.is_link_local();
    if inside || shared || benchmark { Place::Private } else { Place::Public }
}

/// The special-purpose addresses of IPv6. One that carries an IPv4 address is judged by that.
fn place_v6(address: Ipv6Addr) -> Place {
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        place_v4(Ipv4Addr::new(a, b, c, d))
    };
    if address.is_loopback() {
        return Place::Private;
    }
    match address.segments() {
        // Mapped, compatible, translated (RFC 4291, 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low),
        // Local translation, 6to4, Teredo and the rest of 2001::/23, documentation, discard.
        [0x64, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] => {
            Place::Never
        }
        [0x3fff, 0..0x1000, ..] | [0x100, 0, 0, ..] => Place::Never,
        _ if address == METADATA || address.is_multicast() => Place::Never,
        _ if address.is_unique_local() || address.is_unicast_link_local() => Place::Private,
        // Only 2000::/3 is given out.
        [0x2000..0x4000, ..] => Place::Public,
        _ => Place::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::public("93.184.215.14", Place::Public)]
    #[case::this_machine("127.0.0.1", Place::Private)]
    #[case::all_of_it("127.255.0.9", Place::Private)]
    #[case::private("10.1.2.3", Place::Private)]
    #[case::private_too("172.31.0.1", Place::Private)]
    #[case::shared("100.64.0.1", Place::Private)]
    #[case::link_local("169.254.0.1", Place::Private)]
    #[case::metadata("169.254.169.254", Place::Never)]
    #[case::unspecified("0.0.0.0", Place::Never)]
    #[case::documentation("203.0.113.9", Place::Never)]
    #[case::multicast("224.0.0.251", Place::Never)]
    #[case::broadcast("255.255.255.255", Place::Never)]
    #[case::public_six("2a00:1450:400f::5e", Place::Public)]
    #[case::this_machine_six("::1", Place::Private)]
    #[case::unspecified_six("::", Place::Never)]
    #[case::unique_local("fd12::1", Place::Private)]
    #[case::link_local_six("fe80::1", Place::Private)]
    #[case::mapped("::ffff:10.0.0.1", Place::Private)]
    #[case::translated_metadata("64:ff9b::a9fe:a9fe", Place::Never)]
    #[case::metadata_six("fd00:ec2::254", Place::Never)]
    #[case::six_to_four("2002:7f00:1::", Place::Never)]
    #[case::teredo("2001::1", Place::Never)]
    #[case::documentation_six("2001:db8::1", Place::Never)]
    #[case::multicast_six("ff02::1", Place::Never)]
    fn an_address_lies_where_the_registry_says(#[case] address: &str, #[case] expected: Place) {
        assert_eq!(place(address.parse().unwrap()), expected);
    }

    #[rstest::rstest]
    #[case::https("https://bank.example/x", false, Some(Reach::Public))]
    #[case::https_inside("https://bank.example/x", true, Some(Reach::PublicAndPrivate))]
    #[case::http("http://bank.example/x", false, None)]
    #[case::http_inside("http://bank.internal/x", true, Some(Reach::Private))]
    #[case::http_to_the_world("http://93.184.215.14/x", true, None)]
    #[case::private("https://10.0.0.1/x", false, None)]
    #[case::private_allowed("https://10.0.0.1/x", true, Some(Reach::PublicAndPrivate))]
    #[case::in_disguise("https://2130706433/x", false, None)]
    #[case::in_octal("https://0177.1/x", false, None)]
    #[case::mapped("https://[::ffff:127.0.0.1]/x", false, None)]
    #[case::metadata("https://169.254.169.254/latest", true, None)]
    #[case::password("https://a:b@bank.example/x", false, None)]
    #[case::other_scheme("ftp://bank.example/x", true, None)]
    #[case::no_address("bank.example", true, None)]
    fn a_written_address_is_taken_or_not(
        #[case] text: &str,
        #[case] allow_private: bool,
        #[case] expected: Option<Reach>,
    ) {
        let read = read("target.url", text, allow_private);
        assert_eq!(read.as_ref().ok().map(|(_, reach)| *reach), expected, "{read:?}");
    }

    #[tokio::test]
    async fn a_name_that_points_inwards_does_not_resolve() {
        let resolve = |reach| Guarded(reach).resolve("localhost".parse().unwrap());
        assert!(resolve(Reach::Public).await.is_err());
        assert!(resolve(Reach::Private).await.unwrap().all(|found| found.ip().is_loopback()));
    }
}

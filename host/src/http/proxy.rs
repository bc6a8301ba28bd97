//! Who the client is, where proxies stand between: as far as they are to be believed, and no farther.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

/// Most hops that are looked at: more than any chain of proxies has. What is farther is not believed.
const MAX_HOPS: usize = 32;

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those in these networks.
    pub(crate) fn new(trusted: Vec<IpNet>) -> Self {
        Self(trusted)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The client's address: the right-most of all `X-Forwarded-For` headers, joined in their order, that is none of a trusted proxy.
    ///
    /// Each proxy adds on the right whom it has seen, so what is left of an address that nobody vouches for is that one's own invention.
    /// Where a trusted proxy names something that is no address, the proxy itself is the client: whom it meant is not known, and what is
    /// left of it may be anybody's.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut believed = peer;
        if !self.trusts(peer) {
            return believed;
        }
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        // One that is no text is garbage as a whole.
        let hops = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',')).map(str::trim);
        // Empty elements of a list mean nothing (RFC 9110, 5.6.1.2).
        for hop in hops.filter(|hop| !hop.is_empty()).take(MAX_HOPS) {
            let Some(address) = address(hop) else { break };
            believed = address;
            if !self.trusts(address) {
                break;
            }
        }
        believed
    }
}

/// An address, in brackets or not, with a port or without: as proxies write it.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().map(IpAddr::V6).ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = hop.parse().ok().or_else(bare).or_else(with_port);
    address.map(|address: IpAddr| address.to_canonical())
}

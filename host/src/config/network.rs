//! How clients reach the API, and who they are to the limiter.

use std::path::PathBuf;

use clap::Args;
use ipnet::{IpNet, Ipv4Net};

/// Whose requests the limiter counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RateLimitBy {
    /// Those of one address (IPv6: of one /64).
    Address,
    /// Those of one caller whose credential is valid, wherever they come from; all others by address.
    Credential,
}

/// Between clients and the API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct NetworkSettings {
    /// Whose requests are counted together; by credential, a school behind one address is not one client
    #[arg(long, value_name = "WHAT", env = "BOXOFFICE_RATE_LIMIT_BY", default_value = "address")]
    pub rate_limit_by: RateLimitBy,

    /// Addresses of proxies whose X-Forwarded-For is believed, as CIDR; may be given again, or name several with commas between them.
    /// The client is the right-most address that is none of them
    #[arg(long, value_name = "CIDR", env = "BOXOFFICE_TRUSTED_PROXY", value_delimiter = ',', value_parser = network)]
    pub trusted_proxy: Vec<IpNet>,

    /// Origin of web pages that may call the API (`https://shop.example`); may be given again, or name several with commas between them
    #[arg(long, value_name = "ORIGIN", env = "BOXOFFICE_CORS_ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub cors_origin: Vec<String>,

    /// Serve HTTPS with this certificate chain, in PEM; read again when it changes
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_TLS_CERT", requires = "tls_key", help_heading = "TLS")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM; read again when it changes
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_TLS_KEY", requires = "tls_cert", help_heading = "TLS")]
    pub tls_key: Option<PathBuf>,
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let one = |text: &str| text.parse().map(|address: std::net::IpAddr| address.into());
    let net: IpNet = text
        .parse()
        .or_else(|_| one(text))
        .map_err(|_| "write an address or a network, such as 10.0.0.0/8 or ::1".to_owned())?;
    let net = unmapped(net)?;
    if net.prefix_len() == 0 {
        return Err(
            "is everybody, so that each client could say it is another: name the proxies' own networks".to_owned()
        );
    }
    if net.trunc() == net { Ok(net) } else { Err(format!("has bits beyond its prefix; is {} meant?", net.trunc())) }
}

/// Addresses are compared as IPv4 where they are (`::ffff:10.0.0.1` is 10.0.0.1), so networks of such are made IPv4, too.
fn unmapped(net: IpNet) -> Result<IpNet, String> {
    /// `::ffff:0:0/96`, in which all mapped addresses are.
    const MAPPED: u8 = 96;
    let IpNet::V6(v6) = net else { return Ok(net) };
    let Some(v4) = v6.addr().to_ipv4_mapped() else { return Ok(net) };
    let short = || "covers more than IPv4 addresses in IPv6's form: write the IPv4 network itself, such as 10.0.0.0/8";
    let prefix = v6.prefix_len().checked_sub(MAPPED).ok_or_else(short)?;
    Ipv4Net::new(v4, prefix).map(IpNet::V4).map_err(|error| error.to_string())
}

/// An origin as browsers write it (RFC 6454, 6.2): it is compared byte by byte.
fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err(
            "name each origin: with * every page in the world could use the network that its reader is in".to_owned()
        );
    }
    let usage =
        "write an origin, such as https://shop.example or http://localhost:3000: scheme, host and port, and no path"
            .to_owned();
    let (scheme, authority) = text.split_once("://").ok_or(&usage)?;
    let usual = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err(usage),
    };
    let parsed: hyper::http::uri::Authority = authority.parse().map_err(|_| usage.clone())?;
    let (host, port) = (parsed.host(), parsed.port());
    // Nothing but host and port, and each as it is written: no user, no empty port.
    let whole = port.as_ref().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let good = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || whole != authority || !authority.chars().all(good) {
        return Err(usage);
    }
    if authority.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("write it as browsers do, in lower case: {scheme}://{}", authority.to_ascii_lowercase()));
    }
    match port {
        Some(port) if port.as_str() != port.as_u16().to_string() => Err(usage),
        Some(port) if port.as_u16() == usual => {
            Err(format!("leave the usual port out, as browsers do: {scheme}://{host}"))
        }
        _ => Ok(text.to_owned()),
    }
}

//! How clients reach the API, and who they are to the limiter.

use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;

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
    #[arg(long, value_name = "ORIGIN", env = "BOXOFFICE_CORS_ORIGIN", value_delimiter = ',')]
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
    if net.trunc() == net { Ok(net) } else { Err(format!("has bits beyond its prefix; is {} meant?", net.trunc())) }
}

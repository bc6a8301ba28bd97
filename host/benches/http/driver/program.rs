//! Which servers are measured, and how each is started.

use super::Options;

/// A server, as a command.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// In tables.
    pub(crate) name: String,
    /// As a command, for people.
    pub(crate) shown: String,
    pub(crate) kind: Kind,
}

/// What sort of server it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One answer for everything.
    Hello,
    /// This process, with native rules; and these flags.
    Native(Vec<String>),
    /// The program; and these flags.
    Boxoffice(Vec<String>),
    /// Somebody else's, at this URL, by this command.
    Peer { command: String, url: String },
}

/// Requests that an instance serves where it is reused.
const REUSE: &str = "1000";

fn flags(more: &[&str]) -> Vec<String> {
    ["--rate-limit", "off"].iter().chain(more).map(|&flag| flag.to_owned()).collect()
}

impl Program {
    pub(crate) fn hello() -> Self {
        Self { name: "hello".into(), shown: "hyper alone, 1 KiB for every request".into(), kind: Kind::Hello }
    }

    pub(crate) fn native() -> Self {
        let shown = "the same server with native rules, --rate-limit off".into();
        Self { name: "native rules".into(), shown, kind: Kind::Native(flags(&[])) }
    }

    /// As it is by default, but for the limiter: with fresh guests, and with what is kept of reads.
    pub(crate) fn usual() -> Self {
        Self::boxoffice("as by default", &[])
    }

    /// A guest for each request, reads included.
    pub(crate) fn fresh() -> Self {
        Self::boxoffice("guest fresh", &["--memo", "off"])
    }

    pub(crate) fn reused() -> Self {
        Self::boxoffice("guest reused", &["--memo", "off", "--instance-reuse", REUSE])
    }

    /// The program with these flags, and the limiter off.
    pub(crate) fn boxoffice(name: &str, more: &[&str]) -> Self {
        let flags = flags(more);
        Self { name: name.into(), shown: format!("boxoffice serve {}", flags.join(" ")), kind: Kind::Boxoffice(flags) }
    }

    /// Those of the rows, in order: the first ones are what the others are compared with.
    pub(crate) fn all(options: &Options) -> Vec<Self> {
        let mut all = vec![Self::hello(), Self::native(), Self::fresh(), Self::reused(), Self::usual()];
        if let (Some(command), Some(url)) = (&options.peer, &options.peer_url) {
            let kind = Kind::Peer { command: command.clone(), url: url.trim_end_matches('/').to_owned() };
            all.push(Self { name: "peer".into(), shown: "the command of --peer".into(), kind });
        }
        all
    }

    /// Whether it is a server of the REST contract.
    pub(crate) fn keeps_books(&self) -> bool {
        self.kind != Kind::Hello
    }
}

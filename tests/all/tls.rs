//! HTTPS: certificates that are read again, clients that behave badly, and an orderly end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use boxoffice::config::RateSetting;
use boxoffice::domain::Millis;
use harness::{Builder, Call, TestServer, raw, until};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, date_time_ymd};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// A certificate and its key, in PEM and in a folder.
pub(crate) struct Files {
    dir: TempDir,
    certificate: Vec<u8>,
}

fn made(name: &str, key: &KeyPair) -> rcgen::Certificate {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.self_signed(key).unwrap()
}

impl Files {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = made("first", &key);
        let files = Self { dir: TempDir::new().unwrap(), certificate: certificate.der().to_vec() };
        files.write(&certificate.pem(), &key.serialize_pem());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.path("cert.pem"), certificate).unwrap();
        std::fs::write(self.path("key.pem"), key).unwrap();
    }

    pub(crate) fn server(&self) -> Builder {
        TestServer::builder().with(|s| {
            s.network.tls_cert = Some(self.path("cert.pem"));
            s.network.tls_key = Some(self.path("key.pem"));
            s.rate_limit = RateSetting(None);
        })
    }
}

/// A client that trusts this certificate alone.
fn connector(certificate: &[u8], alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.to_vec().into()).unwrap();
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Without a name the client asks for an address, and names nothing (no SNI).
async fn connect_as(
    server: SocketAddr,
    certificate: &[u8],
    name: Option<&str>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = Call::new(server, "GET", "/").connect().await?;
    let name = name.map_or_else(
        || ServerName::from(IpAddr::from([127, 0, 0, 1])),
        |name| ServerName::try_from(name.to_owned()).unwrap(),
    );
    connector(certificate, alpn).connect(name, stream).await
}

async fn connect(server: SocketAddr, certificate: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    connect_as(server, certificate, Some("localhost"), &[]).await
}

/// Whether a new connection gets this certificate.
async fn serves(server: SocketAddr, certificate: &[u8]) -> bool {
    connect(server, certificate).await.is_ok()
}

async fn failures(server: &TestServer) -> f64 {
    harness::Exposition::parse(&server.metrics().await).sum("boxoffice_tls_handshake_failures_total", &[]).unwrap()
}

#[tokio::test]
async fn a_request_is_answered_over_http_1_1_by_name_and_without_one() {
    let files = Files::new();
    let server = files.server().start().await;
    let both: &[&[u8]] = &[b"h2", b"http/1.1"];
    for (name, alpn) in [(Some("localhost"), both), (None, both), (None, &[])] {
        let stream = connect_as(server.address(), &files.certificate, name, alpn).await.unwrap();
        let agreed = stream.get_ref().1.alpn_protocol();
        assert_eq!(agreed, (!alpn.is_empty()).then_some(&b"http/1.1"[..]));
        assert_eq!(server.get("/events").send_over(stream).await.unwrap().status, 200);
    }
    let only_h2 = connect_as(server.address(), &files.certificate, None, &[b"h2"]).await;
    assert!(only_h2.is_err(), "HTTP/2 is not offered");
    assert_eq!(Call::new(server.admin_address(), "GET", "/healthz").send().await.status, 200, "in the clear");
    let told = server.metrics().await;
    assert!(told.contains("boxoffice_tls_certificate_not_after_seconds 67"), "in the year 4096: {told}");
}

/// What is in the last field of a PKCS #8 key: the key as its own standard has it.
fn inner(pkcs8: &[u8]) -> Vec<u8> {
    /// Tag, content and rest.
    fn field(der: &[u8]) -> (u8, &[u8], &[u8]) {
        let (length, head) = match der[1] {
            short @ 0..=0x7f => (usize::from(short), 2),
            0x81 => (usize::from(der[2]), 3),
            _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        };
        (der[0], &der[head..head + length], &der[head + length..])
    }
    let (_, mut rest, _) = field(pkcs8);
    loop {
        let (tag, content, after) = field(rest);
        if tag == 4 {
            return content.to_vec();
        }
        rest = after;
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let at = (group >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= chunk.len() { DIGITS[at] as char } else { '=' });
        }
    }
    text
}

#[tokio::test]
async fn keys_of_each_kind_and_form_are_taken() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_RSA_SHA256, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = made("kind", &key);
        let mut forms = vec![key.serialize_pem()];
        if algorithm == &PKCS_ECDSA_P256_SHA256 {
            forms.push(pem("EC PRIVATE KEY", &inner(&key.serialize_der())));
        } else if algorithm == &PKCS_RSA_SHA256 {
            forms.push(pem("RSA PRIVATE KEY", &inner(&key.serialize_der())));
        }
        for form in forms {
            let files = Files { dir: TempDir::new().unwrap(), certificate: certificate.der().to_vec() };
            files.write(&certificate.pem(), &form);
            let server = files.server().start().await;
            assert!(serves(server.address(), &files.certificate).await, "{}", form.lines().next().unwrap());
        }
    }
}

#[tokio::test]
async fn files_that_cannot_be_served_are_told_by_flag_before_anything_is_made() {
    let files = Files::new();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = made("good", &key).pem();
    let dated = |from, to| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (from, to);
        params.self_signed(&key).unwrap().pem()
    };
    let old = dated(date_time_ymd(2020, 1, 1), date_time_ymd(2026, 11, 21));
    let future = dated(date_time_ymd(2026, 11, 22), date_time_ymd(2060, 1, 1));
    let garbage = pem("CERTIFICATE", b"garbage");
    let key_pem = key.serialize_pem();
    let encrypted = pem("ENCRYPTED PRIVATE KEY", b"garbage");
    let broken = pem("PRIVATE KEY", b"garbage");
    let large = "x".repeat(1024 * 1024 + 1);
    let cases: [(&str, &str, &[&str]); 12] = [
        ("", &key_pem, &["--tls-cert", "cert.pem", "no certificate"]),
        (&certificate, "", &["--tls-key", "key.pem", "no private key"]),
        (&key_pem, &key_pem, &["--tls-cert", "no certificate"]),
        (&certificate, &certificate, &["--tls-key", "no private key"]),
        (&certificate, &other.serialize_pem(), &["--tls-key", "not the key of the certificate", "cert.pem"]),
        (&old, &key_pem, &["--tls-cert", "ended at 2026-11-21T00:00:00Z"]),
        (&future, &key_pem, &["--tls-cert", "begins at 2026-11-22T00:00:00Z"]),
        (&garbage, &key_pem, &["--tls-cert", "cannot be read"]),
        (&certificate, &encrypted, &["--tls-key", "passphrase"]),
        (&certificate, &broken, &["--tls-key", "cannot be used"]),
        (&certificate[..certificate.len() - 10], &key_pem, &["--tls-cert", "not whole PEM"]),
        (&large, &key_pem, &["--tls-cert", "more than 1048576 bytes"]),
    ];
    for (certificate, key, says) in cases {
        files.write(certificate, key);
        let dir = Arc::new(TempDir::new().unwrap());
        let refused = files.server().database_of(Arc::clone(&dir)).try_start().await.err().expect("it is refused");
        let text = refused.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        for words in says {
            assert!(text.contains(words), "{words:?} is missing in {text}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
    }
    files.write(&certificate, &key_pem);
    std::fs::remove_file(files.path("key.pem")).unwrap();
    let missing = files.server().try_start().await.err().expect("there is no key").to_string();
    assert!(missing.contains("--tls-key"), "{missing}");
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    for (name, flag) in [("cert.pem", "--tls-cert"), ("key.pem", "--tls-key")] {
        let files = Files::new();
        std::fs::remove_file(files.path(name)).unwrap();
        assert!(Command::new("mkfifo").arg(files.path(name)).status().unwrap().success());
        // Nobody ever writes into it.
        let started = tokio::time::timeout(Duration::from_secs(30), files.server().try_start()).await;
        let refused = started.expect("it does not wait for a writer").err().expect("it is refused").to_string();
        assert!(refused.contains(flag) && refused.contains("not a file"), "{refused}");
    }
}

#[tokio::test]
async fn a_new_pair_is_served_when_both_files_are_there_and_open_connections_go_on() {
    let files = Files::new();
    let server = files.server().start().await;
    let mut old = connect(server.address(), &files.certificate).await.unwrap();
    let key = KeyPair::generate().unwrap();
    let renewed = made("second", &key);
    std::fs::write(files.path("cert.pem"), renewed.pem()).unwrap();
    // Longer than it takes to see it: the key is the one before, so nothing changes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(serves(server.address(), &files.certificate).await, "half a renewal is served");
    std::fs::write(files.path("key.new"), key.serialize_pem()).unwrap();
    std::fs::rename(files.path("key.new"), files.path("key.pem")).unwrap();
    until("the new one is served", async || serves(server.address(), renewed.der()).await).await;
    assert!(!serves(server.address(), &files.certificate).await);
    old.write_all(b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut seen = [0; 12];
    old.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"HTTP/1.1 200", "over the connection from before");
    // What is gone or broken later changes nothing.
    std::fs::write(files.path("cert.pem"), "garbage").unwrap();
    std::fs::remove_file(files.path("key.pem")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(serves(server.address(), renewed.der()).await);
}

#[tokio::test]
async fn a_renewed_certificate_is_judged_by_the_wall_clock() {
    let files = Files::new();
    let server = files.server().start().await;
    // 2031, and the host's own time is that of 2026.
    server.clock.set_wall(Millis(1_924_992_000_000));
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2030, 1, 1), date_time_ymd(2040, 1, 1));
    files.write(&params.self_signed(&key).unwrap().pem(), &key.serialize_pem());
    let ends = async || {
        let told = harness::Exposition::parse(&server.metrics().await);
        told.sum("boxoffice_tls_certificate_not_after_seconds", &[]).unwrap()
    };
    // Clients judge by their own clocks, so none is asked.
    until("it is served", async || (ends().await - 2_208_988_800.0).abs() < 0.5).await;
}

#[tokio::test]
async fn a_certificate_that_is_over_is_not_served_in_the_place_of_a_good_one() {
    let files = Files::new();
    let server = files.server().start().await;
    let ends = async || {
        let told = harness::Exposition::parse(&server.metrics().await);
        told.sum("boxoffice_tls_certificate_not_after_seconds", &[]).unwrap()
    };
    let before = ends().await;
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2026, 11, 21));
    let over = params.self_signed(&key).unwrap();
    files.write(&over.pem(), &key.serialize_pem());
    // Longer than it takes to see it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(serves(server.address(), &files.certificate).await, "the one before");
    assert!((ends().await - before).abs() < 1.0);
    // The same name and key, still good, are taken.
    let good = made("renewed", &key);
    files.write(&good.pem(), &key.serialize_pem());
    until("the good one is served", async || serves(server.address(), good.der()).await).await;
}

#[tokio::test]
async fn what_is_no_tls_ends_its_connection_and_is_counted() {
    let files = Files::new();
    let server =
        files.server().with(|s| (s.max_connections, s.header_timeout) = (1, Duration::from_secs(20))).start().await;
    let cases: [&[u8]; 4] = [
        b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n",
        b"\x16\x03\x01\x00\x05garbage",
        b"\x16\x03\x01\xff\xff",
        &[0xff; 4096],
    ];
    for (count, case) in (1..).zip(cases) {
        let answer = raw(server.address(), case).await;
        assert!(!answer.contains("HTTP/1.1 2"), "{answer}");
        // The one connection that there may be is free again.
        assert!(serves(server.address(), &files.certificate).await);
        until("it is counted", async || failures(&server).await >= f64::from(count)).await;
    }
}

#[tokio::test]
async fn a_greeting_that_never_ends_is_not_waited_for() {
    let files = Files::new();
    let short = Duration::from_millis(100);
    let server = files.server().with(|s| (s.max_connections, s.header_timeout) = (1, short)).start().await;
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00"] {
        assert_eq!(raw(server.address(), beginning).await, "");
    }
    until("both are counted", async || failures(&server).await >= 2.0).await;
    assert!(serves(server.address(), &files.certificate).await);
}

#[tokio::test]
async fn a_greeting_and_the_first_head_have_one_time_between_them() {
    let files = Files::new();
    let server = files.server().with(|s| s.header_timeout = Duration::from_secs(4)).start().await;
    let stream = server.get("/").connect().await.unwrap();
    let waits = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let name = ServerName::try_from("localhost").unwrap();
    let mut silent = connector(&files.certificate, &[]).connect(name, stream).await.unwrap();
    // Closed, with or without the word for it.
    let _ = silent.read_to_end(&mut Vec::new()).await;
    // With a time for each it would be 7 s at the least.
    assert!(waits.elapsed() < Duration::from_millis(6_500), "{:?}", waits.elapsed());
    // The deadline is the first request's: whoever has made one has its time again for the next.
    let short = files.server().with(|s| s.header_timeout = Duration::from_secs(2)).start().await;
    let mut kept = connect(short.address(), &files.certificate).await.unwrap();
    for _ in 0..3 {
        kept.write_all(b"HEAD /events HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        let mut seen = [0; 2048];
        let read = kept.read(&mut seen).await.unwrap();
        assert!(seen[..read].starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&seen[..read]));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_not_waited_for() {
    let files = Files::new();
    let builder = files.server().rules(harness::unruly_rules());
    let server = builder.with(|s| (s.max_connections, s.write_timeout) = (1, Duration::from_millis(100))).start().await;
    let mut stuck = connect(server.address(), &files.certificate).await.unwrap();
    let requests = "GET /large-answer HTTP/1.1\r\nhost: h\r\n\r\n".repeat(64);
    stuck.write_all(requests.as_bytes()).await.unwrap();
    stuck.flush().await.unwrap();
    let stream = connect(server.address(), &files.certificate).await.unwrap();
    assert_eq!(server.get("/fine").send_over(stream).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_answers_what_is_in_flight_and_says_goodbye() {
    let minute = Duration::from_mins(1);
    let files = Files::new();
    let server = files.server().with(|s| (s.grace, s.body_timeout) = (minute, minute)).start().await;
    let mut idle = connect(server.address(), &files.certificate).await.unwrap();
    idle.write_all(b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut seen = [0; 2048];
    assert!(idle.read(&mut seen).await.unwrap() > 0);
    let mut busy = connect(server.address(), &files.certificate).await.unwrap();
    let head = "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
                content-length: 28\r\nconnection: close\r\n\r\n";
    busy.write_all(head.as_bytes()).await.unwrap();
    until("it is in flight", async || server.server().in_flight() == 1).await;
    // One that has not greeted yet holds up nobody.
    let silent = server.get("/").connect().await.unwrap();
    let stopping = tokio::spawn(server.stop());
    busy.write_all(br#"{"name":"late","capacity":1}"#).await.unwrap();
    let mut answer = String::new();
    // Both end with the word for it (close_notify): without it this would be an error.
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    idle.read_to_end(&mut Vec::new()).await.unwrap();
    stopping.await.unwrap();
    drop(silent);
}

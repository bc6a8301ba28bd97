//! Accepts connections within a limit, and lets them end in an orderly way.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use super::response::HttpResponse;
use super::tls::Tls;

/// Most bytes of a request's head. Answered with a bare 431 and a closed connection.
const MAX_HEAD: usize = 16 * 1024;
/// Most bytes of one connection that are buffered: a head, or a body in flight.
const MAX_BUFFER: usize = 64 * 1024;
/// How long to wait when the process is out of file descriptors: connections end in the meantime.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted; the kernel's `net.core.somaxconn` may allow fewer. The usual 128 overflows when a sale
/// opens, and each client that is dropped there tries again only a second later (measured: 300 clients at once, 1.05 s instead of 7 ms).
const BACKLOG: u32 = 4096;

/// Listens on `address`.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // So that a restart need not wait for the last connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Accepting.
    Serving,
    /// Not accepting; open connections go on.
    Draining,
    /// Connections end as soon as their present answer is written.
    Closing,
}

/// The limits of connections, and how many are open.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) open: Gauge,
    /// What is served with; `None`: plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Connections that did not get as far as HTTP.
    pub(crate) tls_failures: Counter,
}

/// A connection that is open, and counted, until it is dropped.
struct Open(Gauge);

impl Open {
    fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Serves until the phase is [`Phase::Closing`] and every connection has ended. Dropping it ends them at once.
pub(crate) async fn accept_loop<S, F>(
    acceptor: Acceptor,
    listener: TcpListener,
    phase: watch::Receiver<Phase>,
    service: S,
) where
    S: Fn(IpAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = HttpResponse> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(acceptor.max_connections));
    let mut connections = JoinSet::new();
    let drained = reached(phase.clone(), Phase::Draining);
    tokio::pin!(drained);
    loop {
        tokio::select! {
            () = &mut drained => break,
            (permit, stream, peer) = accept(&permits, &listener) => {
                let ended = phase.clone();
                connections.spawn(connection(acceptor.clone(), stream, peer, permit, ended, service.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    // Whoever connects from now on is refused by the operating system.
    drop(listener);
    reached(phase, Phase::Closing).await;
    while connections.join_next().await.is_some() {}
}

/// Waits until the end has come so far.
async fn reached(mut phase: watch::Receiver<Phase>, wanted: Phase) {
    // Without a sender there is nothing to wait for either.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

/// Waits for a permit, and only then accepts: what is over the limit waits in the kernel's queue.
async fn accept(permits: &Arc<Semaphore>, listener: &TcpListener) -> (OwnedSemaphorePermit, TcpStream, IpAddr) {
    loop {
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else { return std::future::pending().await };
        match listener.accept().await {
            Ok((stream, peer)) => return (permit, stream, peer.ip().to_canonical()),
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for the moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted)
}

async fn connection<S, F>(
    acceptor: Acceptor,
    stream: TcpStream,
    peer: IpAddr,
    permit: OwnedSemaphorePermit,
    phase: watch::Receiver<Phase>,
    service: S,
) where
    S: Fn(IpAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = HttpResponse> + Send + 'static,
{
    let _open = Open::count(&acceptor.open);
    // Answers are small and whole: waiting to fill a packet only delays them. If it fails, they are late and right.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(acceptor.write_timeout));
    let stream = Box::pin(stream);
    // It holds its permit until there is a request, so the greeting and the first head have the time of a head between them.
    let first = First::within(acceptor.header_timeout);
    match &acceptor.tls {
        None => serve(&acceptor, stream, peer, first, phase, service).await,
        Some(tls) => {
            let greeted = tokio::select! {
                greeted = tls.accept(stream) => greeted,
                () = first.is_late() => Err(std::io::ErrorKind::TimedOut.into()),
                () = reached(phase.clone(), Phase::Closing) => return,
            };
            match greeted {
                Ok(stream) => serve(&acceptor, stream, peer, first, phase, service).await,
                // A client's doing, too: plain HTTP, an old TLS, garbage, or nothing at all.
                Err(error) => not_greeted(&acceptor, peer, &error),
            }
        }
    }
    drop(permit);
}

/// The first request of a connection, which has to come until some instant.
#[derive(Clone)]
struct First {
    until: tokio::time::Instant,
    came: Arc<AtomicBool>,
}

impl First {
    fn within(time: Duration) -> Self {
        Self { until: tokio::time::Instant::now() + time, came: Arc::default() }
    }

    /// It is there: its head is whole.
    fn has_come(&self) {
        self.came.store(true, Ordering::Relaxed);
    }

    /// Waits until it is too late for it; for ever, if it has come by then.
    async fn is_late(&self) {
        tokio::time::sleep_until(self.until).await;
        if self.came.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

fn not_greeted(acceptor: &Acceptor, peer: IpAddr, error: &std::io::Error) {
    acceptor.tls_failures.inc();
    tracing::debug!(address = %peer, %error, "TLS handshake failed");
}

/// HTTP over a connection, encrypted or not, to its end.
async fn serve<I, S, F>(
    acceptor: &Acceptor,
    stream: I,
    peer: IpAddr,
    first: First,
    phase: watch::Receiver<Phase>,
    service: S,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(IpAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = HttpResponse> + Send + 'static,
{
    let begun = first.clone();
    let service = service_fn(move |request| {
        begun.has_come();
        // Boxed: 7 KiB that a connection has only while it has a request.
        let answer = Box::pin(service(peer, request));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(acceptor.header_timeout)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = first.is_late() => {
            tracing::debug!(address = %peer, "connection ended: its first request came too late");
            return;
        }
        () = reached(phase, Phase::Closing) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        // A client's doing (it went away, or what it sent is no HTTP), so it is no error of ours.
        tracing::debug!(address = %peer, %error, "connection ended");
    }
}

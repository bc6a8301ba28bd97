//! What HTTP alone costs: hyper with the listener's settings of the host, and one answer of 1 KiB for everything.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use boxoffice::bind;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_io_timeout::TimeoutStream;

/// Bytes of the answer.
const BYTES: usize = 1024;
/// As in the host.
const MAX_HEAD: usize = 16 * 1024;
/// As in the host.
const MAX_BUFFER: usize = 64 * 1024;
/// The host's default for heads, and for answers that nobody reads.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until the process ends.
pub(crate) fn serve(address: SocketAddr) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(run(address)).map_err(|error| format!("{address}: {error}"))
}

async fn run(address: SocketAddr) -> std::io::Result<()> {
    let listener = bind(address)?;
    let body = Bytes::from(format!("{{\"hello\":\"{}\"}}", "x".repeat(BYTES - 12)));
    loop {
        let (stream, _) = listener.accept().await?;
        let body = body.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(TIMEOUT));
            let service = service_fn(move |_: Request<_>| {
                let mut response = Response::new(Full::new(body.clone()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                async move { Ok::<_, Infallible>(response) }
            });
            // Whoever goes away is no error here either.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(TIMEOUT)
                .max_header_size(MAX_HEAD)
                .max_buf_size(MAX_BUFFER)
                .serve_connection(TokioIo::new(Box::pin(stream)), service)
                .await;
        });
    }
}

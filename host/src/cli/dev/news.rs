//! From those who see something to the thread that prints it: a bounded queue, so that no request waits for a terminal.

use std::io::{BufWriter, IsTerminal as _, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::json;
use super::paint::Paint;
use super::people::People;
use crate::seen::{Observer, Seen, Unrouted};
use crate::wasm::{LoadError, Module};

/// Things that wait to be printed.
const MAX_NEWS: usize = 1024;
/// Bytes, near enough, of the requests among them.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What there is to tell.
pub(super) enum News {
    /// The file is not there yet.
    Waiting { file: PathBuf },
    /// It is served now.
    Serving { address: SocketAddr, module: Arc<Module> },
    /// It has changed, and is looked at.
    Checking { bytes: usize },
    /// What it has now cannot be served; what served before goes on.
    Refused { error: LoadError, serving: Option<Arc<Module>> },
    /// It has what is served already.
    Same,
    /// Another build of it serves from now on.
    Swapped { module: Arc<Module>, before: Arc<Module> },
    /// It is gone for a while.
    Missing { serving: Arc<Module> },
    /// A request that found a module.
    Request(Arc<Seen>),
    /// One that found none.
    Unrouted(Unrouted),
    /// So many requests are not shown, since printing was too slow.
    NotShown(u64),
    /// There is nothing more. Why it ended, if nobody asked for that.
    End(Option<String>),
}

impl News {
    /// Bytes, near enough, that it was offered with.
    fn weight(&self) -> usize {
        match self {
            Self::Request(seen) => seen.weight(),
            Self::Unrouted(unrouted) => unrouted.weight(),
            _ => 0,
        }
    }
}

/// Takes news. As an observer it never waits: what has no room is counted.
pub(super) struct Teller {
    news: mpsc::Sender<News>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Bytes of requests that wait.
    bytes: AtomicUsize,
    not_shown: AtomicU64,
}

impl Teller {
    /// Tells, and waits for room: for what must not get lost.
    pub(super) async fn tell(&self, news: News) {
        // The thread is gone only when the command ends.
        let _ = self.news.send(news).await;
    }

    fn offer(&self, news: News, weight: usize) {
        let before = self.counts.bytes.fetch_add(weight, Ordering::Relaxed);
        let fits = before.saturating_add(weight) <= MAX_BYTES;
        if !fits || self.news.try_send(news).is_err() {
            self.counts.bytes.fetch_sub(weight, Ordering::Relaxed);
            self.counts.not_shown.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Observer for Teller {
    fn saw(&self, seen: &Arc<Seen>) {
        self.offer(News::Request(Arc::clone(seen)), seen.weight());
    }

    fn saw_unrouted(&self, unrouted: Unrouted) {
        let weight = unrouted.weight();
        self.offer(News::Unrouted(unrouted), weight);
    }
}

/// The thread that prints.
pub(super) struct Printing {
    /// Ends with it.
    ended: oneshot::Receiver<()>,
    has_ended: bool,
}

impl Printing {
    /// Comes back when nothing can be printed any more.
    pub(super) async fn broken(&mut self) {
        if !self.has_ended {
            // Its end is all that there is to know.
            let _ = (&mut self.ended).await;
            self.has_ended = true;
        }
    }

    /// Prints what is left, and for scripts why it ended, but for no longer than this.
    pub(super) async fn finish(&mut self, teller: &Teller, why: Option<String>, longest: Duration) {
        let last = async {
            teller.tell(News::End(why)).await;
            self.broken().await;
        };
        // A terminal that stands still keeps nobody here.
        let _ = tokio::time::timeout(longest, last).await;
    }
}

/// Starts the thread: for people, or for scripts.
pub(super) fn start(as_json: bool) -> std::io::Result<(Arc<Teller>, Printing)> {
    let (sender, receiver) = mpsc::channel(MAX_NEWS);
    let (ended, when_ended) = oneshot::channel();
    let counts = Arc::<Counts>::default();
    let counted = Arc::clone(&counts);
    let form =
        if as_json { Form::Json } else { Form::People(People::with(Paint::on(std::io::stdout().is_terminal()))) };
    std::thread::Builder::new().name("dev".into()).spawn(move || {
        // Whoever closed stdout does not want to know.
        let _ = print(receiver, &counted, form);
        drop(ended);
    })?;
    Ok((Arc::new(Teller { news: sender, counts }), Printing { ended: when_ended, has_ended: false }))
}

enum Form {
    Json,
    People(People),
}

impl Form {
    fn text(&mut self, news: &News) -> String {
        match self {
            Self::Json => json::line(news),
            Self::People(people) => people.text(news),
        }
    }
}

fn print(mut news: mpsc::Receiver<News>, counts: &Counts, mut form: Form) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout());
    while let Some(next) = news.blocking_recv() {
        counts.bytes.fetch_sub(next.weight(), Ordering::Relaxed);
        let is_last = matches!(next, News::End(_));
        // What was not shown came before the end, and is told before it.
        if !is_last {
            writeln!(out, "{}", form.text(&next))?;
        }
        let not_shown = counts.not_shown.swap(0, Ordering::Relaxed);
        if not_shown > 0 {
            writeln!(out, "{}", form.text(&News::NotShown(not_shown)))?;
        }
        if is_last {
            // People are told on stderr.
            if let (Form::Json, News::End(Some(_))) = (&form, &next) {
                writeln!(out, "{}", form.text(&next))?;
            }
            break;
        }
        if news.is_empty() {
            out.flush()?;
        }
    }
    out.flush()
}

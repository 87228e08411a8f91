//! Visitors: a generator of load on one thread, and h2load for HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sluice_core::stats::Histogram;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// Distinct visitors.
const PEOPLE: usize = 4_000;
/// One of so many visitors is in the segment.
const IN_SEGMENT: usize = 16;
/// Before anything is measured: connections are opened and pools filled.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// What a load is doing. It begins by warming up, which is zero.
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// What is asked, and how.
#[derive(Clone)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    /// Requests a second; as fast as answers come when absent.
    pub(crate) rate: Option<f64>,
    pub(crate) requests: Arc<Vec<Vec<u8>>>,
    pub(crate) tls: Option<TlsConnector>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) rps: f64,
    /// Microseconds.
    pub(crate) latency: Histogram,
    pub(crate) slowest: Duration,
}

/// Visitors at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    thread: JoinHandle<Vec<Seen>>,
    began: Instant,
}

#[derive(Default)]
struct Shared {
    phase: AtomicU8,
    requests: AtomicU64,
}

#[derive(Default)]
struct Seen {
    latency: Histogram,
    slowest: Duration,
    failed: u64,
}

/// A request for each visitor. `of` is given the visitor's number, and says the host, the path, and the bytes of the body.
pub(crate) fn requests(of: impl Fn(usize) -> (String, String, usize)) -> Arc<Vec<Vec<u8>>> {
    let request = |user: usize| {
        let (host, path, body) = of(user);
        let segment = if user.is_multiple_of(IN_SEGMENT) { "x-segment: beta\r\n" } else { "" };
        let (method, length) = match body {
            0 => ("GET", String::new()),
            _ => ("POST", format!("content-length: {body}\r\n")),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nx-user: user-{user}\r\n{segment}accept: */*\r\n{length}\r\n"
        );
        [head.as_bytes(), &vec![b'x'; body]].concat()
    };
    Arc::new((0..PEOPLE).map(request).collect())
}

impl Load {
    pub(crate) fn start(target: SocketAddr, shape: Shape) -> Load {
        let shared = Arc::new(Shared::default());
        let on_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("an event loop").block_on(run(target, shape, on_thread))
        });
        Load { shared, thread, began: Instant::now() }
    }

    /// Waits until it is warm, and counts from then on.
    pub(crate) fn warm_up(&mut self) {
        std::thread::sleep(WARM_UP);
        self.shared.requests.store(0, Relaxed);
        self.shared.phase.store(MEASURING, Relaxed);
        self.began = Instant::now();
    }

    /// Counts no more, and lets the last requests end.
    pub(crate) fn stop(self) -> Outcome {
        let requests = self.shared.requests.load(Relaxed);
        let secs = self.began.elapsed().as_secs_f64();
        self.shared.phase.store(OVER, Relaxed);
        let mut outcome = Outcome { requests, rps: requests as f64 / secs, ..Outcome::default() };
        for seen in self.thread.join().expect("a load without faults") {
            outcome.latency.merge(&seen.latency);
            outcome.slowest = outcome.slowest.max(seen.slowest);
            outcome.failed += seen.failed;
        }
        outcome
    }
}

/// When requests are due; none when they are due at once.
type Due = Option<Arc<Mutex<mpsc::UnboundedReceiver<Instant>>>>;

async fn run(target: SocketAddr, shape: Shape, shared: Arc<Shared>) -> Vec<Seen> {
    let due = shape.rate.map(|rate| {
        let (send, due) = mpsc::unbounded_channel();
        let shared = Arc::clone(&shared);
        std::thread::spawn(move || pace(rate, &shared, &send));
        Arc::new(Mutex::new(due))
    });
    let visitor = |number: usize| {
        let (shape, shared, due) = (shape.clone(), Arc::clone(&shared), due.clone());
        tokio::spawn(visit(target, shape, shared, due, number))
    };
    let visitors: Vec<_> = (0..shape.connections).map(visitor).collect();
    let mut seen = Vec::new();
    for visitor in visitors {
        seen.push(visitor.await.expect("a visitor without faults"));
    }
    seen
}

/// Says when each request is due. Sleeps on a thread of its own: the event loop's timers are a millisecond coarse.
fn pace(rate: f64, shared: &Shared, due: &mpsc::UnboundedSender<Instant>) {
    let began = Instant::now();
    for number in 1_u32.. {
        let at = began + Duration::from_secs_f64(f64::from(number) / rate);
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if shared.phase.load(Relaxed) == OVER || due.send(at).is_err() {
            return;
        }
    }
}

async fn visit(target: SocketAddr, shape: Shape, shared: Arc<Shared>, due: Due, number: usize) -> Seen {
    let mut seen = Seen::default();
    let mut read = Vec::with_capacity(72 * 1024);
    let mut turn = number * 61;
    while shared.phase.load(Relaxed) != OVER {
        let Ok(mut stream) = connect(target, shape.tls.as_ref()).await else {
            seen.failed += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        while shared.phase.load(Relaxed) != OVER {
            let began = match &due {
                None => Instant::now(),
                Some(due) => match due.lock().await.recv().await {
                    Some(at) => at,
                    None => return seen,
                },
            };
            turn += 1;
            let asked = ask(&mut stream, &shape.requests[turn % shape.requests.len()], &mut read).await;
            if asked.is_err() {
                seen.failed += 1;
                break;
            }
            shared.requests.fetch_add(1, Relaxed);
            if shared.phase.load(Relaxed) == MEASURING {
                let took = began.elapsed();
                seen.slowest = seen.slowest.max(took);
                seen.latency.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            }
        }
    }
    seen
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn connect(target: SocketAddr, tls: Option<&TlsConnector>) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    match tls {
        None => Ok(Box::new(stream)),
        Some(tls) => {
            let name = ServerName::try_from("shop.localhost").expect("a name");
            Ok(Box::new(tls.connect(name, stream).await?))
        }
    }
}

async fn ask(stream: &mut Box<dyn Stream>, request: &[u8], read: &mut Vec<u8>) -> io::Result<()> {
    stream.write_all(request).await?;
    stream.flush().await?;
    read.clear();
    let whole = loop {
        if stream.read_buf(read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(whole) = length(read)? {
            break whole;
        }
    };
    let mut left = whole.saturating_sub(read.len());
    while left > 0 {
        read.clear();
        let count = stream.read_buf(read).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left = left.saturating_sub(count);
    }
    Ok(())
}

/// How long the response is, with its head, once that is there.
fn length(read: &[u8]) -> io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidData);
    let httparse::Status::Complete(head) = response.parse(read).map_err(invalid)? else { return Ok(None) };
    let named = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = named.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    match (response.code, body) {
        (Some(200), Some(body)) => Ok(Some(head + body)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// HTTP/2 by h2load: one request at a time on each connection, all of one visitor. `sample` is called when the
/// measuring begins and when it ends.
pub(crate) fn h2load(
    url: &str,
    connections: usize,
    time: Duration,
    log: &Path,
    mut sample: impl FnMut(),
) -> Outcome {
    drop(std::fs::remove_file(log));
    let secs = (WARM_UP + time).as_secs_f64().ceil() as u64 + 1;
    let mut running = Command::new("h2load")
        .args(["-t1", &format!("-c{connections}"), "-m1", &format!("--duration={secs}")])
        .arg(format!("--log-file={}", log.display()))
        .args(["-H", "x-user: user-7", url])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("h2load");
    let micros = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
    std::thread::sleep(WARM_UP);
    sample();
    let from = micros();
    std::thread::sleep(time);
    let to = micros();
    sample();
    running.wait().expect("h2load ends");
    let mut outcome = Outcome::default();
    for line in std::fs::read_to_string(log).unwrap_or_default().lines() {
        let mut fields = line.split('\t').map(|field| field.trim().parse::<i64>().unwrap_or(-1));
        let (Some(began), Some(status), Some(took)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (began, took) = (began.max(0) as u64, took.max(0) as u64);
        if !(from..to).contains(&(began + took)) {
            continue;
        }
        if status == 200 {
            outcome.requests += 1;
            outcome.latency.record(took);
        } else {
            outcome.failed += 1;
        }
    }
    outcome.rps = outcome.requests as f64 / time.as_secs_f64();
    outcome
}

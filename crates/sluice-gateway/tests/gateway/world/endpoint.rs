//! An endpoint that records what it is asked, and answers what the test wants, down to the byte.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use sluice_core::document::service::Endpoint as EndpointSpec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

type Act = Arc<
    dyn Fn(Heard, Conversation) -> Pin<Box<dyn Future<Output = Option<Conversation>> + Send>> + Send + Sync,
>;

/// A server on a port of its own.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// What was asked, but for health checks.
    pub(crate) heard: Arc<Mutex<Vec<Heard>>>,
    /// The status that health checks get.
    pub(crate) health: Arc<AtomicU16>,
    /// Connections that asked for something other than health.
    pub(crate) connections: Arc<AtomicUsize>,
    /// Closes every connection that waits for a request when it changes.
    hang_up: watch::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

/// A request, as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The head, as text, without its empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A connection with what was read too far.
pub(crate) struct Conversation {
    pub(crate) stream: TcpStream,
    pub(crate) read: Vec<u8>,
}

impl Heard {
    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

impl Conversation {
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        // The gateway may have hung up: that is its right.
        let _is_heard = self.stream.write_all(bytes.as_ref()).await.is_ok();
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.read.drain(..end + 2).collect::<Vec<_>>();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more().await?;
        }
    }

    pub(crate) async fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            self.more().await?;
        }
        Some(self.read.drain(..count).collect())
    }

    pub(crate) async fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Some(head.join("\r\n"));
            }
            head.push(line);
        }
    }

    /// One piece of a chunked body; empty at its end, `None` when it breaks off.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await?, 16).ok()?;
        let chunk = self.bytes(size).await?;
        self.line().await?;
        Some(chunk)
    }

    async fn body(&mut self, heard: &Heard) -> Option<Vec<u8>> {
        if heard.header("transfer-encoding").is_some() {
            let mut body = Vec::new();
            loop {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    return Some(body);
                }
                body.extend(chunk);
            }
        }
        let length = heard.header("content-length").map_or(Some(0), |text| text.parse().ok())?;
        self.bytes(length).await
    }
}

impl Endpoint {
    /// Answers every request 200 with its name.
    pub(crate) async fn named(name: &'static str) -> Endpoint {
        Endpoint::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len())).await
    }

    /// Answers every request with these bytes.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Endpoint {
        let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
        Endpoint::acting(move |_, mut conversation| {
            let bytes = Arc::clone(&bytes);
            async move {
                conversation.say(&*bytes).await;
                Some(conversation)
            }
        })
        .await
    }

    /// Does with every request, read to its end, what the test wants. Given back, the connection is kept.
    pub(crate) async fn acting<F>(act: impl Fn(Heard, Conversation) -> F + Send + Sync + 'static) -> Endpoint
    where
        F: Future<Output = Option<Conversation>> + Send + 'static,
    {
        let act: Act = Arc::new(move |heard, conversation| Box::pin(act(heard, conversation)));
        Endpoint::start(act, true).await
    }

    /// As [`Endpoint::acting`], without reading bodies.
    pub(crate) async fn acting_on_heads<F>(
        act: impl Fn(Heard, Conversation) -> F + Send + Sync + 'static,
    ) -> Endpoint
    where
        F: Future<Output = Option<Conversation>> + Send + 'static,
    {
        let act: Act = Arc::new(move |heard, conversation| Box::pin(act(heard, conversation)));
        Endpoint::start(act, false).await
    }

    async fn start(act: Act, reads_bodies: bool) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, health) = (Arc::<Mutex<Vec<Heard>>>::default(), Arc::new(AtomicU16::new(200)));
        let connections = Arc::<AtomicUsize>::default();
        let hang_up = watch::Sender::new(0);
        let talk = Talk {
            act,
            reads_bodies,
            heard: Arc::clone(&heard),
            health: Arc::clone(&health),
            connections: Arc::clone(&connections),
        };
        let hung_up = hang_up.subscribe();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (talk, mut hung_up) = (talk.clone(), hung_up.clone());
                hung_up.mark_unchanged();
                open.spawn(async move {
                    talk.go_on(Conversation { stream, read: Vec::new() }, &mut hung_up).await;
                });
            }
        });
        Endpoint { address, heard, health, connections, hang_up, task }
    }

    pub(crate) fn spec(&self) -> EndpointSpec {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Closes every connection that waits for another request, as a restart in order does.
    pub(crate) fn hang_up_idle(&self) {
        self.hang_up.send_modify(|times| *times += 1);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Talk {
    act: Act,
    reads_bodies: bool,
    heard: Arc<Mutex<Vec<Heard>>>,
    health: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
}

impl Talk {
    async fn go_on(&self, mut conversation: Conversation, hung_up: &mut watch::Receiver<u64>) {
        let mut is_counted = false;
        loop {
            let head = tokio::select! {
                head = conversation.head() => head,
                _ = hung_up.changed(), if is_counted => return,
            };
            let Some(head) = head else { return };
            let mut heard = Heard { head, body: Vec::new() };
            if heard.path() == "/healthz" {
                let status = self.health.load(SeqCst);
                conversation.say(format!("HTTP/1.1 {status} Fine\r\ncontent-length: 2\r\n\r\nok")).await;
                continue;
            }
            if !is_counted {
                is_counted = true;
                self.connections.fetch_add(1, SeqCst);
            }
            if self.reads_bodies {
                let Some(body) = conversation.body(&heard).await else { return };
                heard.body = body;
            }
            self.heard.lock().unwrap().push(heard.clone());
            match (self.act)(heard, conversation).await {
                Some(kept) => conversation = kept,
                None => return,
            }
        }
    }
}

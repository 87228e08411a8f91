//! A visitor that writes bytes and reads answers.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// A connection to the gateway.
pub(crate) struct Visitor {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its head said it would.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.header("x-sluice-error")
    }
}

impl Visitor {
    pub(crate) async fn connect(address: SocketAddr) -> Visitor {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Visitor { stream, read: Vec::new() }
    }

    /// One request on a connection of its own.
    pub(crate) async fn once(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
        Visitor::connect(address).await.ask(request).await
    }

    /// A GET on a connection of its own, with more headers.
    pub(crate) async fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
        Visitor::once(address, format!("GET {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n")).await
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.say(request).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; `None` when the connection ends instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        soon("an answer", self.read_answer()).await
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.read.windows(mark.len()).position(|window| window == mark) {
                let found = self.read.drain(..end).collect();
                self.read.drain(..mark.len());
                return Some(found);
            }
            self.more().await?;
        }
    }

    /// The head of the next answer.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        let head = String::from_utf8(self.until(b"\r\n\r\n").await?).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Some(Answer { status, headers: lines.map(header).collect(), body: Vec::new(), is_whole: true })
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let mut answer = self.head().await?;
        if answer.status < 200 || answer.status == 204 || answer.status == 304 {
            return Some(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.is_whole = loop {
                match self.chunk().await {
                    Some(chunk) if chunk.is_empty() => break true,
                    Some(chunk) => answer.body.extend(chunk),
                    None => break false,
                }
            };
        } else if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().unwrap();
            while self.read.len() < length && self.more().await.is_some() {}
            answer.is_whole = self.read.len() >= length;
            answer.body = self.read.drain(..length.min(self.read.len())).collect();
        } else {
            let end = self.stream.read_to_end(&mut self.read).await;
            answer.is_whole = end.is_ok();
            answer.body = std::mem::take(&mut self.read);
        }
        Some(answer)
    }

    /// The next piece of a chunked body; empty at its end, `None` when it breaks off.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = String::from_utf8(self.until(b"\r\n").await?).unwrap();
        let size = usize::from_str_radix(&size, 16).unwrap();
        while self.read.len() < size + 2 {
            self.more().await?;
        }
        let chunk = self.read.drain(..size).collect();
        self.read.drain(..2);
        Some(chunk)
    }

    /// Waits for the end of the connection; gives what came before it.
    pub(crate) async fn until_closed(&mut self) -> Vec<u8> {
        soon("the end of the connection", async { while self.more().await.is_some() {} }).await;
        std::mem::take(&mut self.read)
    }
}

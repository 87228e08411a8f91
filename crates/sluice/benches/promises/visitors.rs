//! Visitors: connections that are kept, and what each answer said.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a visitor saw.
pub(crate) struct Visit {
    /// When the request was sent.
    pub(crate) sent: Instant,
    /// Whether it was answered with 200.
    pub(crate) is_well: bool,
    /// Whether the candidate answered.
    pub(crate) is_candidate: bool,
}

/// A connection to the gateway that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(gateway: &str) -> Connection {
        let stream = TcpStream::connect(gateway).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, held: Vec::new() }
    }

    /// One request of one visitor. A connection that breaks counts as a failed request.
    pub(crate) async fn visit(&mut self, unit: u64) -> Visit {
        let sent = Instant::now();
        let head = format!("GET / HTTP/1.1\r\nhost: shop.example.com\r\nx-user-id: visitor-{unit}\r\n\r\n");
        self.held.clear();
        let answer = match self.stream.write_all(head.as_bytes()).await {
            Ok(()) => self.answer().await,
            Err(_) => None,
        };
        let text = answer.map(|answer| answer.to_ascii_lowercase()).unwrap_or_default();
        Visit {
            sent,
            is_well: text.starts_with("http/1.1 200"),
            is_candidate: text.contains("x-sluice-version: 1.1.0"),
        }
    }

    /// The head of an answer, once its two bytes of body are here too.
    async fn answer(&mut self) -> Option<String> {
        let mut chunk = [0; 4096];
        loop {
            let count = self.stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
            self.held.extend_from_slice(&chunk[..count]);
            let end = self.held.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end
                && self.held.len() >= end + 6
            {
                return String::from_utf8(self.held[..end].to_vec()).ok();
            }
        }
    }
}

//! Programs that answer webhooks, well or badly.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// One request as it came.
#[derive(Debug)]
pub(crate) struct Received {
    /// The request line.
    pub(crate) line: String,
    /// Names in small letters, sorted.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Listens until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) requests: mpsc::UnboundedReceiver<Received>,
    listening: AbortHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Receiver {
    /// Does `serve` with each connection.
    pub(crate) async fn doing<F, Served>(serve: F) -> Receiver
    where
        F: Fn(TcpStream, mpsc::UnboundedSender<Received>) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, requests) = mpsc::unbounded_channel();
        let listening = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, send.clone()));
            }
        });
        Receiver { address, requests, listening: listening.abort_handle() }
    }

    /// Reads each request, answers with these bytes, and closes the connection.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Receiver {
        let bytes = bytes.into();
        Receiver::doing(move |mut stream, requests| {
            let bytes = bytes.clone();
            async move {
                requests.send(read_request(&mut stream).await).unwrap();
                // Whoever has heard enough may close before all is written.
                if stream.write_all(&bytes).await.is_ok() {
                    stream.shutdown().await.ok();
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A whole answer with this status and body.
pub(crate) fn answer(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Text with spaces behind it, so many bytes in all.
pub(crate) fn padded(text: &str, bytes: usize) -> String {
    let spaces = bytes - text.len();
    format!("{text}{}", " ".repeat(spaces))
}

/// Reads one request whose length is told.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Received {
    let mut bytes = Vec::new();
    let head_end = loop {
        let more = stream.read_buf(&mut bytes).await.unwrap();
        assert_ne!(more, 0, "the connection was closed inside of the head");
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let mut headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    headers.sort();
    let mut received = Received { line, headers, body: bytes.split_off(head_end + 4) };
    let length: usize = received.header("content-length").unwrap().parse().unwrap();
    while received.body.len() < length {
        assert_ne!(stream.read_buf(&mut received.body).await.unwrap(), 0, "the body was broken off");
    }
    assert_eq!(received.body.len(), length, "more came than was announced");
    received
}

/// Waits until the other side has closed the connection.
pub(crate) async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|more| more > 0) {}
}

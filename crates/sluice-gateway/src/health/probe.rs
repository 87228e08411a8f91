//! One endpoint's health check.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sluice_core::document::service::HealthSpec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::probe_http2::Http2Probe;
use crate::dial::{DialError, Dialled, Stream, dial};
use crate::table::Endpoint;

/// A health check answers with a word, not with a page: a head or body above this fails, or is not read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// What answers by the health protocol of gRPC (`grpc.health.v1`).
pub(super) const GRPC_HEALTH_PATH: &str = "/grpc.health.v1.Health/Check";
/// Headers of an answer that are read.
const HEADERS_MAX: usize = 64;

/// Asks one endpoint whether it is ready.
pub(super) struct Probe {
    endpoint: Arc<Endpoint>,
    /// What is written; nothing when an endpoint is ready that takes a connection.
    request: Vec<u8>,
    path: String,
    kept: Option<Kept>,
}

/// A connection for the next check.
enum Kept {
    Http1(Stream),
    Http2(Http2Probe),
}

/// Why an endpoint is not ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum Sick {
    #[error("it gave no answer in time")]
    TooSlow,
    #[error("{0}")]
    Broken(#[from] io::Error),
    #[error("it answered {0}")]
    Status(u16),
    #[error("its answer is not HTTP")]
    NotHttp,
    #[error("{0}")]
    NotTaken(#[from] DialError),
    #[error("the connection broke: {0}")]
    BrokenHttp2(#[from] hyper::Error),
    #[error(
        "it answered with grpc-status {0}; what speaks gRPC is asked with the path {GRPC_HEALTH_PATH}, or not, with \"\""
    )]
    Grpc(String),
    #[error("it says that it is not serving")]
    NotServing,
}

impl Probe {
    pub(super) fn new(endpoint: &Arc<Endpoint>, spec: &HealthSpec) -> Probe {
        let request = match spec.path.as_str() {
            "" => Vec::new(),
            path => format!(
                "GET {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: sluice-health\r\naccept: */*\r\n\r\n",
                endpoint.spec.authority()
            )
            .into_bytes(),
        };
        Probe { endpoint: Arc::clone(endpoint), request, path: spec.path.clone(), kept: None }
    }

    /// # Errors
    ///
    /// When the endpoint takes no connection, or does not answer 200 to 399 within `timeout`.
    pub(super) async fn check(&mut self, timeout: Duration) -> Result<(), Sick> {
        tokio::time::timeout(timeout, self.ask()).await.unwrap_or(Err(Sick::TooSlow))
    }

    async fn ask(&mut self) -> Result<(), Sick> {
        // Taken out, so that a check that fails or is too slow leaves no connection with half an answer on it.
        match self.kept.take() {
            Some(Kept::Http1(stream)) => match self.ask_http1(stream).await {
                // The endpoint may have closed it between two checks.
                Err(Sick::Broken(_)) => {}
                asked => return asked,
            },
            Some(Kept::Http2(probe)) => match self.ask_http2(probe).await {
                Err(Sick::BrokenHttp2(_)) => {}
                asked => return asked,
            },
            None => {}
        }
        if let Some(trust) = &self.endpoint.trust {
            trust.refresh();
        }
        let Dialled { stream, is_http2 } = dial(&self.endpoint, false).await?;
        match (self.path.is_empty(), is_http2) {
            (true, _) => Ok(()),
            (false, false) => self.ask_http1(stream).await,
            (false, true) => self.ask_http2(Http2Probe::open(stream).await?).await,
        }
    }

    async fn ask_http1(&mut self, mut stream: Stream) -> Result<(), Sick> {
        let is_kept = self.ask_on(&mut stream).await?;
        self.kept = is_kept.then_some(Kept::Http1(stream));
        Ok(())
    }

    async fn ask_http2(&mut self, mut probe: Http2Probe) -> Result<(), Sick> {
        probe.ask(&self.endpoint, &self.path).await?;
        self.kept = Some(Kept::Http2(probe));
        Ok(())
    }

    /// Gives whether the connection may be used again.
    async fn ask_on(&self, stream: &mut Stream) -> Result<bool, Sick> {
        stream.write_all(&self.request).await?;
        let mut answer = Vec::new();
        loop {
            if let Some(head) = read_answer(&answer)? {
                if !(200..400).contains(&head.status) {
                    return Err(Sick::Status(head.status));
                }
                return Ok(head.skip_body(stream, answer.len()).await);
            }
            if answer.len() > ANSWER_BYTES_MAX {
                return Err(Sick::NotHttp);
            }
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(Sick::Broken(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

/// The head of an answer.
struct Answer {
    status: u16,
    head_bytes: usize,
    /// Bytes of the body; unknown when it is chunked or ends with the connection.
    body_bytes: Option<usize>,
}

/// `None` when more has to be read.
fn read_answer(bytes: &[u8]) -> Result<Option<Answer>, Sick> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let head_bytes = match response.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Sick::NotHttp),
    };
    let status = response.code.ok_or(Sick::NotHttp)?;
    let is_kept = response.version == Some(1);
    let mut body_bytes = (status == 204 || status == 304).then_some(0);
    for header in response.headers.iter() {
        let is_close = header.value.eq_ignore_ascii_case(b"close");
        if header.name.eq_ignore_ascii_case("content-length") {
            body_bytes = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
        } else if header.name.eq_ignore_ascii_case("connection") && is_close {
            return Ok(Some(Answer { status, head_bytes, body_bytes: None }));
        }
    }
    Ok(Some(Answer { status, head_bytes, body_bytes: body_bytes.filter(|_| is_kept) }))
}

impl Answer {
    /// Reads the body away; gives whether the connection stands at the beginning of the next answer.
    async fn skip_body(&self, stream: &mut Stream, read: usize) -> bool {
        let Some(body_bytes) = self.body_bytes.filter(|bytes| *bytes <= ANSWER_BYTES_MAX) else {
            return false;
        };
        let Some(mut left) = (self.head_bytes + body_bytes).checked_sub(read) else { return false };
        let mut scratch = [0; 1024];
        while left > 0 {
            let wanted = left.min(scratch.len());
            match stream.read(&mut scratch[..wanted]).await {
                Ok(0) | Err(_) => return false,
                Ok(count) => left -= count,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_kept_only_when_the_answer_has_a_known_end() {
        let body = |text: &str| read_answer(text.as_bytes()).unwrap().map(|answer| answer.body_bytes);
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), Some(Some(2)));
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n"), Some(Some(0)));
        assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"), Some(None));
        assert_eq!(body("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"), Some(None));
        assert_eq!(body("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Some(None));
        assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-le"), None);
        assert!(read_answer(b"SSH-2.0-OpenSSH\r\n").is_err());
    }
}

//! A plain HTTP client: one connection for each request, every header as the test says.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::contract;

/// Nothing here takes this long; a test that does is broken.
const DEADLINE: Duration = Duration::from_secs(30);

/// Ends a test that hangs.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("this should have happened long ago")
}

/// Where the server is.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
}

/// A request that is to be sent.
pub(crate) struct Call {
    address: SocketAddr,
    request: http::request::Builder,
    method: Method,
    path: String,
    has_host: bool,
    body: Bytes,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call {
        self.call(Method::POST, path).body("application/json", &body.to_string())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Call {
        self.call(Method::PUT, path).body("application/json", &body.to_string())
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let request = Request::builder().method(method.clone()).uri(path);
        let path = path.to_owned();
        Call { address: self.address, request, method, path, has_host: false, body: Bytes::new() }
    }

    /// Applies documents that must be right.
    pub(crate) async fn apply(&self, yaml: &str) -> Answer {
        let answer = self.call(Method::POST, "/api/v1/apply").body("application/yaml", yaml).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{answer}");
        answer
    }
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Call {
        self.has_host |= name.eq_ignore_ascii_case("host");
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn body(self, media_type: &str, text: &str) -> Call {
        let body = Bytes::from(text.to_owned());
        Call { body, ..self }.header("content-type", media_type)
    }

    /// Sends it and reads the whole answer, which must be as the OpenAPI document says.
    pub(crate) async fn send(self) -> Answer {
        let (method, path) = (self.method.clone(), self.path.clone());
        let response = self.open().await;
        let (head, body) = response.into_parts();
        let bytes = in_time(body.collect()).await.expect("the body arrives whole").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("answers are text");
        let answer = Answer { status: head.status, headers: head.headers, text };
        contract::check_answer(&method, &path, &answer);
        answer
    }

    /// Sends it and reads the head of the answer.
    pub(crate) async fn open(self) -> http::Response<Incoming> {
        let mut request = self.request;
        if !self.has_host {
            request = request.header(header::HOST, self.address.to_string());
        }
        let request = request.body(Full::new(self.body)).expect("tests make requests well");
        in_time(async {
            let stream = TcpStream::connect(self.address).await.expect("the server takes connections");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("it answers")
        })
        .await
    }

    /// Sends it and reads the stream of events.
    pub(crate) async fn watch(self) -> Stream {
        let response = self.header("accept", "text/event-stream").open().await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Stream { body: response.into_body(), text: String::new() }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers here are text"))
    }

    /// The code of the problem, and that its status and form are right.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        let code = problem["code"].as_str().expect("a problem has a code").to_owned();
        assert_eq!(problem["type"], format!("https://sluice.dev/errors/{code}"));
        code
    }
}

/// For snapshots: the status, the headers that mean something, and the body with its keys in order.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in ["allow", "cache-control", "content-type", "etag", "location"] {
            if let Some(value) = self.headers.get(name) {
                writeln!(f, "{name}: {}", value.to_str().unwrap_or("?"))?;
            }
        }
        match serde_json::from_str(&self.text) {
            Ok(body) => write!(f, "\n{}", pretty(&body)),
            Err(_) => write!(f, "\n{}", self.text),
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&sorted(value)).expect("a value can be written")
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::to_value(fields).expect("keys are text")
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

/// A stream of server-sent events.
pub(crate) struct Stream {
    body: Incoming,
    text: String,
}

/// One message of a stream.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) event: String,
    pub(crate) id: Option<u64>,
    pub(crate) data: Value,
}

impl Stream {
    /// The next message, which must be as the OpenAPI document says; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        in_time(async {
            loop {
                if let Some((block, rest)) = self.text.split_once("\n\n") {
                    let message = parse(block);
                    self.text = rest.to_owned();
                    match message {
                        Some(message) => {
                            contract::check_message(&message);
                            return Some(message);
                        }
                        // A comment, sent to keep the stream alive.
                        None => continue,
                    }
                }
                let frame = self.body.frame().await?.expect("the stream does not break off");
                let data = frame.into_data().expect("a stream has no trailers");
                self.text.push_str(std::str::from_utf8(&data).expect("events are text"));
            }
        })
        .await
    }

    /// The next message of this name; others before it are passed over.
    pub(crate) async fn next_of(&mut self, event: &str) -> Message {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if message.event == event {
                return message;
            }
        }
    }
}

fn parse(block: &str) -> Option<Message> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let event = field("event")?.to_owned();
    let id = field("id").map(|id| id.parse().expect("places in the log are numbers"));
    let data = serde_json::from_str(field("data")?).expect("data is JSON");
    Some(Message { event, id, data })
}

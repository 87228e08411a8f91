//! A server that answers what it was given, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::IntoResponse;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Status, headers and body.
pub(crate) type Reply = (u16, Vec<(&'static str, &'static str)>, String);

pub(crate) struct Canned {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Canned {
    /// Answers every request with what `reply` makes of it.
    pub(crate) async fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Canned {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let reply = Arc::new(reply);
        let remembered = Arc::clone(&asked);
        let routes =
            Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let (reply, remembered) = (Arc::clone(&reply), Arc::clone(&remembered));
                async move {
                    let asked =
                        Asked { method, uri, headers, body: String::from_utf8(body.to_vec()).unwrap() };
                    let (status, headers, body) = reply(&asked);
                    remembered.lock().unwrap().push(asked);
                    let headers: HeaderMap = headers
                        .into_iter()
                        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                        .collect();
                    (axum::http::StatusCode::from_u16(status).unwrap(), headers, body).into_response()
                }
            });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Canned { url, asked }
    }

    /// Answers every request alike.
    pub(crate) async fn saying(status: u16, body: impl Into<String>) -> Canned {
        let body = body.into();
        Canned::start(move |_| (status, Vec::new(), body.clone())).await
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

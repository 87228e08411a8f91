//! A switched protocol: bytes both ways until either side ends.

use std::rc::Rc;

use http::Response;
use http::header::UPGRADE;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::download::ResponseBody;
use super::exchange::Exchange;
use super::headers;
use crate::pool::Seat;
use crate::worker::Worker;

/// Grants the visitor what the endpoint granted. The request is counted now, and stays in flight until the tunnel
/// ends: a release must not wait for hours to learn that a connection was taken.
pub(super) fn open(
    worker: &Rc<Worker>,
    visitor: OnUpgrade,
    mut response: Response<Incoming>,
    seat: Seat,
    mut exchange: Exchange,
) -> Response<ResponseBody> {
    exchange.head_came();
    exchange.answered(response.status().as_u16());
    exchange.respond(response.status().as_u16());
    let endpoint = hyper::upgrade::on(&mut response);
    let (mut parts, _) = response.into_parts();
    let protocol = parts.headers.get(UPGRADE).cloned();
    headers::strip(&mut parts.headers);
    parts.extensions.clear();
    if let Some(protocol) = protocol {
        headers::switch(&mut parts.headers, protocol);
    }
    let live = worker.join();
    tokio::task::spawn_local(async move {
        match carry(visitor, endpoint).await {
            Ok((from_visitor, to_visitor)) => exchange.carried(from_visitor, to_visitor),
            Err(error) => tracing::debug!(%error, "A tunnel broke"),
        }
        drop((seat, exchange, live));
    });
    Response::from_parts(parts, ResponseBody::Own(None))
}

async fn carry(visitor: OnUpgrade, endpoint: OnUpgrade) -> std::io::Result<(u64, u64)> {
    let visitor = visitor.await.map_err(std::io::Error::other)?;
    let endpoint = endpoint.await.map_err(std::io::Error::other)?;
    let (mut visitor, mut endpoint) = (TokioIo::new(visitor), TokioIo::new(endpoint));
    tokio::io::copy_bidirectional(&mut visitor, &mut endpoint).await
}

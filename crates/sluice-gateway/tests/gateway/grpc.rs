//! gRPC by its usual client and server, through the gateway.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::uri::PathAndQuery;
use sluice_core::document::service::HealthSpec;
use sluice_core::routing::ServiceRouting;
use sluice_core::{Counts, Span};
use sluice_gateway::Gateway;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tonic::body::Body;
use tonic::server::{NamedService, StreamingService};
use tonic::transport::{Channel, Endpoint as Origin, server::TcpIncoming};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::world::{key, publish, serve, service_at, soon, start, until_counted, until_in_flight, version};

type Codec = ProstCodec<String, String>;
type Client = tonic::client::Grpc<Channel>;

/// Answers as its method's name says.
#[derive(Clone)]
struct Speaker {
    /// Grows whenever a call that waits for ever is taken back.
    left: watch::Sender<u32>,
}

struct Method {
    name: String,
    left: watch::Sender<u32>,
}

struct Left(watch::Sender<u32>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.send_modify(|left| *left += 1);
    }
}

impl NamedService for Speaker {
    const NAME: &'static str = "test.Speaker";
}

impl tower::Service<http::Request<Body>> for Speaker {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let method = Method { name, left: self.left.clone() };
        Box::pin(
            async move { Ok(tonic::server::Grpc::new(Codec::default()).streaming(method, request).await) },
        )
    }
}

impl StreamingService<String> for Method {
    type Response = String;
    type ResponseStream = BoxStream<'static, Result<String, Status>>;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Self::ResponseStream>, Status>> + Send>>;

    fn call(&mut self, request: Request<Streaming<String>>) -> Self::Future {
        let (name, left) = (std::mem::take(&mut self.name), self.left.clone());
        Box::pin(async move {
            let timeout =
                request.metadata().get("grpc-timeout").map(|value| value.to_str().unwrap().to_owned());
            let told = request.into_inner();
            match name.as_str() {
                "Echo" => Ok(Response::new(told.map(|told| told.map(|told| format!("{told}!"))).boxed())),
                "Count" => {
                    let count = told.count().await;
                    Ok(Response::new(stream::iter([Ok(count.to_string())]).boxed()))
                }
                "Timeout" => Ok(Response::new(stream::iter([Ok(timeout.unwrap_or_default())]).boxed())),
                "NotFound" => Err(Status::not_found("nothing of that name")),
                "Broken" => Err(Status::internal("broken")),
                "BreaksOff" => {
                    let answers = [Ok("first".to_owned()), Err(Status::data_loss("lost"))];
                    Ok(Response::new(stream::iter(answers).boxed()))
                }
                _ => {
                    let left = Left(left);
                    let first = stream::iter([Ok("first".to_owned())]);
                    let rest = stream::once(async move {
                        let _left = left;
                        std::future::pending().await
                    });
                    Ok(Response::new(first.chain(rest).boxed()))
                }
            }
        })
    }
}

async fn speaker() -> (ServiceRouting, watch::Receiver<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (left, has_left) = watch::channel(0);
    let serving = tonic::transport::Server::builder().add_service(Speaker { left });
    tokio::spawn(async move { serving.serve_with_incoming(TcpIncoming::from(listener)).await });
    let endpoint = format!("h2c://127.0.0.1:{port}").parse().unwrap();
    let routing = service_at("shop", BTreeMap::from([(version("1"), vec![endpoint])]));
    let health = HealthSpec { path: String::new(), ..routing.health.clone() };
    (ServiceRouting { health, ..routing }, has_left)
}

async fn client(gateway: &Gateway) -> Client {
    let origin = Origin::from_shared(format!("http://{}", gateway.local_addr())).unwrap();
    let mut client = tonic::client::Grpc::new(soon("a connection", origin.connect()).await.unwrap());
    client.ready().await.unwrap();
    client
}

fn method(name: &str) -> PathAndQuery {
    format!("/test.Speaker/{name}").parse().unwrap()
}

async fn unary(client: &mut Client, name: &str) -> Result<String, Status> {
    client.ready().await.unwrap();
    let asked = client.unary(Request::new("hello".to_owned()), method(name), Codec::default());
    Ok(soon("an answer", asked).await?.into_inner())
}

async fn gateway_and_client() -> (Gateway, Client, watch::Receiver<u32>) {
    let (routing, left) = speaker().await;
    let gateway = start();
    serve(&gateway, vec![routing]).await;
    let client = client(&gateway).await;
    (gateway, client, left)
}

#[tokio::test]
async fn calls_of_every_kind_pass() {
    let (gateway, mut client, _left) = gateway_and_client().await;
    assert_eq!(unary(&mut client, "Echo").await.unwrap(), "hello!");
    let told = stream::iter((0..500).map(|number| number.to_string()));
    client.ready().await.unwrap();
    let count = client.client_streaming(Request::new(told), method("Count"), Codec::default());
    assert_eq!(soon("a count", count).await.unwrap().into_inner(), "500");

    // Each answer is there before the next word is said.
    let (say, mut words) = mpsc::channel::<String>(1);
    let words = stream::poll_fn(move |cx| words.poll_recv(cx));
    client.ready().await.unwrap();
    let answers = client.streaming(Request::new(words), method("Echo"), Codec::default());
    let mut answers = soon("the head", answers).await.unwrap().into_inner();
    for word in ["a", "b", "c"] {
        say.send(word.to_owned()).await.unwrap();
        assert_eq!(soon("an answer", answers.message()).await.unwrap().unwrap(), format!("{word}!"));
    }
    drop(say);
    assert_eq!(soon("the end", answers.message()).await.unwrap(), None);
    let counts = until_counted(&gateway, "1", |counts| counts.requests == 3).await;
    assert_eq!(counts.responses[1], 3);
}

#[tokio::test]
async fn outcomes_arrive_and_are_counted_by_whose_fault_they_are() {
    let (gateway, mut client, _left) = gateway_and_client().await;
    for (name, code) in
        [("NotFound", Code::NotFound), ("Broken", Code::Internal), ("BreaksOff", Code::DataLoss)]
    {
        let status = unary(&mut client, name).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
    }
    let is_so = |counts: &Counts| counts.responses == [0, 0, 0, 1, 2];
    assert_eq!(until_counted(&gateway, "1", is_so).await.failed(), 2);
}

#[tokio::test]
async fn a_deadline_passes() {
    let (_gateway, mut client, _left) = gateway_and_client().await;
    let mut request = Request::new("x".to_owned());
    request.set_timeout(Duration::from_secs(15));
    let asked = client.unary(request, method("Timeout"), Codec::default());
    let told = soon("an answer", asked).await.unwrap().into_inner();
    assert_eq!(told, "15000000u");
}

#[tokio::test]
async fn who_leaves_a_call_ends_it_at_the_endpoint() {
    let (gateway, mut client, mut left) = gateway_and_client().await;
    let asked = client.server_streaming(Request::new("x".to_owned()), method("Wait"), Codec::default());
    let mut answers = soon("the head", asked).await.unwrap().into_inner();
    assert_eq!(soon("an answer", answers.message()).await.unwrap().unwrap(), "first");
    drop(answers);
    soon("the end of the call", left.wait_for(|left| *left == 1)).await.unwrap();
    until_in_flight(&gateway, 0).await;
    until_counted(&gateway, "1", |counts| counts.cancelled == 1).await;
}

#[tokio::test]
async fn the_gateway_s_own_answers_are_statuses() {
    let gateway = start();
    let mut client = client(&gateway).await;
    assert_eq!(unary(&mut client, "Echo").await.unwrap_err().code(), Code::Unimplemented);
    let nobody = "h2c://127.0.0.1:1".parse().unwrap();
    publish(&gateway, vec![service_at("shop", BTreeMap::from([(version("1"), vec![nobody])]))]);
    let status = unary(&mut client, "Echo").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(!status.message().is_empty());
    assert_eq!(status.metadata().get("x-sluice-error").unwrap(), "no-ready-endpoint");
}

#[tokio::test]
async fn an_endpoint_that_does_not_know_what_it_is_asked_is_not_well() {
    let (routing, _left) = speaker().await;
    let health = HealthSpec { every: Span::from_millis(20), ..HealthSpec::default() };
    let gateway = start();
    publish(&gateway, vec![ServiceRouting { health, ..routing }]);
    let why = soon("a reason", async {
        loop {
            let sick = gateway.sick_endpoints(&key("shop")).remove(&version("1")).unwrap_or_default();
            if let Some((_, why)) = sick.into_iter().next() {
                break why;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let why = why.await;
    assert!(why.contains("grpc-status 12") || why.contains("answered 4"), "{why}");
}

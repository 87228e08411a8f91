//! `sluice demo-endpoint`: a build of the shop. It answers every request with its version, after a while, and fails
//! some of them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::args::EndpointArgs;
use crate::outcome::{Exit, Failure};
use crate::serve::end_of_stdin;
use crate::terminal::Screen;

/// What every build needs for an answer.
struct Build {
    version: String,
    error_percent: f64,
    delay: Duration,
    asked: AtomicU64,
}

/// Answers until standard input closes.
///
/// # Errors
/// When it cannot listen.
pub(crate) fn run(args: &EndpointArgs, screen: &mut Screen) -> Result<Exit, Failure> {
    let trouble = |error: std::io::Error| {
        Failure::new(Exit::Configuration, format!("the sample version cannot listen on {}", args.listen))
            .because(&error)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(trouble)?;
    let build = Arc::new(Build {
        version: args.version.to_string(),
        error_percent: args.error_percent,
        delay: Duration::from_millis(args.slow_ms),
        asked: AtomicU64::new(0),
    });
    let parent_is_gone = end_of_stdin();
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await.map_err(trouble)?;
        screen.line(&format!("endpoint   http://{}", listener.local_addr().map_err(trouble)?))?;
        tokio::select! {
            _ = parent_is_gone => Ok(Exit::Done),
            never = accept(listener, build) => match never {},
        }
    })
}

async fn accept(listener: TcpListener, build: Arc<Build>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some are free again in a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let build = Arc::clone(&build);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&build), request));
            let mut http = hyper::server::conn::http1::Builder::new();
            // A visitor who goes away in the middle is no trouble of ours.
            drop(http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

async fn answer<B>(build: Arc<Build>, request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/healthz" {
        return Ok(Response::new(Full::new(Bytes::from_static(b"fine\n"))));
    }
    let number = build.asked.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(build.delay).await;
    let (status, text) = if fails(number, build.error_percent) {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("shop {} is out of order\n", build.version))
    } else {
        (StatusCode::OK, format!("welcome to shop {}\n", build.version))
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    Ok(response)
}

/// Whether a request fails: a fixed sequence that looks random, the same in every run. The mixing is SplitMix64's
/// (Steele, Lea & Flood 2014).
fn fails(number: u64, percent: f64) -> bool {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    ((mixed % 10_000) as f64) < percent * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_requests_fail_as_asked() {
        let failed = (0..10_000).filter(|number| fails(*number, 8.0)).count();
        assert!((700..900).contains(&failed), "{failed} of 10000");
        assert_eq!((0..10_000).filter(|number| fails(*number, 0.0)).count(), 0);
        assert_eq!((0..10_000).filter(|number| fails(*number, 100.0)).count(), 10_000);
    }
}

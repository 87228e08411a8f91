//! Calls that come to nothing at once.

use sluice_core::document::policy::Hook;
use sluice_engine::port::Hooks as _;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::receiver::{Receiver, answer, padded, read_request};
use super::{PATIENT, call, hook, hooks, message, why};

/// What goes wrong when these bytes are answered, after the host's name.
async fn trouble_with(bytes: impl Into<Vec<u8>>) -> String {
    let receiver = Receiver::answering(bytes).await;
    let why = why(call(&hook(&receiver.url())).await);
    let trouble = why.strip_prefix(&format!("{} ", receiver.address)).map(str::to_owned);
    trouble.unwrap_or_else(|| panic!("the host is not named: {why}"))
}

#[tokio::test]
async fn a_status_that_is_no_success_is_named_even_with_a_verdict() {
    let cases = [
        ("400 Bad Request", "answered 400 Bad Request"),
        ("401 Who are you", "answered 401 Unauthorized"),
        ("500 Internal Server Error", "answered 500 Internal Server Error"),
        ("599 Odd", "answered 599 <unknown status code>"),
    ];
    for (status, expected) in cases {
        let bytes = answer(status, r#"{"verdict":"pass"}"#);
        assert_eq!(trouble_with(bytes).await, expected);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut elsewhere = Receiver::answering(answer("200 OK", r#"{"verdict":"pass"}"#)).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let head =
            format!("HTTP/1.1 {status}\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", elsewhere.url());
        assert_eq!(trouble_with(head).await, format!("answered {status}, and redirects are not followed"));
    }
    assert!(elsewhere.requests.try_recv().is_err(), "a redirect was followed");
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    let endless_head = format!("HTTP/1.1 200 OK\r\nx-long: {}", "x".repeat(200_000));
    let cases: [&[u8]; 6] = [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        endless_head.as_bytes(),
    ];
    for bytes in cases {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert_eq!(trouble_with(bytes).await, "answered what is not HTTP", "{start}");
    }
}

#[tokio::test]
async fn an_answer_that_ends_early_is_no_answer() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\n", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"verdict\":\"pass\"}", "broke its answer off"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n12\r\n{\"verdict\":\"pass\"}\r\n",
            "broke its answer off",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(trouble_with(bytes).await, expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_no_answer() {
    let receiver = Receiver::doing(|mut stream, _| async move {
        read_request(&mut stream).await;
        // Closing without lingering sends a reset instead of an end.
        stream.set_zero_linger().unwrap();
    })
    .await;
    let why = why(call(&hook(&receiver.url())).await);
    assert_eq!(why, format!("{} closed the connection without an answer", receiver.address));
}

#[tokio::test]
async fn more_than_64_kib_is_too_much_however_it_is_framed() {
    let body = padded(r#"{"verdict":"pass"}"#, 64 * 1024 + 1);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let cases = [
        String::from_utf8(answer("200 OK", &body)).unwrap(),
        format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
        chunked,
        // Refused by what it announces.
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", u64::MAX / 4),
    ];
    for bytes in cases {
        assert_eq!(trouble_with(bytes).await, "answered more than 64 KiB");
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let receiver = Receiver::doing(|mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // Ends when the other side has closed.
        while stream.write_all(&[b' '; 4096]).await.is_ok() {}
    })
    .await;
    let why = why(call(&hook(&receiver.url())).await);
    assert_eq!(why, format!("{} answered more than 64 KiB", receiver.address));
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    // Bound and not listening: nobody else gets the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let why = why(call(&hook(&format!("http://{address}"))).await);
    assert_eq!(why, format!("{address} refused the connection"));
}

#[tokio::test]
async fn a_name_that_nobody_has_cannot_be_found() {
    // Longer than a label may be, so that no resolver has to be asked.
    let host = format!("{}.invalid", "a".repeat(64));
    let why = why(call(&hook(&format!("http://{host}"))).await);
    assert!(why.starts_with(&format!("{host} could not be found by its name: ")), "{why}");
}

#[tokio::test]
async fn an_address_that_is_none_is_told_without_its_path() {
    let cases = [
        ("http://127.0.0.1:99999", "127.0.0.1:99999", "its port is not one"),
        ("http://127.0.0.1:", "127.0.0.1:", "its port is not one"),
        ("https://[::1", "[::1", "it cannot be read"),
        ("http://a^b", "a^b", "it cannot be read"),
    ];
    for (url, host, expected) in cases {
        let why = why(call(&hook(url)).await);
        assert_eq!(why, format!("{host} was not called: its address is not valid ({expected})"));
    }
}

#[tokio::test]
async fn a_delivery_that_fits_no_header_is_told() {
    let receiver = Receiver::answering(answer("200 OK", r#"{"verdict":"pass"}"#)).await;
    let hook = Hook { timeout: PATIENT, ..hook(&receiver.url()) };
    let why = why(hooks().call(&hook, "two\nlines", &message()).await);
    let expected = "was not called: the name of the delivery is no text for a header";
    assert_eq!(why, format!("{} {expected}", receiver.address));
}

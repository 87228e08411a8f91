//! Webhooks over TLS, with authorities and certificates that are made here.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use sluice_connect::{CertificateDer, HttpHooks};
use sluice_core::document::policy::SecretSource;
use sluice_core::release::HookAnswer;
use sluice_engine::port::Hooks as _;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

use super::receiver::{Receiver, answer, read_request, until_closed};
use super::{VARIABLE, hook, hooks, hooks_that_trust, message, signed, why};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    root_pem: String,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        Authority { issuer: Issuer::new(params, key), root: root.der().clone(), root_pem: root.pem() }
    }

    /// What a server for 127.0.0.1 shows, after `change`.
    fn certify(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity { certificate, key }
    }

    fn trusted(&self) -> HttpHooks {
        hooks_that_trust(vec![self.root.clone()])
    }
}

struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

/// Hooks that trust an authority that nobody has a certificate of.
pub(crate) fn hooks_with_a_root() -> HttpHooks {
    Authority::new("the authority").trusted()
}

/// Answers in TLS.
async fn receiver(identity: Identity, bytes: Vec<u8>) -> Receiver {
    receiver_that_verifies(WebPkiClientVerifier::no_client_auth(), identity, bytes).await
}

/// Answers in TLS whoever shows the right certificate.
async fn receiver_that_verifies(
    callers: Arc<dyn ClientCertVerifier>,
    identity: Identity,
    bytes: Vec<u8>,
) -> Receiver {
    let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(callers)
        .with_single_cert(vec![identity.certificate], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Receiver::doing(move |stream, requests| {
        let (acceptor, bytes) = (acceptor.clone(), bytes.clone());
        async move {
            let mut stream = match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => stream,
                // Closing with something unread would reset the connection, and what TLS said would be lost.
                Err((_, mut stream)) => return until_closed(&mut stream).await,
            };
            requests.send(read_request(&mut stream).await).unwrap();
            stream.write_all(&bytes).await.unwrap();
            // Without a goodbye in TLS: what was told to come has come.
            stream.flush().await.unwrap();
        }
    })
    .await
}

async fn call(hooks: &HttpHooks, receiver: &Receiver) -> HookAnswer {
    let hook = signed(&format!("https://{}", receiver.address), SecretSource::Env(VARIABLE.to_owned()));
    hooks.call(&hook, "checkout-7/3", &message()).await
}

fn pass() -> Vec<u8> {
    answer("200 OK", r#"{"verdict":"pass","reason":"in TLS"}"#)
}

#[tokio::test]
async fn a_host_that_an_extra_root_vouches_for_is_called_in_tls() {
    let authority = Authority::new("the authority");
    let mut receiver = receiver(authority.certify(|_| {}), pass()).await;
    let hooks = authority.trusted();
    for _ in 0..2 {
        assert_eq!(call(&hooks, &receiver).await, super::passed("in TLS"));
        let request = receiver.requests.recv().await.unwrap();
        assert_eq!(request.header("host"), Some(receiver.address.to_string().as_str()));
        assert!(request.header("x-sluice-signature").is_some());
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_only_when_it_was_handed_in() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let receiver = receiver(Identity { certificate: certificate.clone(), key }, pass()).await;

    let expected = "its certificate is self-signed, or this machine does not know who issued it";
    let untrusted = why(call(&hooks_with_a_root(), &receiver).await);
    assert_eq!(untrusted, format!("{} cannot be trusted: {expected}", receiver.address));
    assert_eq!(call(&hooks_that_trust(vec![certificate]), &receiver).await, super::passed("in TLS"));
}

#[tokio::test]
async fn certificates_that_prove_nothing_get_no_request() {
    let authority = Authority::new("the authority");
    let other_name = SanType::DnsName("elsewhere.example.com".try_into().unwrap());
    let cases = [
        (
            authority.certify(|params| params.not_after = date_time_ymd(2020, 1, 1)),
            "its certificate has expired",
        ),
        (
            authority.certify(|params| params.not_before = date_time_ymd(3000, 1, 1)),
            "its certificate is not valid yet",
        ),
        (
            authority.certify(|params| params.subject_alt_names = vec![other_name]),
            "its certificate is for another name",
        ),
        (
            Authority::new("another one").certify(|_| {}),
            "its certificate is self-signed, or this machine does not know who issued it",
        ),
    ];
    for (identity, expected) in cases {
        let mut receiver = receiver(identity, pass()).await;
        let why = why(call(&authority.trusted(), &receiver).await);
        assert_eq!(why, format!("{} cannot be trusted: {expected}", receiver.address));
        assert!(receiver.requests.try_recv().is_err(), "a request was sent");
    }
}

#[tokio::test]
async fn a_host_that_answers_plainly_where_tls_is_expected_is_told_apart() {
    let plain = Receiver::doing(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        until_closed(&mut stream).await;
    })
    .await;
    let told = why(call(&hooks_with_a_root(), &plain).await);
    let expected = "does not speak TLS; is its address http:// instead of https://?";
    assert_eq!(told, format!("{} {expected}", plain.address));

    let silent = Receiver::doing(|stream, _| async move { drop(stream) }).await;
    let told = why(call(&hooks_with_a_root(), &silent).await);
    assert!(told.starts_with(&format!("{} did not agree on TLS: ", silent.address)), "{told}");
}

#[tokio::test]
async fn a_host_that_wants_a_certificate_of_its_callers_is_told_apart() {
    let authority = Authority::new("the authority");
    let identity = authority.certify(|_| {});
    let mut roots = RootCertStore::empty();
    roots.add(authority.root.clone()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let receiver = receiver_that_verifies(callers, identity, pass()).await;
    let why = why(call(&authority.trusted(), &receiver).await);
    assert_eq!(
        why,
        format!("{} did not agree on TLS: received fatal alert: CertificateRequired", receiver.address)
    );
}

#[tokio::test]
async fn a_plain_request_to_a_host_that_wants_tls_is_not_http() {
    let authority = Authority::new("the authority");
    let receiver = receiver(authority.certify(|_| {}), pass()).await;
    let why = why(hooks().call(&hook(&format!("http://{}", receiver.address)), "1", &message()).await);
    assert_eq!(why, format!("{} answered what is not HTTP", receiver.address));
}

#[tokio::test]
async fn in_tls_too_an_answer_without_its_end_is_no_answer() {
    let authority = Authority::new("the authority");
    // It ends where the connection does; and whoever cuts the connection decides what it said.
    let cut = b"HTTP/1.1 200 OK\r\n\r\n{\"verdict\":\"pass\"}".to_vec();
    let receiver = receiver(authority.certify(|_| {}), cut).await;
    let why = why(call(&authority.trusted(), &receiver).await);
    assert_eq!(why, format!("{} broke its answer off", receiver.address));
}

/// Tells a process of this test whom to call.
const ADDRESS: &str = "TEST_ADDRESS";
/// What stands before the answer in what that process prints.
const SAYS: &str = "the answer is ";

/// What a call comes to in a process whose machine trusts the authorities in a file alone.
async fn answer_where_trusted_is(file: &Path, receiver: &Receiver) -> String {
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "encrypted::authorities_are_those_of_the_machine", "--nocapture"])
        .env(ADDRESS, format!("https://{}", receiver.address))
        .env("SSL_CERT_FILE", file)
        .env("SSL_CERT_DIR", file.with_file_name("no-such-folder"))
        .output();
    let printed = String::from_utf8(child.await.unwrap().stdout).unwrap();
    let answer = printed.lines().find_map(|line| line.split_once(SAYS));
    answer.unwrap_or_else(|| panic!("it said nothing: {printed}")).1.to_owned()
}

#[tokio::test]
async fn authorities_are_those_of_the_machine() {
    // A process cannot change its own environment while others read it, so another one makes the call.
    if let Ok(at) = std::env::var(ADDRESS) {
        let answer = hooks().call(&hook(&at), "1", &message()).await;
        return println!("{SAYS}{answer:?}");
    }
    let authority = Authority::new("the authority");
    let receiver = receiver(authority.certify(|_| {}), pass()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorities.pem");
    let address = receiver.address;

    std::fs::write(&file, "").unwrap();
    let none = HookAnswer::Broken {
        why: format!(
            "{address} was not called: this machine trusts no certificate authority; install its package of CA \
             certificates, or name a file of them in SSL_CERT_FILE"
        ),
    };
    assert_eq!(answer_where_trusted_is(&file, &receiver).await, format!("{none:?}"));

    std::fs::write(&file, Authority::new("another one").root_pem).unwrap();
    let answer = answer_where_trusted_is(&file, &receiver).await;
    assert!(answer.contains("this machine does not know who issued it"), "{answer}");

    std::fs::write(&file, &authority.root_pem).unwrap();
    assert_eq!(answer_where_trusted_is(&file, &receiver).await, format!("{:?}", super::passed("in TLS")));
}

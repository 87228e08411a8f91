//! What can go wrong with a call, in words.

use std::io::{self, ErrorKind};

use http::StatusCode;
use sluice_core::Span;
use tokio_rustls::rustls::{self, CertificateError};

/// A call that came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("{host} {trouble}")]
pub(crate) struct Broken {
    /// Who was called: host and port as they stand in the address, and no more of it.
    pub(crate) host: String,
    pub(crate) trouble: Trouble,
}

/// Why a call came to nothing: what is said after the host's name. It owns no part of a secret, path or query.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("was not called: {0}")]
    Unsigned(Unsigned),
    #[error("was not called: its secret could not be read within {0}")]
    SecretTooLate(Span),
    #[error("was not called: the name of the delivery is no text for a header")]
    InvalidDelivery,
    #[error("was not called: its address is not valid ({0})")]
    InvalidAddress(&'static str),
    #[error(
        "was not called: this machine trusts no certificate authority; install its package of CA certificates, or name \
         a file of them in SSL_CERT_FILE"
    )]
    NoRoots,
    #[error("could not be found by its name: {0}")]
    NoSuchName(io::Error),
    #[error("refused the connection")]
    Refused,
    #[error("could not be connected to: {0}")]
    Unreachable(io::Error),
    #[error("could not be connected to within {0}")]
    ConnectingTooLong(Span),
    #[error("cannot be trusted: {0}")]
    Untrusted(String),
    #[error("does not speak TLS; is its address http:// instead of https://?")]
    NotTls,
    #[error("did not agree on TLS: {0}")]
    Tls(String),
    #[error("took the connection and did not answer within {0}")]
    AnswerTooLate(Span),
    #[error("began to answer and did not end within {0}")]
    AnswerTooLong(Span),
    #[error("closed the connection without an answer")]
    Unanswered,
    #[error("broke its answer off")]
    BrokeOff,
    #[error("answered what is not HTTP")]
    NotHttp,
    #[error("answered more than {} KiB", .0 / 1024)]
    TooMuch(usize),
    #[error("answered {0}, and redirects are not followed")]
    Redirect(StatusCode),
    #[error("answered {0}")]
    Status(StatusCode),
}

/// Why a message could not be signed. Names where the secret is kept, never what it holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    #[error("the variable `{0}`, which holds its secret, is not set where Sluice runs")]
    VariableNotSet(String),
    #[error("the variable `{0}`, which holds its secret, is empty")]
    VariableEmpty(String),
    #[error("the file `{path}`, which holds its secret, cannot be read: {source}")]
    FileUnreadable { path: String, source: io::Error },
    #[error("`{0}`, which holds its secret, is not a file")]
    NoFile(String),
    #[error("the file `{0}`, which holds its secret, is empty")]
    FileEmpty(String),
    #[error("the file `{path}`, which holds its secret, is longer than {bytes_max} bytes")]
    FileTooLong { path: String, bytes_max: u64 },
}

impl Trouble {
    /// What a failed handshake means.
    pub(crate) fn of_handshake(error: &io::Error) -> Trouble {
        match of_tls(error) {
            Some(rustls::Error::InvalidCertificate(certificate)) => Trouble::Untrusted(distrust(certificate)),
            Some(rustls::Error::InvalidMessage(_)) => Trouble::NotTls,
            _ => Trouble::Tls(error.to_string()),
        }
    }

    /// What it means that no answer came.
    pub(crate) fn of_request(error: &hyper::Error) -> Trouble {
        // A host that wants a certificate of whoever calls says so only after the handshake.
        match of_io(error).and_then(of_tls) {
            Some(tls) => Trouble::Tls(tls.to_string()),
            None if error.is_parse() => Trouble::NotHttp,
            None => Trouble::Unanswered,
        }
    }

    /// What it means that an answer did not come whole.
    pub(crate) fn of_body(error: &hyper::Error) -> Trouble {
        let io = of_io(error).filter(|io| of_tls(io).is_none());
        let is_malformed =
            io.is_some_and(|io| matches!(io.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData));
        if error.is_parse() || is_malformed { Trouble::NotHttp } else { Trouble::BrokeOff }
    }

    /// What a status that is no success means.
    pub(crate) fn of_status(status: StatusCode) -> Trouble {
        if status.is_redirection() { Trouble::Redirect(status) } else { Trouble::Status(status) }
    }
}

/// What the connection said, where HTTP failed because of it.
fn of_io(error: &hyper::Error) -> Option<&io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// What TLS said, where the connection failed because of it.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn distrust(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "its certificate is self-signed, or this machine does not know who issued it".to_owned()
        }
        other => format!("its certificate is not valid ({other})"),
    }
}

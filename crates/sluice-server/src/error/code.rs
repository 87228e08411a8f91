//! The codes of everything that can go wrong for a client: one table, from which the answers, the OpenAPI document and
//! the reference page are made.

use http::StatusCode;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A stable code: a client may decide by it. Codes are added, never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The request itself is malformed.
    BadRequest,
    /// The request came from another site or under another name.
    ForeignOrigin,
    /// There is nothing at this address.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
    /// The body took too long to arrive.
    RequestTimeout,
    /// Others need the document.
    InUse,
    /// The document is built in.
    BuiltIn,
    /// The release cannot start.
    ReleaseRefused,
    /// The version cannot be announced or withdrawn.
    AnnouncementRefused,
    /// The release does not take this verb now.
    VerbRefused,
    /// The document has changed since it was read.
    Conflict,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is of a type that is not read here.
    UnsupportedMediaType,
    /// Documents are wrong, or do not fit what exists.
    InvalidDocument,
    /// An idempotency key came again with another request.
    IdempotencyMismatch,
    /// The request does not say which state of the document it is about.
    PreconditionRequired,
    /// A bug, or damage.
    Internal,
    /// Something that is needed does not answer now.
    Unavailable,
    /// Everyone is being taken back, but that is not on disk yet.
    NotRecorded,
    /// The disk is full.
    DiskFull,
}

/// One line of the table.
struct Entry {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    meaning: &'static str,
    mend: &'static str,
}

impl Code {
    /// Every code, by status.
    pub const ALL: [Code; 20] = [
        Code::BadRequest,
        Code::ForeignOrigin,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::RequestTimeout,
        Code::InUse,
        Code::BuiltIn,
        Code::ReleaseRefused,
        Code::AnnouncementRefused,
        Code::VerbRefused,
        Code::Conflict,
        Code::PayloadTooLarge,
        Code::UnsupportedMediaType,
        Code::InvalidDocument,
        Code::IdempotencyMismatch,
        Code::PreconditionRequired,
        Code::Internal,
        Code::Unavailable,
        Code::NotRecorded,
        Code::DiskFull,
    ];

    /// As written in the `code` of a problem.
    pub const fn as_str(self) -> &'static str {
        self.entry().name
    }

    /// The HTTP status that it comes with, always the same.
    pub const fn status(self) -> StatusCode {
        self.entry().status
    }

    /// What happened, in a few words that are the same every time.
    pub const fn title(self) -> &'static str {
        self.entry().title
    }

    /// When it happens, in a sentence or two.
    pub const fn meaning(self) -> &'static str {
        self.entry().meaning
    }

    /// How to mend it, in a sentence or two.
    pub const fn mend(self) -> &'static str {
        self.entry().mend
    }

    /// The `type` of a problem: an address that tells codes apart across products.
    pub fn type_uri(self) -> String {
        format!("https://sluice.dev/errors/{}", self.as_str())
    }

    const fn entry(self) -> Entry {
        match self {
            Code::BadRequest
            | Code::ForeignOrigin
            | Code::NotFound
            | Code::MethodNotAllowed
            | Code::RequestTimeout
            | Code::PayloadTooLarge
            | Code::UnsupportedMediaType => self.entry_of_request(),
            Code::InUse
            | Code::BuiltIn
            | Code::Conflict
            | Code::InvalidDocument
            | Code::IdempotencyMismatch
            | Code::PreconditionRequired => self.entry_of_state(),
            Code::ReleaseRefused | Code::AnnouncementRefused | Code::VerbRefused => self.entry_of_release(),
            Code::Internal | Code::Unavailable | Code::NotRecorded | Code::DiskFull => self.entry_of_server(),
        }
    }

    /// Codes that are about the request alone.
    const fn entry_of_request(self) -> Entry {
        match self {
            Code::ForeignOrigin => Entry {
                name: "foreign-origin",
                status: StatusCode::FORBIDDEN,
                title: "The request came from elsewhere",
                meaning: "There is no sign-in yet, so that only requests to a loopback name or address with the \
                          server's own port are answered, and none that another site made a browser send.",
                mend: "Use http://127.0.0.1:7070 or http://localhost:7070. Through an SSH tunnel, use the same port \
                       on both ends. A proxy in between must set `Host` and `Origin` to the server's own.",
            },
            Code::NotFound => Entry {
                name: "not-found",
                status: StatusCode::NOT_FOUND,
                title: "There is no such thing",
                meaning: "No document has this name, or nothing is served at this address.",
                mend: "Check the name and, for services and releases, the environment. The hint names what looks \
                       like it.",
            },
            Code::MethodNotAllowed => Entry {
                name: "method-not-allowed",
                status: StatusCode::METHOD_NOT_ALLOWED,
                title: "The address does not take this method",
                meaning: "Something is served here, but not with this method. Releases, for one, are not replaced \
                          with PUT.",
                mend: "Use a method that the `Allow` header of the answer names.",
            },
            Code::RequestTimeout => Entry {
                name: "request-timeout",
                status: StatusCode::REQUEST_TIMEOUT,
                title: "The body took too long to arrive",
                meaning: "The whole body must be there 10 seconds after the head.",
                mend: "Send the request again.",
            },
            Code::PayloadTooLarge => Entry {
                name: "payload-too-large",
                status: StatusCode::PAYLOAD_TOO_LARGE,
                title: "The body is too large",
                meaning: "A body holds at most 1 MiB.",
                mend: "Apply the documents in several requests.",
            },
            Code::UnsupportedMediaType => Entry {
                name: "unsupported-media-type",
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                title: "The body is of a type that is not read here",
                meaning: "Every POST and PUT says what its body is: `application/json`, and for `/api/v1/apply` also \
                          `application/yaml`.",
                mend: "Set the `Content-Type` header. A verb without a reason still has the body `{}`.",
            },
            _ => Entry {
                name: "bad-request",
                status: StatusCode::BAD_REQUEST,
                title: "The request is malformed",
                meaning: "A header, a query parameter, a name or the JSON of the body is not what it should be. The \
                          detail says which, and where.",
                mend: "Mend what the detail names. Unknown parameters and fields are refused, so that a slip of the \
                       pen does not pass for an answer.",
            },
        }
    }

    /// Codes that are about what exists.
    const fn entry_of_state(self) -> Entry {
        match self {
            Code::InUse => Entry {
                name: "in-use",
                status: StatusCode::CONFLICT,
                title: "Others need the document",
                meaning: "The document cannot be deleted while others name it. The detail lists them.",
                mend: "Change or delete those first.",
            },
            Code::BuiltIn => Entry {
                name: "built-in",
                status: StatusCode::CONFLICT,
                title: "The document is built in",
                meaning: "Built-in policies, metrics and environments can be read, not changed.",
                mend: "Give your document another name.",
            },
            Code::Conflict => Entry {
                name: "conflict",
                status: StatusCode::PRECONDITION_FAILED,
                title: "The document has changed meanwhile",
                meaning: "The document is not at the resource version that `If-Match` names, or exists although \
                          `If-None-Match: *` asks for none.",
                mend: "Read it again, make your change to what you read, and send that with the new `ETag`.",
            },
            Code::IdempotencyMismatch => Entry {
                name: "idempotency-mismatch",
                status: StatusCode::UNPROCESSABLE_ENTITY,
                title: "The idempotency key belongs to another request",
                meaning: "The same `Idempotency-Key` came before, with something else in the request.",
                mend: "Use a new key for every new request, and the same key only to send the same request again.",
            },
            Code::PreconditionRequired => Entry {
                name: "precondition-required",
                status: StatusCode::PRECONDITION_REQUIRED,
                title: "The request does not say which state it is about",
                meaning: "A PUT replaces what somebody may just have changed, so it must say what it replaces.",
                mend: "Send `If-Match` with the `ETag` that you read, or `If-None-Match: *` for a new document.",
            },
            _ => Entry {
                name: "invalid-document",
                status: StatusCode::UNPROCESSABLE_ENTITY,
                title: "The documents cannot be taken",
                meaning: "Something in them is wrong, or does not fit what exists. `problems` lists all of it, each \
                          with its place. Nothing was changed.",
                mend: "Mend each problem and send the documents again.",
            },
        }
    }

    /// Codes that are about what is released.
    const fn entry_of_release(self) -> Entry {
        match self {
            Code::ReleaseRefused => Entry {
                name: "release-refused",
                status: StatusCode::CONFLICT,
                title: "The release cannot start",
                meaning: "The version is live already, or unknown, or has not been released in the environment that \
                          comes before, or something else that a release needs is not there. The detail says which.",
                mend: "Do what the hint says. Whoever may override the order of environments, a window or a freeze \
                       sends `override` with a reason, which is logged.",
            },
            Code::AnnouncementRefused => Entry {
                name: "announcement-refused",
                status: StatusCode::CONFLICT,
                title: "The version cannot be announced or withdrawn",
                meaning: "The version is known already and listens elsewhere, or it cannot be withdrawn because \
                          people have it, it is being released, or the service's document declares it. The detail \
                          says which.",
                mend: "Do what the hint says. Another build is another version: give it a name of its own.",
            },
            _ => Entry {
                name: "verb-refused",
                status: StatusCode::CONFLICT,
                title: "The release does not take this verb now",
                meaning: "A release that has ended cannot be paused, one that is not paused cannot be resumed, one \
                          that waits for no approval cannot be approved, and not everybody may approve or override. \
                          The detail says why.",
                mend: "Look at the release: `status.verbs` lists what it would take now, `status.gate` who may \
                       approve.",
            },
        }
    }

    /// Codes that are about the server.
    const fn entry_of_server(self) -> Entry {
        match self {
            Code::Unavailable => Entry {
                name: "unavailable",
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "The server cannot answer now",
                meaning: "It starts, stops, has too many watchers, or its store does not answer.",
                mend: "Try again in a few seconds; with an `Idempotency-Key`, verbs can be sent again safely.",
            },
            Code::NotRecorded => Entry {
                name: "not-recorded",
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "It is being done, but could not be recorded yet",
                meaning: "Everyone is being taken back to stable, because that must not wait for the store. It is \
                          recorded as soon as the store takes it; until then a restart would not know of it.",
                mend: "Look at what is wrong with the store: the server's log has the cause.",
            },
            Code::DiskFull => Entry {
                name: "disk-full",
                status: StatusCode::INSUFFICIENT_STORAGE,
                title: "The disk is full",
                meaning: "The change could not be stored, and was not made.",
                mend: "Free some space on the disk that holds the data folder.",
            },
            _ => Entry {
                name: "internal",
                status: StatusCode::INTERNAL_SERVER_ERROR,
                title: "Something broke inside",
                meaning: "A bug, or a damaged store. The server's log has the cause.",
                mend: "Look in the log, and report it.",
            },
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A stable code: a client may decide by it."))
            .enum_values(Some(Code::ALL.map(Code::as_str)))
            .into()
    }
}

impl ToSchema for Code {}

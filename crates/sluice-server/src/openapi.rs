//! The OpenAPI document, made from the operations and types themselves.

use utoipa::OpenApi;

use crate::error::ProblemDetails;
use crate::schema::LiveMessage;

/// What no single operation says.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sluice",
        version = "v1",
        description = "Everything that the command line and the dashboard do.\n\n\
            Documents have the form that they are written in: `apiVersion`, `kind`, `metadata`, `spec`, and a \
            read-only `status`. The `ETag` of a document is its `metadata.resourceVersion`; whoever replaces it sends \
            that back as `If-Match`. Verbs, new releases and announcements take an `Idempotency-Key`: the same request under the \
            same key does nothing a second time and is answered as it was the first time. Every answer that is not a \
            success is a problem body (RFC 9457) with a stable `code`.\n\n\
            There is no sign-in yet: the server listens on loopback addresses only.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "documents", description = "What people write: services, segments, metrics, policies, environments"),
        (name = "releases", description = "Starting releases, and the verbs that move them"),
        (name = "versions", description = "Announcing builds, handing them on, and what is live where"),
        (name = "events", description = "What happened, and what happens now"),
        (name = "traffic", description = "What was counted"),
        (name = "preview", description = "Looking at a version before anybody else"),
        (name = "operations", description = "How the server does, and what it speaks")
    ),
    components(schemas(ProblemDetails, LiveMessage))
)]
pub(crate) struct Frame;

/// The OpenAPI 3.1 document of the whole API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    crate::routes::described().into_openapi()
}

//! What handlers take from a request. Whatever is malformed is answered with a problem that names it.

mod body;
mod caller;
mod precondition;

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use http::request::Parts;
use serde::de::DeserializeOwned;
use sluice_core::name::InvalidName;
use sluice_core::{Name, VersionName};

use crate::error::ApiError;
pub(crate) use body::{AnyDocuments, Documents, Json};
pub(crate) use caller::{CallerHeaders, override_reason};
pub(crate) use precondition::{IfMatch, Precondition, is_unchanged};

/// The query parameters. Unknown ones are refused when the type refuses them.
pub(crate) struct Query<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Query(query)),
            Err(rejection) => Err(bad_query(&rejection)),
        }
    }
}

fn bad_query(rejection: &QueryRejection) -> ApiError {
    let text = rejection.body_text();
    let what = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    ApiError::bad_request(format!("the query parameters are wrong: {what}"))
}

/// The name at the end of an address, or before the verb.
pub(crate) struct PathName(pub(crate) Name);

impl<S> FromRequestParts<S> for PathName
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let axum::extract::Path(text) = axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
        text.parse().map(PathName).map_err(bad_address)
    }
}

/// The name of a service and of one of its versions, in an address.
pub(crate) struct PathVersion(pub(crate) Name, pub(crate) VersionName);

impl<S> FromRequestParts<S> for PathVersion
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let axum::extract::Path((service, version)) =
            axum::extract::Path::<(String, String)>::from_request_parts(parts, state)
                .await
                .map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
        let service = service.parse().map_err(bad_address)?;
        let version = version.parse().map_err(bad_address)?;
        Ok(PathVersion(service, version))
    }
}

fn bad_address(invalid: InvalidName) -> ApiError {
    ApiError::bad_request(format!("the address is wrong: {invalid}"))
}

//! Creates a Subscription.

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::known::remember;
use super::progress::{Progress, REQUESTED};
use super::report::RowResult;
use crate::client::{Error, FhirClient};

/// Whether the server said what it has made.
pub(super) async fn create(client: &FhirClient, progress: &mut Progress<'_>) -> Result<bool, Error> {
    let media_type = HeaderValue::from_static(progress.wanted.media_type);
    let mut create =
        client.create("Subscription", &progress.wanted.resource).header(CONTENT_TYPE, media_type);
    if let Some((name, value)) = progress.wanted.request_header.clone() {
        create = create.header(name, value);
    }
    let written = create.await?;
    if let Some(id) = &written.id {
        progress.row.done(RowResult::Created, id, Some(REQUESTED.into()));
        remember(progress.app, &progress.wanted.url, id).await;
    }
    progress.created = written.id;
    Ok(progress.created.is_some())
}

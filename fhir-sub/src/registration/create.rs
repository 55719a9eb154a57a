//! Creates a Subscription.

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::delete::delete;
use super::known::{Created, remember};
use super::progress::{Progress, REQUESTED};
use super::report::RowResult;
use crate::client::{Error, FhirClient};

/// Creates the Subscription; `replaces` is the Subscription that it replaces. Returns true if the new
/// one stays and the server said its id. Otherwise the caller reads again.
pub(super) async fn create(
    client: &FhirClient,
    progress: &mut Progress<'_>,
    replaces: Option<&str>,
) -> Result<bool, Error> {
    let media_type = HeaderValue::from_static(progress.wanted.media_type);
    let mut create =
        client.create("Subscription", &progress.wanted.resource).header(CONTENT_TYPE, media_type);
    if let Some((name, value)) = progress.wanted.request_header.clone() {
        create = create.header(name, value);
    }
    let written = create.await?;
    progress.is_unnamed = written.id.is_none();
    if let Some(id) = &written.id {
        let created = Created { id, replaces, is_found_by_id: progress.is_found_by_id };
        if !remember(progress.app, client, &progress.wanted.url, created).await {
            delete(client, id).await?;
            return Ok(false);
        }
        progress.row.done(RowResult::Created, id, Some(REQUESTED.into()));
    }
    progress.created = written.id;
    Ok(progress.created.is_some())
}

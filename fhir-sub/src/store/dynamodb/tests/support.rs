//! Tables and stores for the tests.

use crate::aws::OverTransport;
use crate::client::transport::Connection;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};

use super::super::connect::{client, connect, settings};
use super::super::item::Item;
use super::super::{DynamoDbStore, connect};
use super::wire::Wire;
use crate::store::Store;
use crate::store::suite::timed::RETENTION;

/// A backend in a table of its own, at the endpoint of the environment.
pub(super) async fn backend() -> DynamoDbStore {
    let client = connect(&Connection::default()).await.unwrap();
    open(&table(&client).await).await
}

/// A store with the real clock, and its backend.
pub(super) async fn running() -> (Store, Arc<DynamoDbStore>) {
    store_over(backend().await)
}

pub(super) fn store_over(backend: DynamoDbStore) -> (Store, Arc<DynamoDbStore>) {
    let backend = Arc::new(backend);
    (Store::new(backend.clone(), RETENTION), backend)
}

pub(super) async fn open(table: &str) -> DynamoDbStore {
    DynamoDbStore::new(table.to_owned()).with_client(connect(&Connection::default()).await.unwrap())
}

/// A store with the real clock. Its calls use a wire that can fail.
pub(super) async fn wired() -> (Store, Arc<Wire>) {
    let wire = Arc::new(Wire::new());
    let config = settings().http_client(OverTransport::over(wire.clone())).load().await;
    let client = client(&config);
    let backend = DynamoDbStore::new(table(&client).await).with_client(client);
    wire.count();
    (store_over(backend).0, wire)
}

/// Creates a table as `docs/dynamodb.md` says, and returns its name.
pub(super) async fn table(client: &Client) -> String {
    let name = format!("notifications-{:x}", fastrand::u64(..));
    let attribute =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let made = client
        .create_table()
        .table_name(&name)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    unless_repeated(made, "ResourceInUseException");
    let expires = TimeToLiveSpecification::builder().enabled(true).attribute_name("expiration");
    let set = client
        .update_time_to_live()
        .table_name(&name)
        .time_to_live_specification(expires.build().unwrap())
        .send()
        .await;
    unless_repeated(set, "ValidationException");
    name
}

/// A server that has just started may take longer than an attempt, so the SDK may repeat a call that
/// succeeded.
fn unless_repeated<T, E: ProvideErrorMetadata + std::fmt::Debug>(result: Result<T, E>, repeated: &str) {
    if let Err(error) = result {
        assert_eq!(error.code(), Some(repeated), "{error:?}");
    }
}

/// All items of the store's table.
pub(super) async fn dump(store: &DynamoDbStore) -> Vec<Item> {
    let client = store.client().await.unwrap();
    let answer = client.scan().table_name(&store.table).consistent_read(true).send().await.unwrap();
    assert!(answer.last_evaluated_key().is_none(), "it is more than one page");
    answer.items.unwrap_or_default()
}

/// A backend with an endpoint that does not come from the environment. It names no account.
pub(super) async fn at(endpoint: &str) -> DynamoDbStore {
    use aws_sdk_dynamodb::config::{Credentials, Region};
    let config = settings()
        .endpoint_url(endpoint)
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .load()
        .await;
    DynamoDbStore::new("notifications".to_owned()).with_client(client(&config))
}

/// The longest time of a call on a busy machine.
pub(super) const AT_MOST: std::time::Duration =
    connect::CALL.saturating_add(std::time::Duration::from_secs(15));

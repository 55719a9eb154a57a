//! Tables and stores to test with.

use crate::client::transport::Connection;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};

use super::super::connect::{connect, settings};
use super::super::connector::OverTransport;
use super::super::item::Item;
use super::super::{DynamoDbStore, connect};
use super::wire::Wire;
use crate::store::memory::Clock;
use crate::store::tests::timed::{RETENTION, TestClock, Timed};

/// A store in a table of its own, at the endpoint of the environment.
pub(super) async fn store() -> Timed {
    let clock = TestClock::new();
    Timed::new(
        open(&table(&connect(&Connection::default()).await.unwrap()).await, clock.clock()).await,
        clock,
    )
}

/// A store by the real clock.
pub(super) async fn running() -> DynamoDbStore {
    open(&table(&connect(&Connection::default()).await.unwrap()).await, Arc::new(SystemTime::now)).await
}

pub(super) async fn open(table: &str, clock: Clock) -> DynamoDbStore {
    DynamoDbStore::new(table.to_owned(), RETENTION)
        .with_client(connect(&Connection::default()).await.unwrap(), clock)
}

/// A store by the real clock whose calls go over a wire that can be cut.
pub(super) async fn wired() -> (DynamoDbStore, Arc<Wire>) {
    let wire = Arc::new(Wire::new());
    let config = settings().http_client(OverTransport::over(Arc::clone(&wire))).load().await;
    let client = Client::new(&config);
    let store = DynamoDbStore::new(table(&client).await, RETENTION);
    wire.count();
    (store.with_client(client, Arc::new(SystemTime::now)), wire)
}

/// Makes a table as `docs/dynamodb.md` says; its name.
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

/// A server that has just been started may take longer than an attempt, so that the SDK asks again for what was done.
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

/// A store whose endpoint is not that of the environment; it names no account.
pub(super) async fn at(endpoint: &str) -> DynamoDbStore {
    use aws_sdk_dynamodb::config::{Credentials, Region};
    let config = settings()
        .endpoint_url(endpoint)
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .load()
        .await;
    let store = DynamoDbStore::new("notifications".to_owned(), RETENTION);
    store.with_client(Client::new(&config), Arc::new(SystemTime::now))
}

/// The longest that a call may take, on a machine that has other things to do.
pub(super) const AT_MOST: std::time::Duration =
    connect::CALL.saturating_add(std::time::Duration::from_millis(1500));

//! Handled events in a DynamoDB table: an item for each event, begun by one call and completed by another.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use lambda_http::Error;
use lambda_http::http::Response;

use crate::client;

/// The same retention as in our program.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table of our program, from the same setting.
    pub(crate) async fn open() -> Result<Self, Error> {
        let place = env::var("FHIR_SUBSCRIPTION_IDEMPOTENCY")?;
        let table = place.strip_prefix("dynamodb:").unwrap_or(&place).to_owned();
        let http = OverReqwest(client::client()?);
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).load().await;
        Ok(Self { client: Client::new(&config), table })
    }

    /// Whether the event is new.
    pub(crate) async fn begin(&self, id: String) -> Result<bool, Error> {
        let put = self.client.put_item().table_name(&self.table).item("id", AttributeValue::S(id));
        let put = put.item("status", AttributeValue::S("INPROGRESS".into()));
        let put = put.item("expiration", AttributeValue::N(expires()?));
        let put =
            put.condition_expression("attribute_not_exists(#id)").expression_attribute_names("#id", "id");
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn complete(&self, id: String) -> Result<(), Error> {
        let update = self.client.update_item().table_name(&self.table).key("id", AttributeValue::S(id));
        let update = update.update_expression("SET #status = :status, #expiration = :expiration");
        let update = update.expression_attribute_names("#status", "status");
        let update = update.expression_attribute_names("#expiration", "expiration");
        let update = update.expression_attribute_values(":status", AttributeValue::S("COMPLETED".into()));
        update.expression_attribute_values(":expiration", AttributeValue::N(expires()?)).send().await?;
        Ok(())
    }
}

fn expires() -> Result<String, Error> {
    Ok((SystemTime::now().duration_since(UNIX_EPOCH)? + RETENTION).as_secs().to_string())
}

/// The client that the program has anyway. The SDK's own would bring a second TLS stack.
#[derive(Clone, Debug)]
struct OverReqwest(&'static reqwest::Client);

impl HttpClient for OverReqwest {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OverReqwest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0;
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| body.bytes().unwrap_or_default().to_vec());
            let request =
                request.try_into().map_err(|error: reqwest::Error| ConnectorError::user(error.into()))?;
            let response = client.execute(request).await.map_err(failure)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = Response::new(SdkBody::from(response.bytes().await.map_err(failure)?));
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            answer.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))
        })
    }
}

fn failure(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}

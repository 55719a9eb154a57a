//! The sandbox's notifications, handed to the app without a network.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower_service::Service;

use crate::app::App;
use crate::sandbox::{BoxFuture, Deliver, DeliveryError};

impl Deliver for App {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        let mut app = self.clone();
        Box::pin(async move {
            match app.call(request.map(Full::new)).await {
                Ok(response) => Ok(response.status()),
                Err(never) => match never {},
            }
        })
    }
}

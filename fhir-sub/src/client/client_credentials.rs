//! OAuth 2.0 client credentials: RFC 6749 §4.4.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::client::authorization::{
    AccessToken, ClientCredentials, TokenFuture, TokenProvider, TokenRequest,
};
use crate::client::error::Error;
use crate::client::exchange::Exchange;
use crate::client::request::Request;
use crate::client::retry::Repeat;
use crate::client::sign_in_error::SignInError;
use crate::client::token::secret_header;
use crate::client::token_endpoint;
use crate::deadline::Deadline;

/// The token provider that signs in with client credentials, over the client's own transport.
pub(crate) struct ClientCredentialsProvider {
    pub(crate) credentials: ClientCredentials,
    pub(crate) exchange: Arc<Exchange>,
}

impl TokenProvider for ClientCredentialsProvider {
    fn token<'a>(&'a self, request: TokenRequest<'a>) -> TokenFuture<'a> {
        Box::pin(async move { Ok(self.fetch(request.deadline()).await?) })
    }
}

impl ClientCredentialsProvider {
    async fn fetch(&self, deadline: Option<Deadline>) -> Result<AccessToken, SignInError> {
        // The token's life is counted from before it was made.
        let asked_at = SystemTime::now();
        let request = self.request().map_err(|error| token_endpoint::failure(error, &[]))?;
        let answer = match self.exchange.send(&request, None, deadline).await {
            Ok(answer) => answer,
            Err((error, body)) => return Err(token_endpoint::failure(error, &body)),
        };
        token_endpoint::token(answer.body(), asked_at)
    }

    /// The token request. It makes nothing but a token, so it may be repeated.
    fn request(&self) -> Result<Request, Error> {
        let ClientCredentials { token_url, client_id, client_secret, scope, audience } = &self.credentials;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(scope.iter().map(|scope| ("scope", scope)));
        form.extend_pairs(audience.iter().map(|audience| ("audience", audience)));

        let mut request = token_endpoint::request(token_url, form.finish())?;
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(client_id), encode(client_secret.expose_secret()));
        let header = secret_header("Basic ", &STANDARD.encode(pair));
        request
            .headers
            .insert(AUTHORIZATION, header.ok_or_else(|| Error::invalid("the client id is too long"))?);
        request.repeat = Repeat::Safe;
        Ok(request)
    }
}

//! [`CallerToken`]: how the FHIR server fetches its OAuth token.

use std::fmt;

use crate::client::SecretString;

use super::{Address, Variables};
use crate::problems::Problems;

/// How the FHIR server fetches the OAuth token that it shows with each notification, if the server supports
/// that.
#[derive(Clone)]
pub(crate) struct CallerToken {
    pub(crate) client_id: String,
    client_secret: SecretString,
    pub(crate) url: Address,
}

const CLIENT_ID: &str = "FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID";
const CLIENT_SECRET: &str = "FHIR_SUBSCRIPTION_TOKEN_CLIENT_SECRET";
const URL: &str = "FHIR_SUBSCRIPTION_TOKEN_URL";

/// The settings: all three of them, or none.
pub(crate) const NAMES: [&str; 3] = [CLIENT_ID, CLIENT_SECRET, URL];

impl CallerToken {
    pub(super) fn read(variables: &Variables, allow_http: bool) -> Result<Option<Self>, Problems> {
        match NAMES.map(|name| variables.get(name)) {
            [None, None, None] => Ok(None),
            [Some(client_id), Some(client_secret), Some(url)] => Ok(Some(Self {
                client_id: client_id.to_owned(),
                client_secret: client_secret.into(),
                url: Address::parse(URL, url, allow_http)?,
            })),
            _ => Err(Problems::from(format!("{}: set all three, or none", NAMES.join(", ")))),
        }
    }

    /// The secret itself, for the Subscription that the server reads.
    pub(crate) fn expose_secret(&self) -> &str {
        self.client_secret.expose_secret()
    }
}

impl fmt::Debug for CallerToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallerToken").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

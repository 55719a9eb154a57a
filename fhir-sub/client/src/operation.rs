//! Operations of a server, such as `$everything` and `$validate`.

use std::fmt;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::FhirClient;
use crate::answer::decode;
use crate::error::Error;
use crate::request::Target;
use crate::retry::Repeat;
use crate::search::Search;

/// An operation to call, on the whole server unless you name a type or a resource. [`FhirClient::operation`] makes it.
///
/// ```no_run
/// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
/// use fhir_sub::fhir::OperationOutcome;
/// use serde_json::{Value, json};
///
/// // POST [base]/Encounter/$validate
/// let parameters = json!({"resourceType": "Parameters", "parameter": []});
/// let outcome: OperationOutcome = fhir.operation("$validate").on_type("Encounter").post(&parameters).await?;
///
/// // GET [base]/Patient/1/$everything?_count=50, all pages
/// let everything = fhir.operation("$everything").on_instance("Patient", "1");
/// let resources: Vec<Value> = everything.pages(&[("_count", "50")]).with_included().all().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until this is called with get, post or pages"]
pub struct Operation {
    client: FhirClient,
    target: Result<Target, Error>,
    name: String,
    repeatable: bool,
}

impl Operation {
    pub(crate) fn new(client: &FhirClient, name: &str) -> Self {
        let target = Ok(Target::system(client.base_url(), ""));
        Self { client: client.clone(), target, name: name.to_owned(), repeatable: false }
    }

    /// Calls the operation on a resource type.
    pub fn on_type(mut self, resource_type: &str) -> Self {
        self.target = Target::resource_type(self.client.base_url(), resource_type);
        self
    }

    /// Calls the operation on one resource.
    pub fn on_instance(mut self, resource_type: &str, id: &str) -> Self {
        self.target = Target::instance(self.client.base_url(), resource_type, id);
        self
    }

    /// States that the operation is idempotent, so the client may repeat a `POST` like a `GET`.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Calls the operation by `GET`, with parameters as names and values. `GET` is for operations that change nothing.
    ///
    /// The result may have any type: a resource, `Parameters`, or `Option<_>` if the body may be empty.
    ///
    /// # Errors
    /// See [`FhirClient`].
    pub async fn get<T: DeserializeOwned>(self, query: &[(&str, &str)]) -> Result<T, Error> {
        let request = self.target?.operation(&self.name)?.query(query).request(Method::GET)?.no_cache();
        decode(&request, &self.client.send(&request).await?)
    }

    /// Calls the operation by `POST`, with a `Parameters` resource or another body.
    ///
    /// The result may have any type: a resource, `Parameters`, or `Option<_>` if the body may be empty. The client repeats a `POST` only if
    /// the server has not acted on it: see [`FhirClient`].
    ///
    /// # Errors
    /// See [`FhirClient`].
    pub async fn post<T: DeserializeOwned>(self, body: &(impl Serialize + ?Sized)) -> Result<T, Error> {
        let mut request = self.target?.operation(&self.name)?.request(Method::POST)?.json(body)?;
        if self.repeatable {
            request.repeat = Repeat::Safe;
        }
        decode(&request, &self.client.send(&request).await?)
    }

    /// Calls the operation by `GET`, for a result of several pages, as `$everything` has.
    pub fn pages<T: DeserializeOwned>(self, query: &[(&str, &str)]) -> Search<T> {
        let target =
            self.target.and_then(|target| target.operation(&self.name)).map(|target| target.query(query));
        Search::new(self.client, target)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").finish_non_exhaustive()
    }
}

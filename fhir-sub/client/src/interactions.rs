//! The REST interactions: <https://hl7.org/fhir/http.html>.

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use crate::FhirClient;
use crate::answer::{decode_resource, failure};
use crate::error::{Error, Kind};
use crate::fhir::{Bundle, Condition, Query, Reference};
use crate::operation::Operation;
use crate::patch::Patch;
use crate::request::{Request, Target};
use crate::search::{History, Search};
use crate::transaction::Asked;
use crate::write::{Create, Update};

const ALL_OF_HISTORY: (&str, &str) = ("_since", "1970-01-01T00:00:00Z");

impl FhirClient {
    /// Reads the server's CapabilityStatement: `GET metadata`.
    ///
    /// # Errors
    /// See [`FhirClient`]. An answer with another `resourceType` is an error too.
    pub async fn capabilities<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let request = Target::metadata(self.base_url()).request(Method::GET)?;
        decode_resource(&request, &self.send(&request).await?, "CapabilityStatement")
    }

    /// Reads the current version of a resource: `GET Type/id`.
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
    /// #[derive(serde::Deserialize)]
    /// struct Appointment { status: String }
    ///
    /// let appointment = fhir.read::<Appointment>("Appointment", "1").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`FhirClient`]. [Not found](Error::is_not_found), [gone](Error::is_gone) and an answer with another `resourceType` are errors
    /// too.
    pub async fn read<T: DeserializeOwned>(&self, resource_type: &str, id: &str) -> Result<T, Error> {
        let request = Target::instance(self.base_url(), resource_type, id)?.request(Method::GET)?;
        decode_resource(&request, &self.send(&request).await?, resource_type)
    }

    /// Reads the resource of a reference, `Patient/1`. With a version (`Patient/1/_history/2`), it reads that version.
    ///
    /// # Errors
    /// As for [`read`](Self::read). An absolute reference must lie under the base URL, because the client's credentials are for one server.
    pub async fn read_reference<T: DeserializeOwned>(&self, reference: &str) -> Result<T, Error> {
        let parsed = Reference::parse(reference)
            .ok_or_else(|| Error::invalid("the reference is not of the form Type/id"))?;
        if Reference::base(reference).is_some_and(|base| !is_same_base(self.base_url(), base)) {
            return Err(Error::invalid("the reference is to a resource on another server"));
        }
        match parsed.version_id {
            Some(version_id) => self.vread(parsed.resource_type, parsed.id, version_id).await,
            None => self.read(parsed.resource_type, parsed.id).await,
        }
    }

    /// Reads one version of a resource: `GET Type/id/_history/version`.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub async fn vread<T: DeserializeOwned>(
        &self,
        resource_type: &str,
        id: &str,
        version_id: &str,
    ) -> Result<T, Error> {
        let target = Target::instance(self.base_url(), resource_type, id)?.history(Some(version_id))?;
        let request = target.request(Method::GET)?;
        decode_resource(&request, &self.send(&request).await?, resource_type)
    }

    /// The versions of a resource, newest first: `GET Type/id/_history`.
    ///
    /// It asks for versions since 1970. Otherwise, HAPI uses a count that may be a minute old, and leaves out the oldest versions.
    pub fn history<T: DeserializeOwned>(&self, resource_type: &str, id: &str) -> History<T> {
        self.history_by(resource_type, id, &[ALL_OF_HISTORY])
    }

    /// The same, with this many versions a page.
    #[doc(hidden)]
    pub fn newest_versions<T: DeserializeOwned>(
        &self,
        resource_type: &str,
        id: &str,
        count: usize,
    ) -> History<T> {
        self.history_by(resource_type, id, &[ALL_OF_HISTORY, ("_count", &count.to_string())])
    }

    fn history_by<T: DeserializeOwned>(
        &self,
        resource_type: &str,
        id: &str,
        query: &[(&str, &str)],
    ) -> History<T> {
        let target =
            Target::instance(self.base_url(), resource_type, id).and_then(|target| target.history(None));
        History::new(self.clone(), target.map(|target| target.query(query)))
    }

    /// The history of a resource type, newest first: `GET Type/_history`, with parameters.
    #[doc(hidden)]
    pub fn type_history<T: DeserializeOwned>(
        &self,
        resource_type: &str,
        query: &[(&str, &str)],
    ) -> History<T> {
        let target =
            Target::resource_type(self.base_url(), resource_type).and_then(|target| target.history(None));
        History::new(self.clone(), target.map(|target| target.query(query)))
    }

    /// Searches a resource type: `GET Type?name=value&…`, all pages, as a stream.
    ///
    /// The client encodes names and values. Within a value, FHIR's own `,`, `$` and `|` keep their meaning; for the character itself, put
    /// a `\` before it. The search asks for a fresh result (`Cache-Control: no-cache`).
    ///
    /// The client follows a link to the next page only under the base URL. If a server behind a gateway names itself by another host, the
    /// client puts the link's path and query under the base URL. The search fails if that is not possible, if the link leads to a third
    /// host or below another base, or if the pages form a circle. [`PageLimits`](crate::PageLimits) limit the walk.
    pub fn search_type<T: DeserializeOwned>(&self, resource_type: &str, query: &[(&str, &str)]) -> Search<T> {
        let target = Target::resource_type(self.base_url(), resource_type);
        Search::new(self.clone(), target.map(|target| target.query(query)))
    }

    /// Sends a search that the compiler has checked (`search!`); otherwise like [`search_type`](Self::search_type).
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::FhirClient, id: &str) -> Result<(), fhir_sub::client::Error> {
    /// use fhir_sub::search;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Encounter { status: String }
    ///
    /// let newest: Option<Encounter> =
    ///     fhir.search(search!("Encounter?appointment=Appointment/{id}&_sort=-date&_count=1")).first().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`search_type`](Self::search_type). If a captured value is empty, or is not an id where an id must stand, nothing is sent.
    pub fn search<T: DeserializeOwned>(&self, query: Query) -> Search<T> {
        let target = Target::resource_type(self.base_url(), query.resource_type());
        let target = target.and_then(|target| Ok(target.query(&query.parameters().map_err(Error::invalid)?)));
        Search::new(self.clone(), target)
    }

    /// Sends a `search!` by `POST Type/_search`: see
    /// [`search_type_by_post`](Self::search_type_by_post).
    pub fn search_by_post<T: DeserializeOwned>(&self, query: Query) -> Search<T> {
        let target = Target::resource_type(self.base_url(), query.resource_type());
        match query.parameters() {
            Ok(parameters) => Search::posted(self.clone(), target, &parameters),
            Err(what) => Search::posted(self.clone(), Err(Error::invalid(what)), &[]),
        }
    }

    /// Searches by `POST Type/_search`. Parameters may name a patient, and with `POST` they stand in no gateway's log.
    ///
    /// The server makes the links to further pages, and they are `GET`.
    pub fn search_type_by_post<T: DeserializeOwned>(
        &self,
        resource_type: &str,
        query: &[(&str, &str)],
    ) -> Search<T> {
        Search::posted(self.clone(), Target::resource_type(self.base_url(), resource_type), query)
    }

    /// Searches by the criteria of a subscription, `Encounter?status=arrived`, with more parameters.
    ///
    /// A value may be percent-encoded or not.
    pub fn search_criteria<T: DeserializeOwned>(&self, criteria: &str, query: &[(&str, &str)]) -> Search<T> {
        let (resource_type, parameters) = fhir_sub_search::search::split(criteria);
        let parameters: Vec<_> = url::form_urlencoded::parse(parameters.as_bytes()).collect();
        let own = parameters.iter().map(|(name, value)| (&**name, &**value));
        let query: Vec<_> = own.chain(query.iter().copied()).collect();
        self.search_type(resource_type, &query)
    }

    /// Creates a resource; the server chooses the id: `POST Type`.
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
    /// let encounter = serde_json::json!({"resourceType": "Encounter", "status": "arrived"});
    /// let written = fhir
    ///     .create("Encounter", &encounter)
    ///     .if_none_exist(&[("appointment", "Appointment/1")])
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create<B: Serialize + ?Sized>(&self, resource_type: &str, resource: &B) -> Create {
        let target = Target::resource_type(self.base_url(), resource_type);
        Create::new(self, resource_type, write(target, Method::POST, resource))
    }

    /// Updates a resource, or creates it under this id if the server allows that: `PUT Type/id`.
    pub fn update<B: Serialize + ?Sized>(&self, resource_type: &str, id: &str, resource: &B) -> Update {
        let target = Target::instance(self.base_url(), resource_type, id);
        Update::new(self, resource_type, write(target, Method::PUT, resource)).of_id(id)
    }

    /// Updates the one resource that matches a search, or creates it if no resource matches: `PUT Type?name=value`.
    ///
    /// The condition is names and values, or a `search!`. Several matches are an error that
    /// [is a conflict](Error::is_conflict).
    pub fn update_where<B: Serialize + ?Sized>(
        &self,
        resource_type: &str,
        condition: impl Condition,
        resource: &B,
    ) -> Update {
        let query = condition_of(&condition, resource_type);
        let target = Target::resource_type(self.base_url(), resource_type);
        let (target, query) = match query {
            Ok(query) => (target.map(|target| target.query(&query)), query),
            Err(error) => (target.and(Err(error)), Vec::new()),
        };
        Update::new(self, resource_type, write(target, Method::PUT, resource)).of_condition(&query)
    }

    /// Changes parts of a resource: `PATCH Type/id`.
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use fhir_sub::client::Patch;
    ///
    /// let patch = Patch::json(&serde_json::json!([{"op": "replace", "path": "/status", "value": "finished"}]))?;
    /// fhir.patch("Encounter", "1", &patch).if_match("3").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch(&self, resource_type: &str, id: &str, patch: &Patch) -> Update {
        let target = Target::instance(self.base_url(), resource_type, id);
        let request =
            target.and_then(|target| target.request(Method::PATCH)).map(|request| patch.apply_to(request));
        Update::new(self, resource_type, request).of_id(id)
    }

    /// Deletes a resource: `DELETE Type/id`. The server decides what a resource that never existed means.
    ///
    /// You cannot name a version: HAPI and Medplum ignore `If-Match` on a `DELETE`.
    ///
    /// # Errors
    /// See [`FhirClient`].
    pub async fn delete(&self, resource_type: &str, id: &str) -> Result<(), Error> {
        let request = Target::instance(self.base_url(), resource_type, id)?.request(Method::DELETE)?;
        match self.send(&request).await {
            // An earlier attempt, whose answer was lost, has deleted it.
            Err(error) if error.attempts() > 1 && (error.is_not_found() || error.is_gone()) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Deletes the one resource that matches a search: `DELETE Type?name=value`.
    ///
    /// The condition is names and values, or a `search!`. If nothing matches, the call succeeds, whether the
    /// server answers 2xx, 404 or 410. If several match, it is an error that [is a conflict](Error::is_conflict), unless
    /// the server is set up to delete them all, as HAPI FHIR is with `allow_multiple_delete`.
    ///
    /// The request asks the server to refuse a parameter that it does not know (`Prefer: handling=strict`): if the server
    /// ignored the parameter, it would delete another resource.
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), fhir_sub::client::Error> {
    /// fhir.delete_where("Encounter", &[("appointment", "Appointment/1")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`FhirClient`]. Without a condition nothing is sent.
    pub async fn delete_where(&self, resource_type: &str, condition: impl Condition) -> Result<(), Error> {
        let query = condition_of(&condition, resource_type)?;
        let target = Target::resource_type(self.base_url(), resource_type)?.query(&query);
        let mut request = target.request(Method::DELETE)?;
        // If the server ignored a parameter, it would delete another resource.
        request.make_strict();
        match self.send(&request).await {
            Err(error) if error.is_not_found() || error.is_gone() => Ok(()),
            result => result.map(drop),
        }
    }

    /// Sends a transaction or a batch, `POST [base]`, and returns the bundle of answers.
    ///
    /// The bundle comes from [`Bundle::transaction`], or has any other type. Its entries decide whether it may be repeated: see
    /// [`FhirClient`]. An entry of a batch may fail by itself: look at its [`response`](crate::fhir::BundleEntry::response), and at the
    /// [`outcome`](crate::fhir::BundleResponse::outcome) there.
    ///
    /// ```no_run
    /// # async fn example(fhir: fhir_sub::client::FhirClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use fhir_sub::fhir::Bundle;
    /// use serde_json::json;
    ///
    /// let bundle = Bundle::transaction()
    ///     .create("Encounter", &json!({"resourceType": "Encounter", "status": "arrived"}))
    ///     .if_none_exist(&[("appointment", "Appointment/1")])
    ///     .delete("Slot", "9")
    ///     .build()?;
    /// let answer = fhir.transaction(&bundle).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`FhirClient`]. A transaction with the answer 200 and failed entries is an error too, which names them
    /// ([`Error::failed_entries`]). Medplum without its feature `transaction-bundles` treats a transaction as a batch: the other entries
    /// were done.
    pub async fn transaction<B: Serialize + ?Sized>(
        &self,
        bundle: &B,
    ) -> Result<Bundle<Box<RawValue>>, Error> {
        let mut request =
            Target::system(self.base_url(), "transaction").request(Method::POST)?.json(bundle)?;
        let asked = Asked::read(&request.body);
        request.repeat = asked.repeat;
        let answer = self.send(&request).await?;
        let bundle = decode_resource(&request, &answer, "Bundle")?;
        let failed = asked.failed(&bundle);
        if failed.is_empty() { Ok(bundle) } else { Err(failure(&request, &answer, Kind::Entries(failed))) }
    }

    /// Begins the call of an operation, by its name with or without the `$`.
    pub fn operation(&self, name: &str) -> Operation {
        Operation::new(self, name)
    }
}

/// Without a condition, the write would apply to the type, which some servers interpret as another request.
fn condition_of<'c>(
    condition: &'c impl Condition,
    resource_type: &str,
) -> Result<Vec<(&'c str, &'c str)>, Error> {
    let query = condition.pairs(resource_type).map_err(Error::invalid)?;
    if query.is_empty() {
        return Err(Error::invalid("a condition needs at least one parameter"));
    }
    // Servers ignore a parameter without a value.
    if query.iter().any(|(name, value)| name.is_empty() || value.is_empty()) {
        return Err(Error::invalid("a condition has a parameter without a value"));
    }
    Ok(query)
}

fn write<B: Serialize + ?Sized>(
    target: Result<Target, Error>,
    method: Method,
    resource: &B,
) -> Result<Request, Error> {
    target?.request(method)?.json(resource)
}

fn is_same_base(base: &Url, other: &str) -> bool {
    other.parse::<Url>().is_ok_and(|other| {
        other.origin() == base.origin()
            && other.path().trim_end_matches('/') == base.path().trim_end_matches('/')
            && other.username().is_empty()
            && other.password().is_none()
    })
}

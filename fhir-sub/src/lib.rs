//! Run Rust functions when something changes on a FHIR server.
//!
//! Annotate an async function. The program then registers a FHIR Subscription for the function, receives the server's
//! notifications, and calls the function. It runs as an AWS Lambda, in a container, or on your machine, where it can also start an
//! in-memory FHIR server.
//!
//! ```
//! use fhir_sub::prelude::*;
//!
//! #[derive(serde::Deserialize, FhirResource)]
//! #[fhir(type = "Appointment")]
//! struct Appointment {
//!     id: String,
//! }
//!
//! /// Create an encounter when a patient arrives for an appointment.
//! #[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
//! async fn arrived_appointments(appointment: Resource<Appointment>, fhir: FhirClient) -> Result<()> {
//!     let encounters = search!("Encounter?appointment=Appointment/{}&_sort=-date", appointment.id);
//!     let encounters = fhir.search::<serde_json::Value>(encounters);
//!     # let _ = encounters;
//!     Ok(())
//! }
//!
//! fhir_lambda_main!();
//! ```
//!
//! # Where things are
//!
//! - [`fhir_subscription`]: the attribute above a function.
//! - [`FromNotification`]: the arguments of the function; [`IntoOutcome`]: its result.
//! - [`FhirResource`](trait@FhirResource): a type that names the FHIR resource that it is read from.
//! - [`fhir_lambda_main!`]: the program's `main`.
//! - [`FhirClient`]: the FHIR server; [`search!`]: a search that the compiler checks.
//! - [`AppBuilder`]: state and settings in code; [`App`]: the service in your own router.
//! - `fhir_sub::testing`: your program under test, in process (feature `testing`).
//!
//! The guide is in the repository, in `docs/`.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `lambda` | yes | the Lambda adapter |
//! | `local` | yes | `serve`: the service on a local port |
//! | `registration` | yes | `POST /register`, `POST /sweep` and `GET /status`; with `commands`, also the commands `register`, `status` and `sweep` |
//! | `inspector` | yes | the desk, except in a release build: without `FHIR_BASE_URL`, `serve` starts an in-memory FHIR server; a page shows each delivery; and there are the commands `record`, `replay`, `trigger`, `pull` and `sandbox`. It includes `local` and `registration` |
//! | `sandbox` | no | the in-memory FHIR server as `fhir_sub::sandbox`, and in a release build too |
//! | `commands` | no | the commands except `serve`: `check`, `dead-letters`, and with `registration` also `register`, `status` and `sweep`. `local` includes it, so every program with the default features has it |
//! | `testing` | no | the test kit; it includes `sandbox` and `registration` |
//! | `mcp` | no | the page of `serve` also speaks the Model Context Protocol, for coding agents; it includes `inspector` |
//! | `events` | no | under Lambda, notifications from an SQS queue or an EventBridge bus; it includes `lambda` |
//! | `queue` | no | notifications go through an SQS queue, for handlers that take longer than their callers wait; it includes `events` |
//! | `token` | no | callers may authenticate by an access token: `FHIR_SUBSCRIPTION_TOKEN_ISSUER` |
//! | `secrets` | no | settings of the form `ssm:…` or `secretsmanager:…` without the AWS extension; it compiles parts of the AWS SDK |
//! | `dynamodb` | no | the store in a DynamoDB table, which all instances share; it compiles the AWS SDK |
//! | `postgres` | no | the store in a PostgreSQL database, which all instances share |
//! | `sqlite` | no | the store in an SQLite file of one machine; it compiles SQLite |
//! | `fhir-sdk` | no | the R4B and R5 resource types of the crate fhir-sdk 0.16 implement [`FhirResource`](trait@FhirResource); it compiles all of them |

#![cfg_attr(docsrs, feature(doc_cfg))]
// Some items are used by some adapters only. A user who switches those adapters off must see no warning.
#![cfg_attr(
    not(all(feature = "lambda", feature = "inspector", debug_assertions)),
    allow(dead_code, unused_imports)
)]

// The unit tests need the whole crate. The build fails, because otherwise it would skip some of them silently.
#[cfg(all(
    test,
    not(all(
        feature = "registration",
        any(feature = "sandbox", all(feature = "inspector", debug_assertions))
    ))
))]
compile_error!(
    "the unit tests need the features `registration` and `sandbox`: leave out `--no-default-features`, and with \
     `--release` name `sandbox`"
);

// Expanded code names `::fhir_sub`: its paths must resolve in this crate's own tests too.
#[cfg(test)]
#[allow(unused_extern_crates)] // The features decide whether a test names it.
extern crate self as fhir_sub;

/// The few FHIR types that the library itself needs.
///
/// Your resources are your own types, or the types of any FHIR crate. The types here register a subscription, page
/// through a search, write a transaction, or report a server's errors. [`Subscription`] keeps all elements; the other
/// types ignore fields that they do not list.
pub mod fhir {
    #[doc(hidden)]
    pub use fhir_sub_vocabulary::Piece;
    pub use fhir_sub_vocabulary::{
        Bundle, BundleEntry, BundleLink, BundleRequest, BundleResponse, BundleSearch, Condition, FhirVersion,
        FhirVersions, InvalidEntry, JsonError, OperationOutcome, OperationOutcomeIssue, Query, Subscription,
        TransactionBuilder,
    };
    pub(crate) use fhir_sub_vocabulary::{
        Instant, Reference, backport, is_id, is_json, is_type_name, reference,
    };
}

/// The FHIR client: read, search and write on a FHIR server over its REST interface.
///
/// The methods follow <https://hl7.org/fhir/http.html>. A resource may have any type that serde knows: a struct with the fields
/// that you use, `serde_json::Value`, or a type of a FHIR crate.
pub mod client {
    pub use fhir_sub_client::{
        AccessToken, Authorization, BackendServices, ClientConfig, ClientCredentials, Condition, Create,
        Error, FailedEntry, FhirClient, History, Operation, PageLimits, Patch, Query, Returning, Search,
        SecretString, SignatureFuture, Signer, SigningAlgorithm, SigningKey, TokenFuture, TokenProvider,
        TokenRequest, Update, Url, Written,
    };
    pub(crate) use fhir_sub_client::{Page, Place, Renewal, Said, discovery, transport};
}

#[doc(inline)]
#[cfg(feature = "sandbox")]
pub use fhir_sub_sandbox as sandbox;
#[cfg(all(feature = "inspector", not(feature = "sandbox"), debug_assertions))]
use fhir_sub_sandbox as sandbox;

use fhir_sub_client::deadline;
use fhir_sub_vocabulary::{content, interaction};

// In reading order: each module uses those above it.
mod error;
mod fhir_resource;
mod problems;
mod contain;
mod sorted;
mod json;
mod metrics;
mod logs;
mod signature;
mod server;
#[cfg(any(feature = "dynamodb", feature = "queue", feature = "secrets"))]
mod aws;
mod settings;
#[cfg(feature = "token")]
mod issuer;
mod key;
mod request;
mod trace;
#[cfg(any(test, feature = "testing", all(feature = "inspector", debug_assertions)))]
mod recorded;
mod provided;
mod event;
mod included;
mod incoming;
mod notification;
mod rejection;
mod outcome;
mod extract;
mod uses;
mod argument;
mod declaration;
mod handler;
mod placeholder;
mod registry;
#[cfg(any(feature = "sandbox", all(feature = "inspector", debug_assertions)))]
mod watched;
mod memory;
pub mod store;
#[cfg(feature = "queue")]
mod queue;
mod app;
#[cfg(feature = "registration")]
mod silence;
#[cfg(feature = "registration")]
pub mod registration;
mod decode;
mod delivery;
#[cfg(feature = "registration")]
mod sweep;
mod service;
mod adapter;
#[cfg(all(feature = "inspector", debug_assertions))]
mod inspector;
mod command;
mod main_macro;
#[cfg(any(test, feature = "__parts"))]
mod fixtures;
#[cfg(test)]
mod promises;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

/// Not public API: for `tests/speed`.
#[cfg(feature = "__parts")]
#[doc(hidden)]
pub mod __parts {
    pub use crate::registration::Planned;
    pub use crate::service::parts::{PATH, Parts, SECRET};
}

/// Not public API: for `tests/simulation`.
#[cfg(feature = "__simulation")]
#[doc(hidden)]
pub mod __simulation {
    pub use crate::testing::instance::{FhirServer, Instance, Unanswered};
}

/// Not public API: for `tests/fuzz`.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use decode::fuzzing::notification as __fuzz_notification;

pub use adapter::ResponseBody;
pub use app::{App, AppBuilder};
pub use client::FhirClient;
pub use deadline::Deadline;
pub use error::{BoxError, Error, Result};
pub use event::Event;
pub use extract::{FromNotification, Requirements, Resource, ResourceUse, State};
pub use fhir::Subscription;
pub use fhir_resource::FhirResource;
pub use included::{Included, IncludedResource};
pub use incoming::Incoming;
pub use interaction::Interaction;
pub use notification::Notification;
pub use outcome::{IntoOutcome, Outcome};
pub use problems::Problems;
pub use rejection::Rejection;
pub use trace::CallerTrace;

/// Makes an async function the handler of a FHIR Subscription.
///
/// The function stays an ordinary function: you can call, test and document it. The attribute adds the declaration of a
/// subscription, and [`fhir_lambda_main!`] finds the declaration in any module of the program.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// /// Tell the ward of every change to its patients.
/// #[fhir_subscription(
///     criteria = "Patient?organization=Organization/ward-7",
///     endpoint = "ward-patients",
///     on = [create, update, delete],
/// )]
/// async fn ward_patients(patient: Option<Resource<serde_json::Value>>, event: Event) {
///     match patient {
///         Some(patient) => println!("{} has changed", patient["id"]),
///         None => println!("{} is gone", event.focus().unwrap_or("a patient")),
///     }
/// }
/// ```
///
/// # Keys
///
/// | key | value | when absent |
/// |---|---|---|
/// | `criteria` | a FHIR search that the server watches, `"Type?param=value"` (R4, R4B) | this or `topic` is required |
/// | `topic` | the canonical URL of a SubscriptionTopic that the server has, with a `|version` or without (R4 and R4B by the backport guide, R5). It may contain `{NAME}`, a value of the deployment | this or `criteria` is required |
/// | `filter` | with `topic`: a search that narrows it, `"Encounter?patient=Patient/1"`, in any [form](#topics) of the guide; may be repeated | none |
/// | `endpoint` | the one path segment that the server calls: at most 128 letters, digits, `-`, `.`, `_`, `~`; none of `register`, `sweep`, `status`, `health`, `ready`, `metrics`, `dead-letters` | required |
/// | `reason` | the text of `Subscription.reason` | the first paragraph of the doc comment, else name and criteria |
/// | `on` | the interactions wanted, `[create, update, delete]` | `[create, update]` |
/// | `content` | `"full-resource"`, [`"empty"`](#empty-notifications) for notifications that name and carry nothing; with `topic`, also `"id-only"` for notifications that only name the resource | `"full-resource"` |
/// | `trust` | `"notification"` uses the resource of the notification; `"reference"` [reads it from the server](#trust) | `"notification"` |
/// | `order` | `"any"`, or `"latest"`: the events of one resource are handled one after the other, and a version is skipped if its `meta.lastUpdated` is older than a handled version's | `"any"` |
/// | `heartbeat` | with `topic`: the seconds of silence, 1 to 86400, after which the server sends a heartbeat | not asked for |
/// | `timeout` | with `topic`: the seconds, 1 to 900, after which the server gives up on an attempt | the server's |
/// | `max_count` | with `topic`: the most events, 1 to 1000, that the server may put into one notification | the server's |
/// | `end` | when the subscription ends, a FHIR instant: `"2030-01-31T12:00:00Z"` | never |
/// | `registration` | the path of a `fn(&mut Subscription)` that may change the Subscription before it is registered | none |
/// | `fhir` | `"R4"`, `"R4B"` or, with `topic`, `"R5"`: the version that the criteria or the filters are checked against | any |
/// | `also` | parameters of the criteria or of the filters that only your server or the topic has, `["my-parameter"]` | none |
/// | `unchecked` | `true` skips the check of the criteria or the filters against FHIR's definitions | `false` |
/// | `crate` | the path of `fhir_sub`, if you renamed it | `::fhir_sub` |
///
/// # Criteria
///
/// A server accepts a subscription with a misspelt code, and never fires it. So the compiler checks a criteria as a
/// search (<https://hl7.org/fhir/R4/search.html>), against the resource types, search parameters and codes of FHIR R4
/// and R4B. One of the two versions must accept all of it. The program does not start unless `FHIR_VERSION` is such a
/// version. HAPI FHIR's own forms are accepted too: `[*]`, `[Patient,Observation]`, `%now`, `%today`, `:nickname` and
/// `:mdm`.
///
/// The compiler reports all mistakes together. Each message underlines the wrong part within the literal, and names the page of
/// the specification:
///
/// | what is checked | a message |
/// |---|---|
/// | the form of the search, its escapes and percent-encoding | a space cannot stand in a URL: take it out, or write it as `%20` |
/// | the resource type | there is no resource type `Appointmnt`: did you mean `Appointment`? |
/// | the parameter, of the type or of all types | `Appointment` has no search parameter `statsu`: did you mean `status`? |
/// | parameters that say how results are returned | `_count` says how results are returned, and a subscription has none: take it out |
/// | the modifier | `name` is a string, which does not take the modifier `:not`: it takes `:missing`, `:exact`, `:contains`, `:text`, `:nickname` |
/// | the prefix of a number, date or quantity | there is no prefix `gte`: they are `eq`, `ne`, `gt`, `lt`, `ge`, `le`, `sa` (starts after), `eb` (ends before) and `ap` (about) |
/// | the form of dates, numbers, quantities, positions | `2030-02-30` is not a date: there is no such day: … |
/// | tokens: booleans, ids, code systems, identifiers | `active` is `true` or `false`, and `yes` is neither of them |
/// | codes of required bindings, and their systems | `status` of `Appointment` is never `arived`: did you mean `arrived`? |
/// | references: their form, and the types that they may point to | `subject` of `Encounter` never refers to `Device`, but to `Group` and `Patient` |
/// | URIs | `url` takes a URI, and `http:/example.org/colours` is not one: … |
/// | chains and `_has`, to the last step | `Patient` has no search parameter `nme`: did you mean `name`? |
/// | composites, part by part | `code-value-quantity` joins 2 values with `$`: write it as `token$quantity` |
/// | empty values | `status` has no value, and servers ignore such a parameter: … |
/// | values that exclude each other: codes, references, dates, numbers | `status` of `Appointment` cannot be `booked` and also `arrived`, so this finds nothing: … |
/// | two types of one element | `onset-age` and `onset-date` are of one element, which has a value of one type, so this finds nothing: … |
/// | filters that exclude each other | all filters must hold, and this one excludes one before it: … |
/// | URIs that resemble a code system's URI | `https://loinc.org` is not the URI of this code system, and finds nothing: write `http://loinc.org\|8480-6` |
/// | a raw `+` where a plus must be meant | a `+` in a URL stands for a space, and this finds `a b@example.org`: … |
/// | a decimal comma | a `,` separates two values, and a number has a decimal point: write `probability=gt0.8`, … |
/// | a second `?` | one `?` stands before all parameters: write `&class=AMB`, … |
/// | a `;` or a `,` between parameters | an `&` joins parameters: write `&class=AMB`, … |
/// | parameters of another version | `Encounter` has no search parameter `end-date` in FHIR R4, it has in FHIR R5 |
/// | names in `also` | `wards` is not a parameter of the criteria: take it out of `also` |
///
/// The values of texts, identifiers, and codes without a required binding depend on your data, and are not checked. A
/// chain without a type, such as `subject.name`, is right if one of its possible types has the rest of the chain.
///
/// # Topics
///
/// A topic is a resource on the server that says which changes fire. A subscription names the topic, and may narrow it by filters
/// (<https://hl7.org/fhir/R5/subscriptions.html>):
///
/// ```
/// use fhir_sub::prelude::*;
///
/// /// Prepare a bed for each patient who is admitted to ward 7.
/// #[fhir_subscription(
///     topic = "https://example.org/topics/admission",
///     filter = "Encounter?location=Location/ward-7",
///     filter = "Encounter?class=IMP",
///     endpoint = "admissions",
///     content = "id-only",
///     heartbeat = 60,
/// )]
/// async fn admissions(encounter: Resource<serde_json::Value>) {
///     println!("{} is admitted", encounter["subject"]["reference"]);
/// }
/// ```
///
/// A resource must match all parameters of all filters. The compiler checks each filter like a criteria, against R4, R4B and R5.
/// `FHIR_VERSION` must be a version that accepts all filters. A topic may define filters that are not search parameters: name
/// them in `also`.
///
/// A filter has one of the forms of the backport guide, and is sent in the form that you write. If a server reads only another
/// form, it gets that form:
///
/// | form | what is checked |
/// |---|---|
/// | `Encounter?patient=Patient/1&class=IMP` | the type, and each parameter |
/// | `Encounter.patient=Patient/1`, `Encounter.class:not=IMP` | the same; one parameter |
/// | `patient=Patient/1`, `class:not=IMP` | one parameter, of the types that the other filters and the handler's `Resource<…>` name; if they name none, only the form |
///
/// The topic decides which interactions fire, and `on` selects among these. If a notification names an interaction that is not in
/// `on`, it is acknowledged and the handler does not run. If it names no interaction, the handler runs.
///
/// Registration reports what your server cannot do, or would silently ignore, before it writes anything:
///
/// - Medplum and Firely have no topics for rest-hooks.
/// - HAPI FHIR sends no headers in R5, ignores filters in R4B, needs a filter in R4, and looks only at the changed resource.
/// - Helios and Aidbox compare filters for equality only, and Helios knows few parameters.
/// - HAPI FHIR and Helios send no heartbeats and ignore `timeout`. The program itself answers within `timeout`.
///
/// # Trust
///
/// The secret in a header proves the caller, but not the body. Anyone who knows the secret, or who sits between the server and the
/// program, can send any content. With `trust = "reference"`, the program never uses the resource of a notification. It
/// reads the resource from `FHIR_BASE_URL`, in the version of the notification if the server still has that version, else in the
/// current one. A deletion must be confirmed: if reading the resource is answered 404 or 410, the handler runs. If the resource is
/// found or cannot be read, the notification is answered `503`, and the server sends it again.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// /// Dispense what was prescribed, and nothing that someone else made up.
/// #[fhir_subscription(criteria = "MedicationRequest?status=active", endpoint = "prescriptions", trust = "reference")]
/// async fn prescriptions(prescription: Resource<serde_json::Value>) {
///     println!("{} is prescribed", prescription["id"]);
/// }
/// ```
///
/// This costs one request for each notification if the handler takes the resource, and one for each deletion. The
/// program does not check the other facts of an [`Event`], such as its interaction and number. It does not check that
/// the resource matches the criteria, or that a deleted resource ever existed. A handler that relies on one of these
/// facts must check it.
///
/// Medplum names a deleted resource in a header that its signature does not cover. Such a deletion is always confirmed. If
/// notifications are signed, a deletion that is named in the path is confirmed too.
///
/// # What an event is about
///
/// A notification names its resource by type and id, or in another way. [`Event::reference`] is the reference as written, and
/// [`Event::focus`] is `Type/id` if the resource is one of `FHIR_BASE_URL`:
///
/// | the notification names | `Event` | `Resource<T>`, `Option<Resource<T>>` |
/// |---|---|---|
/// | `Encounter/1`, with or without a version: relative, or below the base URL of `FHIR_BASE_URL` or of the notification's own Subscription | `focus()` is `Encounter/1` | the resource in the notification, else the resource that is read from the server |
/// | a resource of another FHIR server | `focus()` is `None`, `reference()` is the URL | the resource in the notification, else the resource that is read from a [source](AppBuilder::source); without either, the event is refused (`422`) |
/// | the `fullUrl` of an entry, such as `urn:uuid:…` | `focus()` is the type and id in that resource, if it has an id | the resource of that entry |
/// | an identifier, an operation, a search, a canonical URL | `focus()` is `None`; [`Event::identifier`] is `system\|value` | the only resource in the notification that has the type that the filters or `T` name; without one, the event is refused (`422`) |
/// | nothing, but contains resources | `focus()` is the type and id of each resource | each resource of the type that the filters or `T` name; without such a type, each entry that says created, updated or deleted |
/// | nothing, and contains nothing | `focus()` and `reference()` are `None` | the resource is looked up, as [below](#empty-notifications) |
/// | `Encounter/a_b`, or another id that FHIR does not allow | the event is refused (`422`) | the same |
///
/// A refused event does not stop the other events of its notification.
///
/// # Empty notifications
///
/// With `content = "empty"`, no patient data travels: a notification only says that something happened. The handler's arguments
/// decide what it gets:
///
/// | argument | a criteria | a topic |
/// |---|---|---|
/// | `Event` | one event without details | each event, with its number |
/// | `Option<Resource<T>>` | `None` | `None`; the resource if the server still names it |
/// | `Resource<T>` | each resource that the criteria finds and that changed since the last time | each event that the server lists in `$events`; without `$events`, each resource that a search finds |
///
/// The search is the criteria itself, or for a topic the parameters of its filters, with
/// `_lastUpdated=ge…&_sort=_lastUpdated`. A topic may fire for fewer resources than its filters match. Then the handler
/// also gets resources for which the topic does not fire. If a topic has no filter, `T` must [say](trait@FhirResource)
/// the type to search for. A search finds a resource once, in its current version, however often it changed. It finds
/// no deletion. The event's interaction is `unknown`.
///
/// An instance remembers which versions it has handled. It searches from two minutes before the newest of them, because
/// a change may become visible late. After a start, it searches five minutes back. If the notification says when its
/// event happened, it searches at least from two minutes before the event, and at most one day back. It does not find
/// an older change that all instances missed. It may handle a change again that another instance has handled. If a
/// handler fails, the answer asks the server to send the notification again. HAPI does not do this; there, the next
/// notification finds the resource again.
///
/// With any other `content`, an event that names and contains nothing is looked up too, because a server may send less
/// than the subscription asks for. This holds for `Resource<T>` and for `Option<Resource<T>>`, because `None` would
/// mean a deletion. If neither a filter nor `T` says which type to search for, the event is refused.
///
/// # The function
///
/// The function is `async`, and its future is `Send`. It takes up to eight arguments that implement [`FromNotification`], and its
/// result implements [`IntoOutcome`]. It has no `self` and no generics.
///
/// # Arguments that do not fit
///
/// The compiler compares each argument with the keys, also through aliases, and points at the type of an argument that does not fit:
///
/// | argument | where | message |
/// |---|---|---|
/// | a `Resource<T>` or `Option<Resource<T>>` whose `T` says [which resource](trait@FhirResource) it is read from | the criteria watches another type | ``the criteria watches `Appointment`, and this argument is read from `Encounter`: …`` |
/// | the same | all filters of the topic are of another type | ``the topic's filters are of `Encounter`, and this argument is read from `Patient`: …`` |
/// | the same | the criteria watches several types, as `[Appointment,Encounter]` and `[*]` do | ``the criteria watches several types, and this argument is read from `Encounter` only: …`` |
/// | a `Resource<T>`, or another argument that [requires](ResourceUse::Required) a resource | `on` has `delete` | `` `on` has `delete`, and a deletion carries no resource, …`` |
/// | the same | `content` is `"empty"`, and the criteria watches several types | `` `content = "empty"` sends no resource, a criteria of several types cannot be searched for it, …`` |
///
/// ```compile_fail
/// # use fhir_sub::prelude::*;
/// #[derive(serde::Deserialize, FhirResource)]
/// #[fhir(type = "Encounter")]
/// struct Encounter {}
///
/// #[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
/// async fn arrived_appointments(encounter: Resource<Encounter>) {}
/// ```
///
/// # Errors
///
/// Every mistake in the keys and in the signature is a compiler error at the wrong word, and all are reported together. The function
/// itself still compiles. Two handlers with one endpoint are a compiler error in one crate. In two crates of one program, they are a
/// start-up error.
pub use fhir_sub_macros::fhir_subscription;

/// Derives [`FhirResource`](trait@FhirResource).
pub use fhir_sub_macros::FhirResource;

/// A FHIR search that the compiler checks, as it checks the criteria of a subscription.
///
/// ```
/// # async fn example(fhir: fhir_sub::FhirClient) -> fhir_sub::Result<()> {
/// use fhir_sub::prelude::*;
///
/// let id = "1";
/// let encounters: Vec<serde_json::Value> =
///     fhir.search(search!("Encounter?appointment=Appointment/{id}&_sort=-date")).all().await?;
/// # Ok(())
/// # }
/// ```
///
/// The macro makes a [`Query`](client::Query), which [`FhirClient::search`] sends. The compiler checks the type, parameters, modifiers,
/// codes, chains and values against FHIR R4, R4B and R5, with the messages of [`fhir_subscription`]. It also checks the parameters of
/// results: `_sort`, `_count`, `_include`, `_revinclude`, `_elements`, `_summary`, `_total` and similar ones. `_elements` takes the
/// top-level elements of the type. One version must accept all of the search. The program does not contain FHIR's definitions.
///
/// # Values
///
/// Values stand in the text as in [`format!`]: `{id}` is a variable, `{}` and `{0}` are values after the text, and `{name}` may be
/// given after the text as `name = value`. A value must implement `Display`. `{{` and `}}` are the braces themselves.
///
/// ```
/// # use fhir_sub::prelude::*;
/// # struct Patient { family: String }
/// # let (patient, system, mrn) = (Patient { family: "Meer".into() }, "http://example.org/mrn", 17);
/// let query = search!("Patient?family={}&identifier={system}|{mrn}", patient.family);
/// # assert_eq!(query.resource_type(), "Patient");
/// ```
///
/// Each value stays one value, or a part of one, whatever it contains. It cannot add a parameter, another value (`,`), a system (`|`), a
/// part of a composite (`$`) or a path: FHIR's separators are escaped, and everything is percent-encoded. In `Appointment/{id}`, the
/// value must be an id. A value must not be empty or blank, because servers would ignore the parameter and find everything. A search
/// with a wrong value fails before anything is sent.
///
/// # Conditions
///
/// A conditional create or update takes a search too:
///
/// ```
/// # async fn example(fhir: fhir_sub::FhirClient, encounter: serde_json::Value, id: &str) -> fhir_sub::Result<()> {
/// # use fhir_sub::prelude::*;
/// let is_there = search!("Encounter?appointment=Appointment/{id}");
/// fhir.create("Encounter", &encounter).if_none_exist(is_there).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Keys
///
/// Keys stand after the values, and mean the same as in [`fhir_subscription`]: `fhir = "R4"` checks against that version only,
/// `also = ["ward"]` allows parameters that only your server has, `unchecked = true` checks the form only, and `crate = path` names a
/// renamed crate.
///
/// Without captured values, a search is a constant:
///
/// ```
/// use fhir_sub::client::Query;
/// use fhir_sub::prelude::*;
///
/// const OPEN_TASKS: Query = search!("Task?status=requested,accepted&_sort=authored-on");
/// ```
///
/// A search that can never find what it is for does not compile:
///
/// ```compile_fail
/// # use fhir_sub::prelude::*;
/// let query = search!("Encounter?_sort=dat");
/// ```
pub use fhir_sub_macros::search;

/// The names that a file with handlers needs: `use fhir_sub::prelude::*;`.
pub mod prelude {
    pub use crate::{
        AppBuilder, Deadline, Error, Event, FhirClient, FhirResource, Included, Incoming, Interaction,
        Resource, Result, State, Subscription, fhir_lambda_main, fhir_subscription, search,
    };
}

/// The examples of the README and of the guide compile too.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/criteria.md")]
    struct Criteria;
    #[doc = include_str!("../../docs/handlers.md")]
    struct Handlers;
    #[doc = include_str!("../../docs/references.md")]
    struct References;
    #[doc = include_str!("../../docs/registration.md")]
    struct Registration;
    #[doc = include_str!("../../docs/start.md")]
    struct Start;
    #[doc = include_str!("../../docs/subscriptions.md")]
    struct Subscriptions;
    #[doc = include_str!("../../docs/tenants.md")]
    struct Tenants;
    #[doc = include_str!("../../docs/tutorial.md")]
    struct Tutorial;
}

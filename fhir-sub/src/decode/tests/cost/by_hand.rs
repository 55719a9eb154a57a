//! Code that a user would write by hand: types of an Encounter, and of a whole Bundle that is parsed at once.

use serde::Deserialize;

/// The elements of an Encounter that a handler uses.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct SomeElements {
    id: String,
    status: String,
    subject: Option<Named>,
    #[serde(default)]
    participant: Vec<Participant>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Participant {
    individual: Option<Named>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Named {
    reference: Option<String>,
    display: Option<String>,
}

/// Every element of the Encounter in the notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct EveryElement {
    resource_type: String,
    id: String,
    meta: Option<Meta>,
    text: Option<Narrative>,
    status: String,
    class: Option<Coding>,
    subject: Option<Named>,
    #[serde(default)]
    participant: Vec<WholeParticipant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Meta {
    version_id: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Narrative {
    status: String,
    div: String,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Coding {
    system: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct CodeableConcept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct WholeParticipant {
    #[serde(default)]
    r#type: Vec<CodeableConcept>,
    individual: Option<Named>,
}

/// The whole Bundle, with a resource type that fits a status and an Encounter.
#[derive(Deserialize)]
pub(super) struct Bundle<R> {
    pub(super) entry: Vec<Entry<R>>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Entry<R> {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    resource: Option<R>,
    request: Option<Request>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Request {
    method: String,
}

/// A status, or the elements of an Encounter that [`SomeElements`] has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct StatusOrSome {
    resource_type: String,
    id: Option<String>,
    status: Option<String>,
    subject: Option<Named>,
    #[serde(default)]
    participant: Vec<Participant>,
    #[serde(default)]
    notification_event: Vec<Event>,
}

/// A status, or the elements of an Encounter that [`EveryElement`] has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct StatusOrEvery {
    resource_type: String,
    id: Option<String>,
    meta: Option<Meta>,
    text: Option<Narrative>,
    status: Option<String>,
    class: Option<Coding>,
    subject: Option<Named>,
    #[serde(default)]
    participant: Vec<WholeParticipant>,
    #[serde(default)]
    notification_event: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Event {
    event_number: String,
    timestamp: Option<String>,
    focus: Named,
}

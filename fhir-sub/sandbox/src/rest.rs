//! The REST API: finds the interaction of a request ([FHIR R4 §3.1.0](https://hl7.org/fhir/R4/http.html)).

mod capability;
mod history;
mod patch;
mod read;
mod search;
mod write;

use http::{Method, StatusCode};

use super::{
    answer::Answer, builder::Behaviour, bundle, call::Call, refusal::Refusal, search::is_type, server::Desk,
    topic,
};

pub(crate) use self::write::matching;

/// Executes the request.
pub(crate) fn answer(desk: &mut Desk<'_>, call: &Call) -> Result<Answer, Refusal> {
    let segments: Vec<_> = call.segments.iter().map(String::as_str).collect();
    // The other imitated servers have no operations for topics.
    if desk.settings.behaviour == Behaviour::Generic && [Method::GET, Method::POST].contains(&call.method) {
        match segments.as_slice() {
            ["Subscription", "$status"] => return topic::status(desk, call, None),
            ["Subscription", id, "$status"] => return topic::status(desk, call, Some(id)),
            ["Subscription", id, "$events"] => return topic::events(desk, call, id),
            _ => {}
        }
    }
    if let Some(operation) = segments.iter().find(|segment| segment.starts_with('$')) {
        return Err(Refusal::unsupported(format!("the sandbox has no operation `{operation}`"))
            .with_status(StatusCode::NOT_FOUND));
    }
    if let Some(kind) = segments.first().filter(|kind| {
        !is_type(kind, desk.settings.fhir_version) && !matches!(**kind, "metadata" | "_history" | "_search")
    }) {
        return Err(Refusal::unknown(format!("`{kind}` is not a resource type of FHIR R4")));
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["metadata"]) => Ok(Answer::ok(capability::statement(desk))),
        ("GET", []) => search::next_page(desk, call),
        ("POST", []) => bundle::answer(desk, call),
        ("GET", ["_history"]) if desk.settings.behaviour == Behaviour::Medplum => {
            Err(Refusal::bad_request("Medplum has no history of all types"))
        }
        (_, [] | ["metadata" | "_history" | "_search", ..]) => Err(not_offered(call)),
        ("GET", [kind]) => search::by_url(desk, call, kind),
        ("POST", [kind, "_search"]) => search::by_form(desk, call, kind),
        ("POST", [kind]) => write::create(desk, call, kind),
        ("PUT", [kind]) => write::conditional_update(desk, call, kind),
        ("DELETE", [kind]) => write::conditional_delete(desk, call, kind),
        ("GET", [kind, "_history"]) if desk.settings.behaviour == Behaviour::Medplum => {
            Err(Refusal::unknown(format!("Medplum has no history of {kind} as a type")))
        }
        ("GET", [kind, "_history"]) => history::of_type(desk, call, kind),
        ("GET", [kind, id]) => read::read(desk, call, kind, id),
        ("PUT", [kind, id]) => write::update(desk, call, kind, id),
        ("PATCH", [kind, id]) => write::patch(desk, call, kind, id),
        ("DELETE", [kind, id]) => write::delete(desk, call, kind, id),
        ("GET", [kind, id, "_history"]) => history::of_instance(desk, call, kind, id),
        ("GET", [kind, id, "_history", version]) => read::version(desk, call, kind, id, version),
        _ => Err(not_offered(call)),
    }
}

fn not_offered(call: &Call) -> Refusal {
    let (method, path) = (&call.method, call.path());
    let refusal = Refusal::unsupported(format!("the sandbox has no {method} of `/{path}`"));
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    refusal.with_status(if known { StatusCode::NOT_FOUND } else { StatusCode::METHOD_NOT_ALLOWED })
}

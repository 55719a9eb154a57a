//! Transactions and batches ([FHIR R4 §3.1.0.11](https://hl7.org/fhir/R4/http.html#transaction)).

use std::collections::HashMap;

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::Answer,
    call::{Body, Call},
    refusal::Refusal,
    rest,
    server::Desk,
};

/// `POST /` of a Bundle.
pub(crate) fn answer(desk: &mut Desk<'_>, call: &Call) -> Result<Answer, Refusal> {
    let mut bundle = call.resource("Bundle")?;
    let entries = match bundle.remove("entry") {
        Some(Value::Array(entries)) => entries,
        None => Vec::new(),
        Some(_) => return Err(Refusal::unprocessable("Bundle.entry is not a list")),
    };
    match bundle.get("type").and_then(Value::as_str) {
        Some("transaction") => transaction(desk, entries),
        Some("batch") => Ok(batch(desk, entries)),
        _ => Err(Refusal::unprocessable("Bundle.type is neither `transaction` nor `batch`")),
    }
}

/// Executes every entry by itself: if one fails, the others still run.
fn batch(desk: &mut Desk<'_>, entries: Vec<Value>) -> Answer {
    let answers = entries.into_iter().map(|entry| {
        let answer = read_entry(desk, entry).and_then(|call| rest::answer(desk, &call));
        answer.unwrap_or_else(|refusal| Answer::refuse(&refusal)).into_entry()
    });
    let answers = answers.collect();
    respond("batch-response", answers)
}

/// Executes all entries or none, in the order of the specification: DELETE, POST, PUT and PATCH, GET.
fn transaction(desk: &mut Desk<'_>, entries: Vec<Value>) -> Result<Answer, Refusal> {
    let before = desk.store.clone();
    let result = try_transaction(desk, entries);
    if result.is_err() {
        *desk.store = before;
    }
    result
}

fn try_transaction(desk: &mut Desk<'_>, entries: Vec<Value>) -> Result<Answer, Refusal> {
    let mut promised = HashMap::new();
    let mut calls = Vec::new();
    for (index, mut entry) in entries.into_iter().enumerate() {
        let full_url = entry["fullUrl"].take();
        let call =
            read_entry(desk, entry).and_then(|call| promise(desk, call, full_url.as_str(), &mut promised));
        calls.push((index, call.map_err(|refusal| refusal.within(&place(index)))?));
    }
    calls.sort_by_key(|(index, call)| (rank(&call.method), *index));
    let mut answers = vec![Value::Null; calls.len()];
    for (index, mut call) in calls {
        if let Body::Json(content) = &mut call.body {
            resolve(content, &promised).map_err(|refusal| refusal.within(&place(index)))?;
        }
        let answer = rest::answer(desk, &call).map_err(|refusal| refusal.within(&place(index)))?;
        answers[index] = answer.into_entry();
    }
    Ok(respond("transaction-response", answers))
}

/// Sets the id of an entry before any write, so that others can refer to it by its `fullUrl`.
fn promise(
    desk: &mut Desk<'_>,
    mut call: Call,
    full_url: Option<&str>,
    promised: &mut HashMap<String, String>,
) -> Result<Call, Refusal> {
    let target = match (call.method.as_str(), call.segments.as_slice()) {
        ("POST" | "PUT", [kind]) => {
            let kind = kind.clone();
            let condition =
                if call.method == Method::PUT { Some(&call.query) } else { call.if_none_exist.as_ref() };
            let found =
                condition.map(|condition| rest::matching(desk, &kind, condition)).transpose()?.flatten();
            let named = match &call.body {
                Body::Json(content) if call.method == Method::PUT => {
                    content["id"].as_str().map(str::to_owned)
                }
                _ => None,
            };
            let id = found.or(named).unwrap_or_else(|| desk.store.next_id(&kind));
            call.promised_id = Some(id.clone());
            Some(format!("{kind}/{id}"))
        }
        ("PUT", [kind, id]) => Some(format!("{kind}/{id}")),
        _ => None,
    };
    if let (Some(full_url), Some(target)) = (full_url, target) {
        promised.insert(full_url.to_owned(), target);
    }
    Ok(call)
}

/// Replaces references to a `fullUrl` of the Bundle by the promised ids.
fn resolve(content: &mut Value, promised: &HashMap<String, String>) -> Result<(), Refusal> {
    match content {
        Value::Object(members) => members.iter_mut().try_for_each(|(member, value)| match value {
            Value::String(link) => match (promised.get(link.as_str()), member.as_str()) {
                (Some(target), "reference" | "uri" | "url") => {
                    target.clone_into(link);
                    Ok(())
                }
                (None, "reference") if link.contains('?') => {
                    Err(Refusal::unsupported("the sandbox cannot resolve a conditional reference"))
                }
                _ => Ok(()),
            },
            _ => resolve(value, promised),
        }),
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(item, promised)),
        _ => Ok(()),
    }
}

fn read_entry(desk: &Desk<'_>, mut entry: Value) -> Result<Call, Refusal> {
    let text = |name: &str| entry["request"][name].as_str().map(str::to_owned);
    let method = text("method").and_then(|method| method.parse::<Method>().ok());
    let (Some(method), Some(url)) = (method, text("url")) else {
        return Err(Refusal::unprocessable("`request.method` and `request.url` must be given"));
    };
    let mut call = Call::entry(method, &url, &desk.settings.base_url);
    if call.segments.is_empty() {
        return Err(Refusal::unprocessable("`request.url` is not a URL of a resource or a search"));
    }
    (call.if_match, call.if_none_exist) = (text("ifMatch"), text("ifNoneExist"));
    if call.method == Method::PATCH {
        return Err(Refusal::unsupported("the sandbox has no PATCH in a Bundle"));
    }
    call.body = Body::Json(entry["resource"].take());
    Ok(call)
}

fn rank(method: &Method) -> u8 {
    match method.as_str() {
        "DELETE" => 0,
        "POST" => 1,
        "PUT" => 2,
        _ => 3,
    }
}

fn place(index: usize) -> String {
    format!("Bundle.entry[{index}]")
}

fn respond(kind: &str, entries: Vec<Value>) -> Answer {
    let mut bundle = json!({ "resourceType": "Bundle", "type": kind });
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    Answer::ok(bundle)
}

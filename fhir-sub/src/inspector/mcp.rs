//! The tools of the page for coding agents, by the Model Context Protocol over streamable HTTP
//! (<https://modelcontextprotocol.io/specification/2025-06-18/basic/transports>).
//!
//! It needs five methods of JSON-RPC and no session, so no crate is added for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::change::{first_wanted, make, prepare};
use super::delivery::{Delivery, Origin};
use super::desk::{View, answer, failed, whole};
use super::run::run;
use crate::adapter::local::LocalBody;
use crate::declaration::Declaration;
use crate::delivery::DeskRecord;
use crate::interaction::Interaction;
use crate::recorded::Sent;
use crate::sandbox::sample::{Sample, sample};
use crate::sandbox::topic::bundle::name;

/// The versions of the protocol that are spoken, the newest first.
const VERSIONS: [&str; 3] = ["2025-06-18", "2025-03-26", "2024-11-05"];

/// How long `trigger` waits for the delivery.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most other deliveries that an error of `trigger` lists.
const MOST_OTHERS: usize = 5;

/// Answers a request to the address of the protocol. `desk` is the URL of the page.
pub(super) async fn mcp(view: &View, desk: &str, parts: &Parts, body: &Bytes) -> Response<LocalBody> {
    if parts.method != Method::POST {
        // There is nothing to stream, and no session to end.
        let mut response = failed(StatusCode::METHOD_NOT_ALLOWED, "send messages by POST");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    // It is in every request after the first.
    let spoken = parts.headers.get("mcp-protocol-version");
    if spoken.is_some_and(|spoken| !VERSIONS.iter().any(|version| spoken == version)) {
        let known = VERSIONS.join(", ");
        return failed(StatusCode::BAD_REQUEST, &format!("MCP-Protocol-Version is not one of {known}"));
    }
    let answered = match serde_json::from_slice::<Value>(body) {
        Err(_) => Some(error(
            &Value::Null,
            -32700,
            "the message is not JSON: send one message of JSON-RPC, or a list of them",
        )),
        Ok(Value::Array(messages)) if !messages.is_empty() => {
            // A batch, which version 2025-03-26 allows.
            let mut answers = Vec::new();
            for message in &messages {
                answers.extend(take(view, desk, message).await);
            }
            (!answers.is_empty()).then(|| answers.into())
        }
        Ok(message) => take(view, desk, &message).await,
    };
    match answered {
        None => whole(StatusCode::ACCEPTED, "application/json", ""),
        // The message has no id, so no answer can be addressed to it.
        Some(refused) if refused["id"].is_null() && refused.is_object() => {
            whole(StatusCode::BAD_REQUEST, "application/json", refused.to_string())
        }
        Some(answered) => answer(&answered),
    }
}

/// The answer to one message. `None` for a notification, and for an answer, because the page sends no requests.
async fn take(view: &View, desk: &str, message: &Value) -> Option<Value> {
    let refused = |id: &Value, why: &str| Some(error(id, -32600, why));
    let id = match message.get("id") {
        Some(id) if !id.is_string() && !id.is_number() => {
            return refused(&Value::Null, "`id` must be a string or a number");
        }
        id => id,
    };
    let unknown = Value::Null;
    if message["jsonrpc"] != "2.0" {
        return refused(id.unwrap_or(&unknown), "`jsonrpc` is not \"2.0\"");
    }
    let Some(called) = message["method"].as_str() else {
        let is_answer = message.get("method").is_none()
            && (message.get("result").is_some() || message.get("error").is_some());
        return if is_answer { None } else { refused(id.unwrap_or(&unknown), "the message has no `method`") };
    };
    let id = id?;
    let parameters = &message["params"];
    if !parameters.is_null() && !parameters.is_object() {
        return Some(error(id, -32602, "`params` must be an object"));
    }
    Some(match called {
        "initialize" => result(id, &initialized(parameters)),
        "ping" => result(id, &json!({})),
        "tools/list" => result(id, &json!({ "tools": tools() })),
        "tools/call" => match call(view, desk, parameters).await {
            Called::Done(value) => result(id, &content(&value.to_string(), false)),
            Called::Failed(why) => result(id, &content(&why, true)),
            Called::Unknown => error(id, -32602, "there is no such tool: `tools/list` lists all"),
        },
        _ => error(
            id,
            -32601,
            "the method is not known: use `initialize`, `ping`, `tools/list` or `tools/call`",
        ),
    })
}

fn initialized(parameters: &Value) -> Value {
    let asked = parameters["protocolVersion"].as_str().unwrap_or_default();
    let version = VERSIONS.iter().find(|version| **version == asked).unwrap_or(&VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "fhir-sub", "version": env!("CARGO_PKG_VERSION") },
        "instructions": "Handlers of FHIR Subscriptions run in this program. List deliveries to see what came and how the handler \
                         ended, trigger a handler with a sample, and replay a delivery after a change of the code.",
    })
}

fn tools() -> Value {
    let tool = |name: &str, about: &str, properties: Value, required: &[&str]| {
        let schema = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
        json!({ "name": name, "description": about, "inputSchema": schema })
    };
    let (text, number) = (
        |about: &str| json!({ "type": "string", "description": about }),
        |about: &str| json!({ "type": "integer", "minimum": 1, "description": about }),
    );
    json!([
        tool(
            "list_subscriptions",
            "Each subscription as the FHIR server has it: status, drift, last error.",
            json!({}),
            &[]
        ),
        tool(
            "list_deliveries",
            "The last deliveries, the newest first: endpoint, resource, outcome, milliseconds, tries, the handler's error, and what \
             the sender does next.",
            json!({ "endpoint": text("only of this endpoint"), "outcome": text("only with this outcome, such as `failed`"), "limit": number("at most so many; 20 unless given") }),
            &[],
        ),
        tool(
            "get_delivery",
            "All of one delivery: headers, body, answer, and a Rust test of it. It shows what the notification and the resources \
             that the handler read say of a patient.",
            json!({ "id": number("the number of the delivery") }),
            &["id"],
        ),
        tool(
            "trigger",
            "Creates, updates or deletes a resource in the sandbox, and waits for the delivery of this change to the handler.",
            json!({
                "endpoint": text("the endpoint of the handler"),
                "resource": { "type": "object", "description": "a FHIR resource, instead of a sample that the criteria matches" },
                "interaction": {
                    "type": "string",
                    "enum": ["create", "update", "delete"],
                    "description": "`create`, `update` or `delete`; unless given, `update` if the resource exists, else the first \
                                    that the handler wants. A resource that exists is deleted before it is created, and one that is \
                                    missing is created before it is updated or deleted",
                },
            }),
            &["endpoint"],
        ),
        tool(
            "replay",
            "Sends a delivery again. The handler runs even if the event was handled before.",
            json!({ "id": number("the number of the delivery"), "body": { "type": "object", "description": "another body instead" } }),
            &["id"],
        ),
    ])
}

enum Called {
    Done(Value),
    Failed(String),
    Unknown,
}

async fn call(view: &View, desk: &str, parameters: &Value) -> Called {
    let (name, arguments) = (parameters["name"].as_str().unwrap_or_default(), &parameters["arguments"]);
    if let Err(mistake) = fit(name, arguments) {
        return Called::Failed(mistake);
    }
    let done = match name {
        "list_subscriptions" => Ok(view.subscriptions().await),
        "list_deliveries" => Ok(list(view, arguments)),
        "get_delivery" => delivery(view, arguments).map(|delivery| view.detail(&delivery, desk)),
        "trigger" => trigger(view, arguments).await,
        "replay" => replay(view, arguments).await,
        _ => return Called::Unknown,
    };
    done.map_or_else(Called::Failed, Called::Done)
}

/// Checks the arguments against the schema of the tool. The error names the first argument that does not fit.
fn fit(name: &str, arguments: &Value) -> Result<(), String> {
    let tools = tools();
    let tool = tools.as_array().into_iter().flatten().find(|tool| tool["name"] == name);
    let Some(schema) = tool.map(|tool| &tool["inputSchema"]) else { return Ok(()) };
    let none = serde_json::Map::new();
    let given = match arguments {
        Value::Null => &none,
        Value::Object(given) => given,
        _ => return Err("`arguments` must be an object".to_owned()),
    };
    for (argument, value) in given {
        let of = &schema["properties"][argument];
        let is_right = match of["type"].as_str() {
            Some("string") => {
                value.is_string() && of["enum"].as_array().is_none_or(|known| known.contains(value))
            }
            Some("integer") => value.as_u64().is_some_and(|number| number > 0),
            Some(_) => value.is_object(),
            None => return Err(format!("`{name}` takes no `{argument}`")),
        };
        if !is_right {
            let about = of["description"].as_str().unwrap_or_default();
            return Err(format!("`{argument}` is not what it should be: {about}"));
        }
    }
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match missing.into_iter().find(|required| !given.contains_key(*required)) {
        Some(missing) => Err(format!("`{name}` needs `{missing}`")),
        None => Ok(()),
    }
}

fn list(view: &View, arguments: &Value) -> Value {
    let limit = arguments["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(20);
    let is_asked_for = |summary: &Value| {
        let has = |member: &str| {
            let events = summary["events"].as_array();
            arguments[member].is_null()
                || events.is_some_and(|events| events.iter().any(|event| event[member] == arguments[member]))
        };
        has("endpoint") && has("outcome")
    };
    let kept = view.recorder.since(0).into_iter().rev().map(|delivery| json!(delivery.summary(&view.app)));
    json!({ "deliveries": kept.filter(is_asked_for).take(limit).collect::<Vec<_>>() })
}

fn delivery(view: &View, arguments: &Value) -> Result<Arc<Delivery>, String> {
    let id = arguments["id"].as_u64().ok_or("`id` is the number of a delivery")?;
    view.recorder.get(id).ok_or_else(|| format!("delivery {id} is not kept: `list_deliveries` lists all"))
}

async fn replay(view: &View, arguments: &Value) -> Result<Value, String> {
    let delivery = delivery(view, arguments)?;
    let body = match &arguments["body"] {
        Value::Null => delivery.sent.body.clone(),
        body => body.to_string().into(),
    };
    let sent = Sent { body, ..delivery.sent.clone() };
    let (_, again) = run(&view.app, &sent, Some(delivery.id)).await;
    let again = again.ok_or("the request is for no handler")?;
    Ok(json!(view.recorder.add(again).summary(&view.app)))
}

async fn trigger(view: &View, arguments: &Value) -> Result<Value, String> {
    let sandbox = view.sandbox.as_ref().ok_or("the program has no sandbox: FHIR_BASE_URL names a server")?;
    let endpoint = arguments["endpoint"].as_str().unwrap_or_default();
    let Some(declaration) = view.app.registry().find(endpoint) else {
        return Err("no handler has this endpoint: `list_subscriptions` lists all".to_owned());
    };
    let Sample { resource, others } = match &arguments["resource"] {
        Value::Null => {
            let criteria = view.samples.iter().find(|(name, _)| *name == endpoint);
            let sample =
                criteria.and_then(|(_, criteria)| sample(criteria, view.app.settings().fhir_version));
            sample.ok_or("no sample is known for this handler: give a `resource`")?
        }
        resource => Sample { resource: resource.clone(), others: Vec::new() },
    };
    let refused = |refusal: crate::sandbox::Refusal| format!("the sandbox refuses the resource: {refusal}");
    for other in &others {
        sandbox.update(other).await.map_err(refused)?;
    }
    let is_there = resource["id"].is_string() && sandbox.get(&name(&resource)).is_some();
    let interaction = match arguments["interaction"].as_str() {
        Some(named) => Interaction::from_name(named),
        None if is_there && declaration.interactions.update => Interaction::Update,
        None => first_wanted(declaration),
    };
    let resource = prepare(sandbox, interaction, resource).await.map_err(refused)?;
    let mut newest = view.recorder.newest();
    let before = *newest.borrow_and_update();
    let written = make(sandbox, interaction, resource).await.map_err(refused)?;
    let change = Change { endpoint, interaction, resource: &written };
    let came = async {
        loop {
            let since = view.recorder.since(before);
            if let Some(delivery) = since.into_iter().find(|delivery| change.is_of(delivery)) {
                return json!(delivery.summary(&view.app));
            }
            // The sender lives as long as the view.
            drop(newest.changed().await);
        }
    };
    let came = tokio::time::timeout(PATIENCE, came).await;
    came.map_err(|_| change.missing(declaration, &view.recorder.since(before)))
}

/// A change in the sandbox that a handler waits for.
struct Change<'c> {
    endpoint: &'c str,
    interaction: Interaction,
    resource: &'c Value,
}

impl Change<'_> {
    /// Whether the server sent the delivery because of the change. It may also repeat an earlier delivery that failed.
    fn is_of(&self, delivery: &Delivery) -> bool {
        delivery.origin == Origin::Server && delivery.events.iter().any(|event| self.is_told_by(event))
    }

    fn is_told_by(&self, event: &DeskRecord) -> bool {
        let is_deletion = self.interaction == Interaction::Delete;
        // The version before a deletion says nothing about the deletion.
        let written = self.resource["meta"]["versionId"].as_str().filter(|_| !is_deletion);
        let is_late = match (written, &event.version) {
            (Some(written), Some(told)) => match (written.parse::<u64>(), told.parse::<u64>()) {
                // The server may send the newest version for each change.
                (Ok(written), Ok(told)) => told >= written,
                _ => written == told,
            },
            _ => true,
        };
        let named = name(self.resource);
        event.endpoint == Some(self.endpoint)
            && event.reference.as_ref().is_none_or(|reference| *reference == named)
            && is_late
            && (event.interaction == Some("delete")) == is_deletion
            // The server sends an event again while its handler still runs.
            && event.outcome != "under way elsewhere"
    }

    /// Why the delivery is missing, as far as the deliveries since the change tell.
    fn missing(&self, declaration: &Declaration, since: &[Arc<Delivery>]) -> String {
        let (named, what, criteria) =
            (name(self.resource), self.interaction.name(), declaration.trigger.text());
        let others = since.iter().filter(|delivery| delivery.endpoint() == Some(self.endpoint));
        let others = others.map(|delivery| {
            let event = delivery.events.first();
            let reference = event.and_then(|event| event.reference.as_deref()).unwrap_or("no resource");
            let outcome = event.map_or("", |event| event.outcome);
            format!("delivery {} of {reference}: {outcome}", delivery.id)
        });
        let others: Vec<_> = others.take(MOST_OTHERS).collect();
        let seconds = PATIENCE.as_secs();
        if others.is_empty() {
            return format!(
                "no delivery of the {what} of {named} came within {seconds} s: the resource does not match `{criteria}`, or the \
                 handler does not want this interaction"
            );
        }
        format!(
            "no delivery of the {what} of {named} came within {seconds} s. Other deliveries came ({}). A server may send nothing \
             else until a failed delivery succeeds or is given up: look at it by `get_delivery`",
            others.join("; ")
        )
    }
}

fn content(text: &str, is_error: bool) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
}

fn result(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn error(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

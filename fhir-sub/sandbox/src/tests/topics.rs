//! Topic subscriptions of the specification's server.

mod definition;
mod heartbeat;
mod operations;
mod subscription;

use super::*;
use crate::fhir::FhirVersion;

const VERSIONS: [FhirVersion; 3] = [FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5];
const ADMISSION: &str = "https://example.org/topics/admission";
const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";

fn generic(version: FhirVersion, program: &Program) -> Sandbox {
    Sandbox::builder().behaviour(Behaviour::Generic).fhir_version(version).build(program.clone())
}

/// A topic of all changes of encounters; `more` replaces and adds members of its trigger.
fn topic(more: Value) -> Value {
    let mut trigger = json!({ "resource": "Encounter" });
    for (member, value) in more.as_object().unwrap() {
        trigger[member] = value.clone();
    }
    json!({
        "resourceType": "SubscriptionTopic",
        "url": ADMISSION,
        "version": "1",
        "status": "active",
        "resourceTrigger": [trigger],
    })
}

/// The content of a subscription to the topic, in any version.
#[derive(Clone, Copy)]
struct Asked<'a> {
    status: &'a str,
    topic: &'a str,
    filter: Option<(&'a str, &'a str, &'a str)>,
    content: &'a str,
    heartbeat: Option<u64>,
    max_count: Option<u64>,
}

const ASKED: Asked<'static> = Asked {
    status: "requested",
    topic: ADMISSION,
    filter: None,
    content: "full-resource",
    heartbeat: None,
    max_count: None,
};

impl Asked<'_> {
    fn resource(self, version: FhirVersion) -> Value {
        match version {
            FhirVersion::R5 => self.native(),
            _ => self.backport(),
        }
    }

    fn backport(self) -> Value {
        let extension =
            |name: &str, value: Value| json!({ "url": format!("{BACKPORT}{name}"), "value[x]": value });
        let numbers = [("heartbeat-period", self.heartbeat), ("max-count", self.max_count)];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some(extension(name, number?.into())));
        let filters = self
            .filter
            .map(|(kind, name, value)| extension("filter-criteria", format!("{kind}?{name}={value}").into()));
        let mut subscription = json!({
            "resourceType": "Subscription",
            "meta": { "profile": [format!("{BACKPORT}subscription")] },
            "status": self.status,
            "reason": "a test",
            "criteria": self.topic,
            "_criteria": { "extension": filters.into_iter().collect::<Vec<_>>() },
            "channel": {
                "type": "rest-hook",
                "endpoint": "http://app/hook",
                "header": ["X-Auth: a:b"],
                "payload": "application/fhir+json",
                "_payload": { "extension": [extension("payload-content", self.content.into())] },
                "extension": numbers.collect::<Vec<_>>(),
            },
        });
        let typed = subscription.to_string();
        // Each extension has the type from the guide.
        for (name, element) in [
            ("heartbeat-period", "valueUnsignedInt"),
            ("max-count", "valuePositiveInt"),
            ("filter-criteria", "valueString"),
            ("payload-content", "valueCode"),
        ] {
            set_type(&mut subscription, name, element);
        }
        assert_eq!(typed.matches("value[x]").count(), typed.matches("\"url\"").count());
        subscription
    }

    fn native(self) -> Value {
        let mut subscription = json!({
            "resourceType": "Subscription",
            "status": self.status,
            "topic": self.topic,
            "channelType": { "code": "rest-hook" },
            "endpoint": "http://app/hook",
            "parameter": [{ "name": "X-Auth", "value": "a:b" }],
            "contentType": "application/fhir+json",
            "content": self.content,
        });
        if let Some((kind, name, value)) = self.filter {
            let (name, modifier) = name.split_once(':').map_or((name, None), |(name, it)| (name, Some(it)));
            subscription["filterBy"] =
                json!([{ "resourceType": kind, "filterParameter": name, "value": value }]);
            if let Some(modifier) = modifier {
                subscription["filterBy"][0]["modifier"] = modifier.into();
            }
        }
        if let Some(seconds) = self.heartbeat {
            subscription["heartbeatPeriod"] = seconds.into();
        }
        if let Some(count) = self.max_count {
            subscription["maxCount"] = count.into();
        }
        subscription
    }
}

fn set_type(value: &mut Value, name: &str, element: &str) {
    match value {
        Value::Object(members) => {
            let is_it = members.get("url").is_some_and(|url| *url == format!("{BACKPORT}{name}"));
            if is_it && let Some(found) = members.remove("value[x]") {
                members.insert(element.to_owned(), found);
            }
            members.values_mut().for_each(|member| set_type(member, name, element));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set_type(item, name, element)),
        _ => {}
    }
}

/// A sandbox with the topic and an active subscription.
async fn subscribed(version: FhirVersion, program: &Program, trigger: Value, asked: Asked<'_>) -> Sandbox {
    let sandbox = generic(version, program);
    sandbox.create(&topic(trigger)).await.unwrap();
    sandbox.update(&with_id(asked.resource(version), "s")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(status(&sandbox), "active");
    assert_eq!(told(program), ["handshake (requested, 0)"]);
    sandbox
}

fn status(sandbox: &Sandbox) -> String {
    sandbox.get("Subscription/s").unwrap()["status"].as_str().unwrap().to_owned()
}

fn encounter(id: &str, status: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "status": status })
}

/// The requests to the program since the last call: `handshake (requested, 0)`, or `event-notification
/// (active, 2)` followed by its events, such as `#2 PUT Encounter/1 {…}`, where the braces stand for a
/// resource.
fn told(program: &Program) -> Vec<String> {
    let requests = std::mem::take(&mut *program.received.lock().unwrap());
    requests.iter().map(read).collect()
}

fn read(request: &Request<Bytes>) -> String {
    assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "http://app/hook"));
    assert_eq!(request.headers()["x-auth"], "a:b");
    assert_eq!(request.headers()["content-type"], "application/fhir+json");
    describe(&serde_json::from_slice(request.body()).unwrap())
}

fn describe(bundle: &Value) -> String {
    let status = &bundle["entry"][0]["resource"];
    let parameter = |parameters: &Value, name: &str| {
        let found = parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == name)?;
        found
            .as_object()
            .unwrap()
            .iter()
            .find(|(member, _)| *member != "name")
            .map(|(_, value)| value.clone())
    };
    let (kind, state, count, events) = match (&bundle["type"], &status["resourceType"]) {
        (Value::String(kind), Value::String(parameters))
            if kind == "history" && parameters == "Parameters" =>
        {
            let get = |name: &str| parameter(&status["parameter"], name).unwrap();
            let events = status["parameter"].as_array().unwrap().iter();
            let events = events.filter(|it| it["name"] == "notification-event").map(|event| {
                let part = |name: &str| parameter(&event["part"], name);
                assert!(part("timestamp").is_some());
                let focus = part("focus").map(|focus| focus["reference"].clone());
                (part("event-number").unwrap(), focus)
            });
            assert_eq!(get("subscription")["reference"], "http://127.0.0.1:9001/fhir/Subscription/s");
            assert_eq!(get("topic"), ADMISSION);
            (get("type"), get("status"), get("events-since-subscription-start"), events.collect::<Vec<_>>())
        }
        (Value::String(_), Value::String(of_r5)) if of_r5 == "SubscriptionStatus" => {
            let events = status["notificationEvent"].as_array().into_iter().flatten().map(|event| {
                assert!(event["timestamp"].is_string());
                (event["eventNumber"].clone(), event.pointer("/focus/reference").cloned())
            });
            assert_eq!(status["topic"], ADMISSION);
            let get = |name: &str| status[name].clone();
            (get("type"), get("status"), get("eventsSinceSubscriptionStart"), events.collect())
        }
        other => panic!("{other:?}"),
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut told = format!("{} ({}, {})", text(&kind), text(&state), text(&count));
    let mut entries = bundle["entry"].as_array().unwrap().iter().skip(1);
    for (number, focus) in events {
        let number = text(&number);
        match (focus, entries.next()) {
            (None, None) => told.push_str(&format!(" #{number}")),
            (Some(focus), Some(entry)) => {
                assert_eq!(entry["fullUrl"], focus);
                let name = text(&focus).strip_prefix("http://127.0.0.1:9001/fhir/").unwrap().to_owned();
                let method = text(&entry["request"]["method"]);
                let resource = if entry["resource"].is_object() { " {…}" } else { "" };
                told.push_str(&format!(" #{number} {method} {name}{resource}"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(entries.next(), None);
    told
}

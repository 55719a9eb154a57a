//! A request in the form of each sender of events, by AWS's documentation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::wire::{Answer, Request};

/// The sender of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// API Gateway's HTTP API: format 2.0.
    HttpApi,
    /// API Gateway's REST API: format 1.0.
    RestApi,
    FunctionUrl,
    LoadBalancer,
    /// A load balancer with multi-value headers enabled in its target group.
    LoadBalancerOfMany,
}

impl Sender {
    pub(crate) const ALL: [Self; 5] =
        [Self::HttpApi, Self::RestApi, Self::FunctionUrl, Self::LoadBalancer, Self::LoadBalancerOfMany];

    /// The stage or path of the function.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::HttpApi => "/prod",
            Self::RestApi => "/v1/fhir",
            Self::FunctionUrl => "",
            Self::LoadBalancer | Self::LoadBalancerOfMany => "/hooks",
        }
    }

    fn template(self) -> Value {
        let text = match self {
            Self::HttpApi => include_str!("../../data/http-api.json"),
            Self::RestApi => include_str!("../../data/rest-api.json"),
            Self::FunctionUrl => include_str!("../../data/function-url.json"),
            Self::LoadBalancer => include_str!("../../data/load-balancer.json"),
            Self::LoadBalancerOfMany => include_str!("../../data/load-balancer-multi-value.json"),
        };
        serde_json::from_str(text).expect("the template is JSON")
    }

    /// The event for `request`.
    pub(crate) fn event(self, request: &Request) -> Value {
        let mut event = self.template();
        let path = format!("{}{}", self.prefix(), request.path);
        match self {
            Self::HttpApi | Self::FunctionUrl => {
                event["rawPath"] = json!(path);
                event["rawQueryString"] = json!(request.query);
                event["requestContext"]["http"]["method"] = json!(request.method);
                event["requestContext"]["http"]["path"] = json!(path);
                event["headers"] = joined(request);
            }
            Self::RestApi => {
                event["path"] = json!(path);
                event["httpMethod"] = json!(request.method);
                event["requestContext"]["httpMethod"] = json!(request.method);
                event["requestContext"]["path"] = json!(format!("/prod{path}"));
                event["headers"] = last(request, str::to_owned);
                event["multiValueHeaders"] = every(request, str::to_owned);
                event["queryStringParameters"] = parameters(request, |value| json!(value));
                event["multiValueQueryStringParameters"] = parameters(request, |value| json!([value]));
            }
            Self::LoadBalancer => {
                event["path"] = json!(path);
                event["httpMethod"] = json!(request.method);
                event["headers"] = last(request, str::to_ascii_lowercase);
                event["queryStringParameters"] = parameters(request, |value| json!(value));
            }
            Self::LoadBalancerOfMany => {
                event["path"] = json!(path);
                event["httpMethod"] = json!(request.method);
                event["multiValueHeaders"] = every(request, str::to_ascii_lowercase);
                event["multiValueQueryStringParameters"] = parameters(request, |value| json!([value]));
            }
        }
        self.put_body(&mut event, request);
        event
    }

    /// All senders except REST APIs encode bodies that they do not know as text, such as FHIR's own media
    /// type.
    fn put_body(self, event: &mut Value, request: &Request) {
        let content_type = header(request, "content-type").unwrap_or_default();
        let is_text = ["text/", "application/json"].iter().any(|text| content_type.starts_with(text));
        let text = String::from_utf8(request.body.clone()).ok();
        let (body, is_encoded) = match text {
            Some(text) if text.is_empty() => (Value::Null, false),
            Some(text) if is_text || self == Self::RestApi => (json!(text), false),
            _ => (json!(STANDARD.encode(&request.body)), true),
        };
        event["isBase64Encoded"] = json!(is_encoded);
        match event.as_object_mut() {
            // Format 2.0 omits absent members; a load balancer sends an empty text.
            Some(event) if body.is_null() && [Self::HttpApi, Self::FunctionUrl].contains(&self) => {
                event.remove("body");
            }
            _ if body.is_null() && self != Self::RestApi => event["body"] = json!(""),
            _ => event["body"] = body,
        }
    }

    /// The HTTP answer that the sender makes from the function's response.
    pub(crate) fn answer(self, response: &[u8]) -> Answer {
        let response: Value = serde_json::from_slice(response).expect("a function gives back JSON");
        let status = response["statusCode"].as_u64().expect("every sender wants a status");
        let is_load_balancer = [Self::LoadBalancer, Self::LoadBalancerOfMany].contains(&self);
        if is_load_balancer {
            let description = response["statusDescription"].as_str().unwrap_or_default();
            assert!(
                description.starts_with(&format!("{status} ")),
                "a load balancer wants words: {response}"
            );
        }
        let (wanted, other) = match self {
            Self::LoadBalancerOfMany => ("multiValueHeaders", "headers"),
            _ => ("headers", "multiValueHeaders"),
        };
        assert!(
            response[wanted].is_object() && response[other].is_null(),
            "headers of another form: {response}"
        );
        assert_eq!(response["isBase64Encoded"], false, "{response}");
        let text =
            |value: &Value| value.as_str().or_else(|| value[0].as_str()).unwrap_or_default().to_owned();
        let headers = response[wanted].as_object().into_iter().flatten();
        Answer {
            status: u16::try_from(status).expect("a status has three digits"),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            body: response["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
        }
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let header = request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
    header.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

/// Format 2.0: names in lower case, and several values joined by commas.
fn joined(request: &Request) -> Value {
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value);
        let before = headers.get(&name.to_ascii_lowercase()).and_then(Value::as_str);
        let value = before.map_or_else(|| value.clone().into_owned(), |before| format!("{before},{value}"));
        headers.insert(name.to_ascii_lowercase(), json!(value));
    }
    Value::Object(headers)
}

/// The last one of several values.
fn last(request: &Request, name_of: fn(&str) -> String) -> Value {
    let text = |value: &[u8]| json!(String::from_utf8_lossy(value));
    request.headers.iter().map(|(name, value)| (name_of(name), text(value))).collect::<Map<_, _>>().into()
}

/// All values, as lists.
fn every(request: &Request, name_of: fn(&str) -> String) -> Value {
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        let values = headers.entry(name_of(name)).or_insert_with(|| json!([]));
        values.as_array_mut().expect("it was made one").push(json!(String::from_utf8_lossy(value)));
    }
    Value::Object(headers)
}

fn parameters(request: &Request, form: fn(&str) -> Value) -> Value {
    let pairs = request.query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let parameters: Map<_, _> = pairs.map(|(name, value)| (name.to_owned(), form(value))).collect();
    if parameters.is_empty() { Value::Null } else { parameters.into() }
}

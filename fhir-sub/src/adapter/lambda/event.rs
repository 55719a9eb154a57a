//! [`Event`]: the four kinds of events, borrowed from the bytes that the runtime got.

use std::fmt;
use std::marker::PhantomData;

use http::Method;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::service::{Header, Headers};
use crate::text::Text;

/// An event of API Gateway's HTTP API (format 2.0, which Function URLs share), of its REST API (format 1.0)
/// or of an Application Load Balancer: the elements of all of them that a request is made of.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    request_context: Option<RequestContext<'a>>,
    /// Format 2.0.
    #[serde(borrow)]
    raw_path: Option<Text<'a>>,
    #[serde(borrow)]
    raw_query_string: Option<Text<'a>>,
    /// Format 1.0 and the load balancer.
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow)]
    http_method: Option<Text<'a>>,
    #[serde(borrow)]
    query_string_parameters: Option<Pairs<'a, Option<Text<'a>>>>,
    #[serde(borrow)]
    multi_value_query_string_parameters: Option<Pairs<'a, Vec<Text<'a>>>>,
    #[serde(borrow)]
    headers: Option<Pairs<'a, Option<Text<'a>>>>,
    #[serde(borrow)]
    multi_value_headers: Option<Pairs<'a, Vec<Text<'a>>>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    is_base64_encoded: Option<bool>,
}

#[derive(serde::Deserialize)]
struct RequestContext<'a> {
    #[serde(borrow)]
    http: Option<Http<'a>>,
    elb: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Http<'a> {
    #[serde(borrow)]
    method: Text<'a>,
}

/// Which kind of event it is, and what tells one request from another in it.
pub(super) struct Kind<'e> {
    pub(super) method: Method,
    pub(super) path: &'e str,
    /// Format 2.0 has cookies of their own, and some readers want them said to be none.
    pub(super) is_format_2: bool,
    /// A load balancer wants the status in words, and headers in the form that it sends them in.
    pub(super) is_load_balancer: bool,
}

impl Event<'_> {
    /// The kind of the event; `None` where it is no HTTP request.
    pub(super) fn kind(&self) -> Option<Kind<'_>> {
        let context = self.request_context.as_ref()?;
        let (method, path) = match &context.http {
            Some(http) => (&http.method, self.raw_path.as_ref()?),
            None => (self.http_method.as_ref()?, self.path.as_ref()?),
        };
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let (is_format_2, is_load_balancer) = (context.http.is_some(), context.elb.is_some());
        Some(Kind { method, path, is_format_2, is_load_balancer })
    }

    /// The query, in the form `name=value&…`; the names and values that matter to us need no escaping.
    pub(super) fn query(&self) -> Option<String> {
        if let Some(query) = &self.raw_query_string {
            return Some(query.to_string());
        }
        let mut pairs = Vec::new();
        if let Some(Pairs(parameters)) = &self.multi_value_query_string_parameters {
            pairs.extend(parameters.iter().flat_map(|(name, values)| {
                values.iter().map(move |value| format!("{}={}", &**name, &**value))
            }));
        } else if let Some(Pairs(parameters)) = &self.query_string_parameters {
            let text = |value: &Option<Text<'_>>| value.as_deref().unwrap_or_default().to_owned();
            pairs.extend(parameters.iter().map(|(name, value)| format!("{}={}", &**name, text(value))));
        }
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }

    pub(super) fn body(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    pub(super) fn is_base64_encoded(&self) -> bool {
        self.is_base64_encoded.unwrap_or_default()
    }

    /// Whether the sender speaks in `multiValueHeaders`, and so wants its answer.
    pub(super) fn has_multi_value_headers(&self) -> bool {
        self.multi_value_headers.is_some()
    }
}

impl Headers for Event<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        // REST APIs send both, of which `headers` has only the last value of each.
        let mut found = Header::Absent;
        if let Some(Pairs(headers)) = &self.multi_value_headers {
            for (_, values) in headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)) {
                for value in values {
                    found = found.and(value.as_bytes());
                }
            }
        } else if let Some(Pairs(headers)) = &self.headers {
            for (_, value) in headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)) {
                if let Some(value) = value {
                    found = found.and(value.as_bytes());
                }
            }
        }
        found
    }
}

/// A JSON object as a list, in its order and with its repetitions.
struct Pairs<'a, V>(Vec<(Text<'a>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Pairs<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<'a, V>(PhantomData<(&'a (), V)>);

        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<'a, V> {
            type Value = Pairs<'a, V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

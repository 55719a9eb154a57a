//! [`Event`]: the four kinds of events, borrowed from the bytes that the runtime got.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use http::Method;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::service::{Header, Headers, Scanner, once, unescape};
use crate::text::Text;

/// An event of API Gateway's HTTP API (format 2.0, which Function URLs share), of its REST API (format 1.0)
/// or of an Application Load Balancer: the elements of all of them that a request is made of.
#[derive(Default)]
pub(super) struct Event<'a> {
    request_context: Member<RequestContext<'a>>,
    /// Format 2.0.
    raw_path: Member<Text<'a>>,
    raw_query_string: Member<Text<'a>>,
    /// Format 1.0 and the load balancer.
    path: Member<Text<'a>>,
    http_method: Member<Text<'a>>,
    query_string_parameters: Member<Pairs<'a, Option<Text<'a>>>>,
    multi_value_query_string_parameters: Member<Pairs<'a, Vec<Text<'a>>>>,
    headers: Member<Pairs<'a, Option<Text<'a>>>>,
    multi_value_headers: Member<Pairs<'a, Vec<Text<'a>>>>,
    /// As it stands between its quotes: who is not let in has it read in vain.
    body: Member<&'a str>,
    is_base64_encoded: Member<bool>,
}

/// A member of an event, if it is there; and its value, if it is not `null`.
type Member<T> = Option<Option<T>>;

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

impl<'a> Event<'a> {
    /// Reads an event in one pass; `None` where it is none.
    ///
    /// The small things in it serde reads. The body, which is most of it, and what is in no request are only passed over.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut event = Self::default();
        Scanner::read(text, |scanner| {
            // None may be there twice: whoever stood before us may have gone by the other.
            scanner.object(|scanner, name| match name {
                "requestContext" => once(&mut event.request_context, scanner.by_serde()?),
                "rawPath" => once(&mut event.raw_path, scanner.by_serde()?),
                "rawQueryString" => once(&mut event.raw_query_string, scanner.by_serde()?),
                "path" => once(&mut event.path, scanner.by_serde()?),
                "httpMethod" => once(&mut event.http_method, scanner.by_serde()?),
                "queryStringParameters" => once(&mut event.query_string_parameters, scanner.by_serde()?),
                "multiValueQueryStringParameters" => {
                    once(&mut event.multi_value_query_string_parameters, scanner.by_serde()?)
                }
                "headers" => once(&mut event.headers, scanner.by_serde()?),
                "multiValueHeaders" => once(&mut event.multi_value_headers, scanner.by_serde()?),
                "body" => once(&mut event.body, scanner.optional(Scanner::raw_string)?),
                "isBase64Encoded" => once(&mut event.is_base64_encoded, scanner.by_serde()?),
                _ => scanner.skip(),
            })
        })
        .ok()?;
        Some(event)
    }

    /// The kind of the event; `None` where it is no HTTP request.
    pub(super) fn kind(&self) -> Option<Kind<'_>> {
        let context = self.request_context.as_ref()?.as_ref()?;
        let (method, path) = match &context.http {
            Some(http) => (&http.method, self.raw_path.as_ref()?.as_ref()?),
            None => (self.http_method.as_ref()?.as_ref()?, self.path.as_ref()?.as_ref()?),
        };
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let (is_format_2, is_load_balancer) = (context.http.is_some(), context.elb.is_some());
        Some(Kind { method, path, is_format_2, is_load_balancer })
    }

    /// The query, in the form `name=value&…`; the names and values that matter to us need no escaping.
    pub(super) fn query(&self) -> Option<String> {
        if let Some(Some(query)) = &self.raw_query_string {
            return Some(query.to_string());
        }
        let mut pairs = Vec::new();
        if let Some(Some(Pairs(parameters))) = &self.multi_value_query_string_parameters {
            pairs.extend(parameters.iter().flat_map(|(name, values)| {
                values.iter().map(move |value| format!("{}={}", &**name, &**value))
            }));
        } else if let Some(Some(Pairs(parameters))) = &self.query_string_parameters {
            let text = |value: &Option<Text<'_>>| value.as_deref().unwrap_or_default().to_owned();
            pairs.extend(parameters.iter().map(|(name, value)| format!("{}={}", &**name, text(value))));
        }
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }

    /// The body's text, before any base64 is decoded; `None` where it is no JSON string.
    pub(super) fn body(&self) -> Option<Cow<'a, str>> {
        unescape(self.body.flatten().unwrap_or_default())
    }

    pub(super) fn is_base64_encoded(&self) -> bool {
        self.is_base64_encoded.flatten().unwrap_or_default()
    }

    /// Whether the sender speaks in `multiValueHeaders`, and so wants its answer.
    pub(super) fn has_multi_value_headers(&self) -> bool {
        matches!(self.multi_value_headers, Some(Some(_)))
    }
}

impl Headers for Event<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        // REST APIs send both, of which `headers` has only the last value of each.
        let mut found = Header::Absent;
        if let Some(Some(Pairs(headers))) = &self.multi_value_headers {
            for (_, values) in headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)) {
                for value in values {
                    found = found.and(value.as_bytes());
                }
            }
        } else if let Some(Some(Pairs(headers))) = &self.headers {
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

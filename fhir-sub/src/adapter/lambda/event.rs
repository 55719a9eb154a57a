//! [`Event`]: the four kinds of events, borrowed from the bytes that the runtime got.

use std::borrow::Cow;

use base64_simd::STANDARD;
use http::Method;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::json::{Mistake, Scanner, Text, has_control_character, once};
use crate::request::{ClientCertificate, Header, Headers};

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
    /// Its text before any base64 is decoded, or `None` where that is no text: it matters only to who is let in.
    body: Member<Option<Cow<'a, [u8]>>>,
    is_base64_encoded: Member<bool>,
}

/// A member of an event, if it is there; and its value, if it is not `null`.
type Member<T> = Option<Option<T>>;

#[derive(Default)]
struct RequestContext<'a> {
    http: Member<Http<'a>>,
    elb: Member<()>,
    /// The JSON that has the client certificate: `authentication` in format 2.0, `identity` in format 1.0.
    identity: Option<&'a str>,
}

struct Http<'a> {
    method: Member<Text<'a>>,
}

/// A JSON object as a list, in its order and with its repetitions.
type Pairs<'a, V> = Vec<(Text<'a>, V)>;

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
    /// Members that no request has are skipped.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut event = Self::default();
        Scanner::read(text, |scanner| {
            // None may be there twice: whoever stood before us may have gone by the other.
            scanner.object(|scanner, name| match name {
                "requestContext" => once(&mut event.request_context, scanner.optional(RequestContext::scan)?),
                "rawPath" => once(&mut event.raw_path, scanner.optional(Scanner::string)?),
                "rawQueryString" => once(&mut event.raw_query_string, scanner.optional(Scanner::string)?),
                "path" => once(&mut event.path, scanner.optional(Scanner::string)?),
                "httpMethod" => once(&mut event.http_method, scanner.optional(Scanner::string)?),
                "queryStringParameters" => {
                    once(&mut event.query_string_parameters, scanner.optional(single)?)
                }
                "multiValueQueryStringParameters" => {
                    once(&mut event.multi_value_query_string_parameters, scanner.optional(multiple)?)
                }
                "headers" => once(&mut event.headers, scanner.optional(single)?),
                "multiValueHeaders" => once(&mut event.multi_value_headers, scanner.optional(multiple)?),
                "body" => once(&mut event.body, scanner.optional(Scanner::long_string)?),
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
        let http = context.http.as_ref().and_then(Option::as_ref);
        let (method, path) = match http {
            Some(http) => (&http.method, &self.raw_path),
            None => (&self.http_method, &self.path),
        };
        let (method, path) = (method.as_ref()?.as_ref()?, path.as_ref()?.as_ref()?);
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let (is_format_2, is_load_balancer) = (http.is_some(), matches!(context.elb, Some(Some(()))));
        Some(Kind { method, path, is_format_2, is_load_balancer })
    }

    /// The query, in the form `name=value&…`; the names and values that matter to us need no escaping.
    pub(super) fn query(&self) -> Option<String> {
        if let Some(Some(query)) = &self.raw_query_string {
            return Some(query.to_string());
        }
        let mut pairs = Vec::new();
        if let Some(Some(parameters)) = &self.multi_value_query_string_parameters {
            pairs.extend(parameters.iter().flat_map(|(name, values)| {
                values.iter().map(move |value| format!("{}={}", &**name, &**value))
            }));
        } else if let Some(Some(parameters)) = &self.query_string_parameters {
            let text = |value: &Option<Text<'_>>| value.as_deref().unwrap_or_default().to_owned();
            pairs.extend(parameters.iter().map(|(name, value)| format!("{}={}", &**name, text(value))));
        }
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }

    /// The bytes that were sent; `None` where the event does not have them whole.
    pub(super) fn body(&self) -> Option<Cow<'_, [u8]>> {
        let Some(Some(body)) = &self.body else { return Some(Cow::Borrowed(&[])) };
        let text = body.as_deref()?;
        if self.is_base64_encoded.flatten().unwrap_or_default() {
            return STANDARD.decode_to_vec(text).ok().map(Cow::Owned);
        }
        // What was written with escapes has its own by now.
        let is_text = matches!(body, Some(Cow::Owned(_))) || !has_control_character(text);
        is_text.then_some(Cow::Borrowed(text))
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
        if let Some(Some(headers)) = &self.multi_value_headers {
            for (_, values) in headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)) {
                for value in values {
                    found = found.and(value.as_bytes());
                }
            }
        } else if let Some(Some(headers)) = &self.headers {
            for (_, value) in headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)) {
                if let Some(value) = value {
                    found = found.and(value.as_bytes());
                }
            }
        }
        found
    }

    fn client_certificate(&self, load_balancer_verifies: bool) -> Option<ClientCertificate<'_>> {
        let context = self.request_context.as_ref()?.as_ref()?;
        if !matches!(context.elb, Some(Some(()))) {
            // A caller cannot write there.
            return context.identity.and_then(certificate);
        }
        // Of a header that was sent twice, the single form has only one.
        if !load_balancer_verifies || !self.has_multi_value_headers() {
            return None;
        }
        let subject = self.get("x-amzn-mtls-clientcert-subject").text()?;
        let leaf = self.get("x-amzn-mtls-clientcert-leaf").text()?;
        let pem = percent_decode_str(leaf).decode_utf8().ok()?;
        Some(ClientCertificate { subject: subject.into(), pem })
    }
}

/// The certificate that a gateway names in this part of an event.
fn certificate(part: &str) -> Option<ClientCertificate<'_>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Part<'a> {
        #[serde(borrow)]
        client_cert: Option<Certificate<'a>>,
    }
    #[derive(Deserialize)]
    struct Certificate<'a> {
        #[serde(borrow, rename = "subjectDN")]
        subject: Cow<'a, str>,
        #[serde(borrow, rename = "clientCertPem")]
        pem: Cow<'a, str>,
    }
    let Part { client_cert } = serde_json::from_str(part).ok()?;
    client_cert.map(|Certificate { subject, pem }| ClientCertificate { subject, pem })
}

impl<'a> RequestContext<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let mut context = Self::default();
        scanner.object(|scanner, name| match name {
            "http" => once(&mut context.http, scanner.optional(Http::scan)?),
            "elb" => once(&mut context.elb, scanner.optional(Scanner::skip)?),
            // No format has both.
            "authentication" | "identity" => match scanner.optional(json)? {
                Some(_) if context.identity.is_some() => Err(Mistake::OtherShape),
                found => {
                    context.identity = context.identity.or(found);
                    Ok(())
                }
            },
            _ => scanner.skip(),
        })?;
        Ok(context)
    }
}

impl<'a> Http<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let mut method = None;
        scanner.object(|scanner, name| match name {
            "method" => once(&mut method, scanner.optional(Scanner::string)?),
            _ => scanner.skip(),
        })?;
        Ok(Self { method })
    }
}

/// The JSON of a value.
fn json<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, Mistake> {
    scanner.with_text(Scanner::skip).map(|(text, ())| text)
}

/// Members with a string each, or `null`.
fn single<'a>(scanner: &mut Scanner<'a>) -> Result<Pairs<'a, Option<Text<'a>>>, Mistake> {
    let mut pairs = Vec::with_capacity(16);
    scanner.members(|scanner, name| {
        pairs.push((name, scanner.optional(Scanner::string)?));
        Ok(())
    })?;
    Ok(pairs)
}

/// Members with a list of strings each.
fn multiple<'a>(scanner: &mut Scanner<'a>) -> Result<Pairs<'a, Vec<Text<'a>>>, Mistake> {
    let mut pairs = Vec::with_capacity(16);
    scanner.members(|scanner, name| {
        let mut values = Vec::new();
        scanner.list(|scanner| {
            values.push(scanner.string()?);
            Ok(())
        })?;
        pairs.push((name, values));
        Ok(())
    })?;
    Ok(pairs)
}

#[cfg(test)]
mod tests;

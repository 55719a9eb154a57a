//! [`Event`]: the four kinds of HTTP events, borrowed from the runtime's bytes.

use std::borrow::Cow;

use base64_simd::STANDARD;
use http::Method;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::json::{Mistake, Scanner, Text, has_control_character, once};
use crate::request::{ClientCertificate, Header, Headers};

/// An event of API Gateway's HTTP API (format 2.0, which Function URLs share), of its REST API (format 1.0)
/// or of an Application Load Balancer. It has only the elements that make up a request.
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
    /// The text before base64 is decoded, or `None` if it is not text. Only an authenticated caller's body
    /// matters.
    body: Member<Option<Cow<'a, [u8]>>>,
    is_base64_encoded: Member<bool>,
}

/// A member of an event, if it exists; and its value, if it is not `null`.
type Member<T> = Option<Option<T>>;

#[derive(Default)]
struct RequestContext<'a> {
    http: Member<Http<'a>>,
    elb: Member<()>,
    /// The JSON with the client certificate: `authentication` in format 2.0, `identity` in format 1.0.
    identity: Option<&'a str>,
}

struct Http<'a> {
    method: Member<Text<'a>>,
}

/// A JSON object as a list, in order and with repetitions.
type Pairs<'a, V> = Vec<(Text<'a>, V)>;

/// The kind of an event, and the parts that identify a request.
pub(super) struct Kind<'e> {
    pub(super) method: Method,
    pub(super) path: &'e str,
    /// Format 2.0 has separate cookies, and some readers require the member even if there are none.
    pub(super) is_format_2: bool,
    /// A load balancer needs the status in words, and its headers in the form in which it sends them.
    pub(super) is_load_balancer: bool,
}

impl<'a> Event<'a> {
    /// Reads an event in one pass. `None` if it is not an event.
    ///
    /// Other members are skipped.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut event = Self::default();
        Scanner::read(text, |scanner| {
            // A repeated member is refused: a gateway before us may have used the other one.
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

    /// The kind of the event; `None` if it is not an HTTP request.
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

    /// The query as `name=value&…`. Our own names and values need no escaping.
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

    /// The bytes of the body; `None` if the event does not contain them whole.
    pub(super) fn body(&self) -> Option<Cow<'_, [u8]>> {
        let Some(Some(body)) = &self.body else { return Some(Cow::Borrowed(&[])) };
        let text = body.as_deref()?;
        if self.is_base64_encoded.flatten().unwrap_or_default() {
            return STANDARD.decode_to_vec(text).ok().map(Cow::Owned);
        }
        // A text with escapes has been decoded by now.
        let is_text = matches!(body, Some(Cow::Owned(_))) || !has_control_character(text);
        is_text.then_some(Cow::Borrowed(text))
    }

    /// Whether the sender uses `multiValueHeaders`, and expects them in the answer.
    pub(super) fn has_multi_value_headers(&self) -> bool {
        matches!(self.multi_value_headers, Some(Some(_)))
    }
}

impl Headers for Event<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        // REST APIs send both. `headers` has only the last value of each header.
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
            // A caller cannot write to this place.
            return context.identity.and_then(certificate);
        }
        // The single form shows only one value of a repeated header.
        if !load_balancer_verifies || !self.has_multi_value_headers() {
            return None;
        }
        let subject = self.get("x-amzn-mtls-clientcert-subject").text()?;
        let leaf = self.get("x-amzn-mtls-clientcert-leaf").text()?;
        let pem = percent_decode_str(leaf).decode_utf8().ok()?;
        Some(ClientCertificate { subject: subject.into(), pem })
    }
}

/// The certificate that a gateway passes in this part of an event.
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

fn json<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, Mistake> {
    scanner.with_text(Scanner::skip).map(|(text, ())| text)
}

/// Members with a string or `null` each.
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

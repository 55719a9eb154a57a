//! [`Settings`]: the values from the environment and from `setup`, read once and checked together.

mod address;
mod authorization;
mod caller_token;
mod callers;
mod certificates;
mod connection;
mod file;
mod idempotency;
#[cfg(feature = "postgres")]
mod postgres;
mod queue;
mod reference;
mod rereading;
mod secret;
mod secrets;
mod server;
mod span;
#[cfg(feature = "token")]
mod token_callers;
mod variables;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::HeaderName;

pub(crate) use address::Address;
pub(crate) use caller_token::{CallerToken, NAMES as CALLER_TOKEN_SETTINGS};
pub(crate) use callers::Callers;
pub(crate) use certificates::Certificates;
pub(crate) use idempotency::{Idempotency, Place};
#[cfg(feature = "postgres")]
pub(crate) use postgres::PostgresUrl;
pub(crate) use queue::QueueSettings;
#[cfg(test)]
pub(crate) use reference::{Failure, Version};
pub(crate) use reference::{Places, Reference};
pub(crate) use rereading::{OtherTenant, Rereading, SignInAgain};
pub(crate) use secret::SharedSecret;
pub(crate) use secrets::{Secrets, Signing};
#[cfg(feature = "token")]
pub(crate) use token_callers::{KeysAt, TokenCallers};
pub(crate) use variables::{NotReady, Variables, is_lambda, prefix};

use self::authorization::authorization;
use self::connection::connection;
#[cfg(all(feature = "lambda", feature = "registration"))]
pub(crate) use self::connection::connection_so_far;
use self::server::fhir_server;
use crate::client::Authorization;
use crate::client::transport::Connection;
use crate::fhir::FhirVersion;
use crate::problems::Problems;
use crate::server::{Room, Signature};
use crate::signature::HUB_SIGNATURE;

/// The largest body, unless `setup` says otherwise. It is the limit of a Lambda event.
pub(crate) const BODY_LIMIT: usize = 6 * 1024 * 1024;

/// The most bytes of bodies in memory at once, unless a setting says otherwise.
const BODIES_MAXIMUM: usize = 128 << 20;

/// How long running requests may still take after `serve` was told to stop, unless a setting says otherwise.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The setting for how often `serve` sweeps.
const SWEEP_EVERY: &str = "FHIR_SUBSCRIPTION_SWEEP_EVERY";

/// The longest time of a request: gateways stop waiting after 29 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(25);

/// Every setting, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The public URL under which the endpoints are reached.
    pub(crate) base_url: Address,
    pub(crate) secrets: Secrets,
    /// Callers that may send notifications without a secret.
    pub(crate) callers: Callers,
    /// The header that carries the secret.
    pub(crate) header: HeaderName,
    /// The MIME type of notifications.
    pub(crate) payload: String,
    pub(crate) fhir_base_url: Address,
    /// Whether other servers than those on this machine may be reached over http.
    pub(crate) allow_http: bool,
    pub(crate) fhir_version: FhirVersion,
    /// The facts about the FHIR server.
    pub(crate) fhir_server: &'static Room,
    /// Whether the server must still be recognised (`FHIR_SERVER=auto`). Until then we assume that it follows
    /// the specification, and report no limits.
    pub(crate) is_server_unknown: bool,
    pub(crate) authorization: Authorization,
    /// How the FHIR server, the token endpoint and the store are reached.
    pub(crate) connection: Connection,
    pub(crate) log: LogSettings,
    pub(crate) idempotency: Idempotency,
    /// The queue for notifications, if there is one.
    pub(crate) queue: Option<QueueSettings>,
    /// The most events of one notification.
    pub(crate) events_maximum: usize,
    /// Whether the server is asked for missing events, by their numbers.
    ///
    /// The default is `false` under Lambda without a shared store: each instance sees only some numbers, and would
    /// handle events again that another instance has handled.
    pub(crate) asks_for_missing_events: bool,
    /// How often `serve` sweeps.
    pub(crate) sweep_every: Option<Duration>,
    /// How far before its watermark a sweep begins. A transaction may become visible, or a search index be
    /// written, later than a newer change. The machines of a server may also have different clocks.
    pub(crate) sweep_overlap: Duration,
    /// The tenant of the settings, if the program has tenants.
    pub(crate) tenant: Option<Box<str>>,
    /// Whether the program runs under Lambda, so that there may be several instances.
    pub(crate) on_lambda: bool,
    /// Whether `GET /metrics` shows what was counted.
    pub(crate) has_counters: bool,
    /// How long running requests may still take after `serve` was told to stop.
    pub(crate) stop_within: Duration,
    /// The most bytes of bodies in memory at once, over HTTP.
    pub(crate) bodies_maximum: usize,
    pub(crate) body_limit: usize,
    pub(crate) time_limit: Duration,
}

/// The permitted contents of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// Whether a line names the resource, `Type/id`.
    pub(crate) references: bool,
    /// Whether a line quotes a handler's error or panic.
    pub(crate) error_text: bool,
    /// Whether CloudWatch reads metrics from the lines.
    pub(crate) metrics: bool,
}

impl Settings {
    /// Reads `variables`, and reports everything that is missing or malformed.
    pub(crate) fn read(variables: &Variables) -> Result<Self, Problems> {
        Self::read_all(variables).map_err(|problems| problems.without(|it| variables.is_of_unread(it)))
    }

    fn read_all(variables: &Variables) -> Result<Self, Problems> {
        let mut problems = variables.problems();

        let allow_http = match variables.get("FHIR_ALLOW_HTTP") {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => {
                problems.add(
                    "FHIR_ALLOW_HTTP: write 1 to allow http URLs that are not on loopback, or leave it out",
                );
                false
            }
        };
        let base_url = address(
            variables,
            "APP_BASE_URL",
            "the public URL under which the endpoints are reached",
            allow_http,
        );
        let fhir_base_url = address(variables, "FHIR_BASE_URL", "the FHIR server", allow_http);
        let base_url = problems.collect(base_url);
        let fhir_base_url = problems.collect(fhir_base_url);

        let caller_token = problems.collect(CallerToken::read(variables, allow_http)).flatten();
        let header = header(variables, &mut problems);
        let callers = Callers::read(variables, &header, allow_http, &mut problems);
        let secrets = Secrets::read(variables, &header, Callers::is_named(variables), &mut problems);
        let secrets = secrets.map(|secrets| Secrets { caller_token, ..secrets });
        let payload = payload(variables, &mut problems);
        let fhir_version = problems.collect(fhir_version(variables)).unwrap_or_default();
        let (fhir_server, is_server_unknown) = fhir_server(variables, &mut problems);
        let authorization = problems.collect(authorization(variables, allow_http));
        let connection = problems.collect(connection(variables)).unwrap_or_default();
        let references =
            !off(variables, "FHIR_SUBSCRIPTION_LOG_REFERENCES", ["plain", "off"], false, &mut problems);
        let on_lambda = variables.on_lambda();
        let error_text =
            !off(variables, "FHIR_SUBSCRIPTION_LOG_ERRORS", ["text", "kind"], on_lambda, &mut problems);
        let (metrics, has_counters) = metrics(variables, &mut problems);

        let idempotency = Idempotency::read(variables, &mut problems);
        let queue = problems.collect(QueueSettings::read(variables, allow_http)).flatten();
        let only_logs = on_lambda && !idempotency.is_durable();
        let asks_for_missing_events =
            !off(variables, "FHIR_SUBSCRIPTION_GAPS", ["ask", "log"], only_logs, &mut problems);
        let events_maximum = events_maximum(variables, &mut problems);
        let sweep_every = span::span(variables, SWEEP_EVERY, Duration::from_secs(1), &mut problems);
        let overlap = "FHIR_SUBSCRIPTION_SWEEP_OVERLAP";
        let overlap = span::span(variables, overlap, Duration::ZERO, &mut problems);
        let sweep_overlap = overlap.unwrap_or(Duration::from_secs(2 * 60));

        let stop_within = "FHIR_SUBSCRIPTION_STOP_WITHIN";
        let stop_within = span::span(variables, stop_within, Duration::ZERO, &mut problems);
        let bodies_maximum = bodies_maximum(variables, &mut problems);

        let (Some(base_url), Some(fhir_base_url)) = (base_url, fhir_base_url) else { return Err(problems) };
        let (Some(secrets), Some(authorization)) = (secrets, authorization) else { return Err(problems) };
        problems.or(Self {
            base_url,
            secrets,
            callers,
            header,
            payload,
            fhir_base_url,
            allow_http,
            fhir_version,
            fhir_server,
            is_server_unknown,
            authorization,
            connection,
            log: LogSettings { references, error_text, metrics },
            idempotency,
            queue,
            tenant: variables.tenant().map(Into::into),
            on_lambda,
            events_maximum,
            sweep_every,
            sweep_overlap,
            asks_for_missing_events,
            has_counters,
            stop_within: stop_within.unwrap_or(STOP_WITHIN),
            bodies_maximum,
            body_limit: BODY_LIMIT,
            time_limit: TIME_LIMIT,
        })
    }

    /// The key that the FHIR server must sign notifications with.
    pub(crate) fn told_to_sign_with(&self) -> Option<&Signing> {
        if self.fhir_server.signature_header().0 == HUB_SIGNATURE {
            self.hub()
        } else {
            self.secrets.signing.as_ref()
        }
    }

    /// The key for `X-Hub-Signature`. If the server signs only in this way, the general signing secret is
    /// accepted too.
    pub(crate) fn hub(&self) -> Option<&Signing> {
        let Secrets { signing, hub, .. } = &self.secrets;
        let signs_so = self.fhir_server.signature_header().0 == HUB_SIGNATURE;
        hub.as_ref().or(signing.as_ref().filter(|_| signs_so))
    }

    /// Why the program cannot sweep on a schedule, with a store that is `durable` or not.
    pub(crate) fn problem_of_sweeping(&self, is_durable: bool) -> Option<String> {
        let _period = self.sweep_every?;
        if !cfg!(feature = "registration") {
            return Some(format!(
                "{SWEEP_EVERY} is set, and this program is built without sweeps: add the feature `registration` of fhir-sub \
                 in Cargo.toml, or leave {SWEEP_EVERY} out"
            ));
        }
        (!is_durable).then(|| {
            format!(
                "{SWEEP_EVERY} is set, and there is no store that outlives the program: without one, each start would \
                 handle again what was handled before; set FHIR_SUBSCRIPTION_IDEMPOTENCY to postgres://…, sqlite:FILE or \
                 dynamodb:TABLE, or leave {SWEEP_EVERY} out"
            )
        })
    }

    /// The problem with the limit on all bodies, compared with the limit on one body.
    pub(crate) fn problem_of_bodies(&self) -> Option<String> {
        let Self { bodies_maximum, body_limit, .. } = self;
        (bodies_maximum < body_limit).then(|| {
            format!(
                "FHIR_SUBSCRIPTION_BODIES_MAXIMUM allows {bodies_maximum} bytes in all, and `body_limit` {body_limit} for one \
                 body: raise the first, or lower the second"
            )
        })
    }

    /// Settings that are allowed but unwise.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.secrets.warnings();
        warnings.extend(self.idempotency.warnings(self.on_lambda, &self.secrets));
        warnings.extend(self.queue.iter().flat_map(|queue| queue.warnings(self)));
        let is_signed_by_gateway = matches!(self.fhir_server.signature, Signature::ByGateway);
        if self.secrets.signing.is_some() && is_signed_by_gateway && !self.is_server_unknown {
            warnings.push(
                "FHIR_SUBSCRIPTION_SIGNING_SECRET is set, and FHIR_SERVER is generic: registration does \
                 not send it to the server, and every notification without its X-Signature is refused"
                    .into(),
            );
        }
        if self.sweep_every.is_some() && self.on_lambda {
            warnings.push(format!(
                "{SWEEP_EVERY} is set, and a Lambda runs only while it is invoked: leave it out, and let a schedule invoke \
                 the Lambda"
            ));
        }
        if cfg!(panic = "abort") {
            warnings.push(
                "this program was built with panic = \"abort\": a handler that panics ends the process; \
                 set panic = \"unwind\" in [profile.release]"
                    .into(),
            );
        }
        warnings
    }
}

/// The URL in the setting `name`, which is required.
fn address(variables: &Variables, name: &str, meaning: &str, allow_http: bool) -> Result<Address, Problems> {
    match variables.get(name) {
        Some(text) => Address::parse(name, text, allow_http),
        None => Err(Problems::from(format!("{name} is not set: {meaning}, as in {name}=https://…"))),
    }
}

/// `FHIR_VERSION`, even if other settings are missing.
pub(crate) fn fhir_version(variables: &Variables) -> Result<FhirVersion, Problems> {
    let Some(name) = variables.get("FHIR_VERSION") else { return Ok(FhirVersion::default()) };
    FhirVersion::from_name(name)
        .ok_or_else(|| Problems::from(format!("FHIR_VERSION is {name:?}: write R4, R4B or R5")))
}

fn header(variables: &Variables, problems: &mut Problems) -> HeaderName {
    let usual = HeaderName::from_static("x-subscription-auth");
    let Some(text) = variables.get("FHIR_SUBSCRIPTION_HEADER") else { return usual };
    match text.parse::<HeaderName>() {
        Ok(name) if is_spoken_for(name.as_str()) => {
            problems.add(format!(
                "FHIR_SUBSCRIPTION_HEADER is {text:?}, which has a meaning of its own in HTTP: name another"
            ));
            usual
        }
        Ok(name) => name,
        Err(_) => {
            problems.add(
                "FHIR_SUBSCRIPTION_HEADER is not the name of a header: write one like X-Subscription-Auth",
            );
            usual
        }
    }
}

/// Whether servers and gateways use this header themselves, and may add, join, rename or drop it. HAPI sends
/// its own headers a second time, and a secret that arrives twice is refused. Log lines and traces contain the id of a
/// request and the trace of its caller.
fn is_spoken_for(name: &str) -> bool {
    const NAMES: [&str; 27] = [
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "if-match",
        "if-none-exist",
        "if-none-match",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-request-id",
        "x-trace-id",
        crate::signature::SIGNATURE,
        HUB_SIGNATURE,
    ];
    const PREFIXES: [&str; 3] = ["x-amz", "x-forwarded-", "x-medplum-"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn payload(variables: &Variables, problems: &mut Problems) -> String {
    let text = variables.get("FHIR_SUBSCRIPTION_PAYLOAD").unwrap_or("application/fhir+json");
    if !crate::fhir::is_json(text) {
        problems.add(format!(
            "FHIR_SUBSCRIPTION_PAYLOAD is {text:?}: only JSON is read, so write application/fhir+json or application/json"
        ));
    }
    text.to_owned()
}

/// The most events that one notification may have.
fn events_maximum(variables: &Variables, problems: &mut Problems) -> usize {
    let name = "FHIR_SUBSCRIPTION_EVENTS_MAXIMUM";
    let Some(text) = variables.get(name) else { return 1_000 };
    text.parse().ok().filter(|number| (1..=5_000).contains(number)).unwrap_or_else(|| {
        problems.add(format!("{name} is {text:?}: write a number from 1 to 5000"));
        1_000
    })
}

/// Whether CloudWatch reads metrics from the log, and whether Prometheus asks for them.
fn metrics(variables: &Variables, problems: &mut Problems) -> (bool, bool) {
    let name = "FHIR_SUBSCRIPTION_METRICS";
    let on_lambda = variables.on_lambda();
    match variables.get(name) {
        None => (on_lambda, false),
        Some("off") => (false, false),
        Some("emf") if on_lambda => (true, false),
        Some("prometheus") if !on_lambda && cfg!(feature = "local") => (false, true),
        Some("emf") => {
            problems.add(format!(
                "{name} is emf, which CloudWatch reads from a Lambda's log only: write prometheus, or leave it out"
            ));
            (false, false)
        }
        Some("prometheus") if on_lambda => {
            problems.add(format!(
                "{name} is prometheus, which cannot ask each instance of a Lambda: write emf, or leave it out"
            ));
            (false, false)
        }
        Some("prometheus") => {
            problems.add(format!(
                "{name} is prometheus, and this program is built without it: add the feature `local` of fhir-sub in \
                 Cargo.toml"
            ));
            (false, false)
        }
        Some(value) => {
            problems.add(format!("{name} is {value:?}: write emf, prometheus or off"));
            (false, false)
        }
    }
}

/// The most bytes of bodies in memory at once.
pub(crate) fn bodies_maximum(variables: &Variables, problems: &mut Problems) -> usize {
    let name = "FHIR_SUBSCRIPTION_BODIES_MAXIMUM";
    let Some(text) = variables.get(name) else { return BODIES_MAXIMUM };
    let mebibytes = text.parse::<usize>().ok().filter(|number| (1..=1_000_000).contains(number));
    mebibytes.map_or_else(
        || {
            problems.add(format!("{name} is {text:?}: write a number of MiB, from 1 to 1000000"));
            BODIES_MAXIMUM
        },
        |mebibytes| mebibytes << 20,
    )
}

/// Whether the setting `name` has the second of its two `values`.
fn off(variables: &Variables, name: &str, values: [&str; 2], absent: bool, problems: &mut Problems) -> bool {
    match variables.get(name) {
        None => absent,
        Some(value) if values.contains(&value) => value == values[1],
        Some(value) => {
            problems.add(format!("{name} is {value:?}: write {} or {}", values[0], values[1]));
            absent
        }
    }
}

/// The address of `serve`: 127.0.0.1:9000 unless `HOST` and `PORT` say otherwise.
pub(crate) fn listen_address(variables: &Variables) -> Result<SocketAddr, Problems> {
    let mut problems = Problems::default();
    let host = variables.get("HOST").map(str::parse::<IpAddr>);
    let host = host.unwrap_or(Ok(Ipv4Addr::LOCALHOST.into())).unwrap_or_else(|_| {
        problems.add("HOST is not an IP address: write 127.0.0.1, 0.0.0.0 or the like");
        Ipv4Addr::LOCALHOST.into()
    });
    let port = variables.get("PORT").map(str::parse::<u16>).unwrap_or(Ok(9000)).unwrap_or_else(|_| {
        problems.add("PORT is not a port: write a number from 0 (any that is free) to 65535");
        9000
    });
    problems.or(SocketAddr::new(host, port))
}

#[cfg(test)]
mod tests;

//! `serve` without a FHIR server: the sandbox replaces it.

mod delivery;
mod neighbour;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use fhir_sub_search::search::split_filter;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

pub(super) use self::delivery::OverHttp;
use self::neighbour::stranger;
use super::desk::Watch;
use super::serve::{SET_PORT, Serving, listen};
use super::{COMMAND_LIMIT, Exit, register, say};
use crate::adapter::{ResponseBody, local};
use crate::app::{App, AppBuilder};
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Trigger};
use crate::error::BoxError;
use crate::fhir::FhirVersion;
use crate::problems::Problems;
use crate::registration::{self, Options};
use crate::sandbox::sample::{Sample, sample};
use crate::sandbox::topic::StandIn;
use crate::sandbox::{Behaviour, Sandbox};
use crate::settings::{Variables, fhir_version, listen_address};
use crate::signature::hex;

/// Why there is no sandbox: there is one.
pub(super) const MISSING: Option<&str> = None;

/// The largest body that the sandbox reads, in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Starts the sandbox and the service, registers the subscriptions, and prints how to make a handler run.
pub(super) async fn serve(builder: AppBuilder, watch: Watch) -> Result<Exit, BoxError> {
    let mut meant_for_a_server = std::iter::once("APP_BASE_URL").chain(Variables::of_sign_in());
    if let Some(name) = meant_for_a_server.find(|name| builder.variables().get(name).is_some()) {
        // Otherwise real notifications would be answered 204, and their effects would be lost.
        return Err(Problems::from(format!(
            "FHIR_BASE_URL is not set, but {name} is: set both, or neither to try the program with the sandbox"
        ))
        .into());
    }
    // The sandbox is the server that it imitates, so nothing must be recognised.
    let builder = match builder.variables().get("FHIR_SERVER") {
        Some("auto") => builder.set("FHIR_SERVER", ""),
        _ => builder,
    };
    let listener = listen(listen_address(builder.variables())?, SET_PORT).await?;
    let port = listener.local_addr()?.port();
    let sandbox_listener = listen_beside(port).await?;
    let sandbox_url = format!("http://{}/fhir", sandbox_listener.local_addr()?);

    let has_secret = builder.variables().get("FHIR_SUBSCRIPTION_SECRET").is_some();
    let app = with_defaults(builder, port, &sandbox_url)?.build()?;
    app.begin();
    let behaviour = Behaviour::named(app.settings().fhir_server.name).unwrap_or(Behaviour::Generic);
    let sandbox = Sandbox::builder().behaviour(behaviour).fhir_version(app.settings().fhir_version);
    let sandbox = sandbox.base_url(&sandbox_url).validates(true).build(OverHttp::new());
    let stand_ins = sandbox.stand_in(&app.registry().watched());

    // Before the subscriptions exist: the resources that the sample refers to must not fire.
    let trial = trial(&app, &stand_ins, &sandbox).await;

    let shown = (&sandbox, stand_ins.as_slice());
    let (watch, page) = watch.beside_sandbox(listener.local_addr()?, &app, shown, !has_secret).await?;

    let resources: local::Answer = Arc::new(move |request| {
        let answer = respond(sandbox.clone(), request);
        Box::pin(async { answer.await.map(BodyExt::boxed_unsync) })
    });
    let (for_ever, workers) = (Box::pin(std::future::pending()), Handle::current());
    let no_end = std::time::Duration::ZERO;
    let sandbox_server = tokio::spawn(local::serve(sandbox_listener, resources, workers, for_ever, no_end));
    let server = tokio::spawn(Serving::begin(listener, app.clone(), &watch)?.ended());

    let report = registration::register(&app, Options::default(), Deadline::after(COMMAND_LIMIT)).await;
    let welcome = welcome(port, &sandbox_url, &stand_ins, trial);
    say(&format!("{}\n\n{welcome}\n", register::show(&report, None)));
    if let Some(page) = &page {
        say(&format!("{}\n", page.told()));
    }
    server.await?;
    // The sandbox ends last, because running handlers may still use it.
    sandbox_server.abort();
    Ok(if report.is_complete() { Exit::Sound } else { Exit::Unsound })
}

/// The next port if it is free, so that it is usually the same; else any port.
pub(super) async fn listen_beside(port: u16) -> Result<TcpListener, BoxError> {
    let next = port.checked_add(1).unwrap_or(0);
    match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, next))).await {
        Ok(listener) => Ok(listener),
        Err(_) => listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "free a port").await,
    }
}

/// Adds the settings of the sandbox, unless they are set. The sandbox lets everybody in, so nothing signs in there.
pub(super) fn with_defaults(
    builder: AppBuilder,
    port: u16,
    sandbox_url: &str,
) -> Result<AppBuilder, BoxError> {
    let mut secret = [0; 32];
    SystemRandom::new().fill(&mut secret).map_err(|_| "the system gives no random bytes for a secret")?;
    let defaults = [
        ("APP_BASE_URL", format!("http://127.0.0.1:{port}")),
        ("FHIR_SUBSCRIPTION_SECRET", hex(&secret)),
        ("FHIR_SERVER", imitated(&builder).name().to_owned()),
    ];
    let builder = builder.without_sign_in().set("FHIR_BASE_URL", sandbox_url);
    Ok(defaults.into_iter().fold(builder, |builder, (name, value)| match builder.variables().get(name) {
        Some(_) => builder,
        None => builder.set(name, value),
    }))
}

/// The server to imitate if no setting names one. It is the generic server if the program has topics, because HAPI
/// supports topics least, unless a criteria needs HAPI. Otherwise it is HAPI.
fn imitated(builder: &AppBuilder) -> Behaviour {
    let declarations = builder.declarations();
    let has_topics = declarations.iter().any(|it| matches!(it.trigger, Trigger::Topic(_)));
    // Of the two, only HAPI supports deletions and lists of types in a criteria.
    let needs_hapi = declarations.iter().any(|it| match it.trigger {
        Trigger::Criteria(criteria) => it.interactions.delete || criteria.starts_with('['),
        Trigger::Topic(_) => false,
    });
    let is_r5 = fhir_version(builder.variables()).is_ok_and(|version| version == FhirVersion::R5);
    if has_topics && (is_r5 || !needs_hapi) { Behaviour::Generic } else { Behaviour::Hapi }
}

/// Answers a request to the sandbox.
pub(super) async fn respond(sandbox: Sandbox, request: Request<Incoming>) -> Response<ResponseBody> {
    let (parts, body) = request.into_parts();
    if let Some((status, why)) = stranger(&parts.headers) {
        let mut response = Response::new(ResponseBody::from(why));
        *response.status_mut() = status;
        return response;
    }
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => sandbox.handle(Request::from_parts(parts, body.to_bytes())).await.map(ResponseBody::from),
        Err(_) => {
            let mut response = Response::new(ResponseBody::default());
            *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
    }
}

/// A handler, and a resource that makes it run when it is created.
struct Trial {
    declaration: &'static Declaration,
    resource: serde_json::Value,
}

/// The first handler with such a resource. The resources that it refers to are added to the sandbox.
async fn trial(app: &App, stand_ins: &[StandIn], sandbox: &Sandbox) -> Option<Trial> {
    let version = app.settings().fhir_version;
    for declaration in app.registry().declarations().iter().copied() {
        let Some(criteria) = criteria_of_sample(declaration, stand_ins) else { continue };
        if matches!(declaration.trigger, Trigger::Topic(_)) && !declaration.interactions.create {
            continue;
        }
        let Some(Sample { resource, others }) = sample(&criteria, version) else { continue };
        for other in &others {
            if let Err(refusal) = sandbox.update(other).await {
                tracing::error!(%refusal, "the sandbox refuses a resource that a sample refers to");
            }
        }
        return Some(Trial { declaration, resource });
    }
    None
}

/// The text about what to do next.
fn welcome(port: u16, sandbox_url: &str, stand_ins: &[StandIn], trial: Option<Trial>) -> String {
    let mut text = format!(
        "The handlers listen on http://127.0.0.1:{port}, and the sandbox, an in-memory FHIR server which forgets \
         everything when this program ends, on {sandbox_url}. Ctrl-C stops both."
    );
    text.push_str(&topics(stand_ins, sandbox_url));
    if let Some(Trial { declaration, resource }) = trial {
        let fires = match declaration.trigger {
            Trigger::Criteria(_) => "that its criteria matches",
            Trigger::Topic(_) => "that its topic fires for",
        };
        let text_of = |member: &str| resource[member].as_str().unwrap_or_default();
        // A resource that others refer to has an id of its own.
        let (method, path) = match text_of("id") {
            "" => ("", text_of("resourceType").to_owned()),
            id => ("-X PUT ", format!("{}/{id}", text_of("resourceType"))),
        };
        text.push_str(&format!(
            "\n\nTo make `{}` run, create a resource {fires}:\n\n  \
             curl {method}-H 'Content-Type: application/fhir+json' -d '{}' {sandbox_url}/{path}",
            declaration.handler,
            // A single quote would end the shell's quotes.
            type_first(&resource).replace('\'', r"'\''")
        ));
        return text;
    }
    text.push_str("\n\nTo make a handler run, change a resource there that its criteria matches or its topic fires for.");
    text
}

/// The topics that the sandbox made up, and how to provide others.
fn topics(stand_ins: &[StandIn], sandbox_url: &str) -> String {
    if stand_ins.is_empty() {
        return String::new();
    }
    let mut text =
        "\n\nThe sandbox has these topics in place of those that handlers name. They fire for every \
         change:\n"
            .to_owned();
    for StandIn { url, types, is_guess } in stand_ins {
        let guess = if *is_guess { " (a guess: a `filter` would say the type)" } else { "" };
        text.push_str(&format!("\n  {url}  of {}{guess}", types.join(", ")));
    }
    text.push_str(&format!(
        "\n\nA SubscriptionTopic with the same `url`, sent to {sandbox_url}/SubscriptionTopic, takes the place of one."
    ));
    text
}

/// The search that a resource must match to make the handler run when it changes; `None` where none is known.
pub(super) fn criteria_of_sample(declaration: &Declaration, stand_ins: &[StandIn]) -> Option<String> {
    let topic = match &declaration.trigger {
        Trigger::Criteria(criteria) => return Some((*criteria).to_owned()),
        Trigger::Topic(topic) => topic,
    };
    let types = &stand_ins.iter().find(|stand_in| stand_in.url == topic.url)?.types;
    let filters = || topic.filters.iter().flat_map(|filter| split_filter(filter));
    let resource_type = filters()
        .filter_map(|it| it.resource_type)
        .find(|kind| types.contains(kind))
        .or(types.first().copied())?;
    let parameters: Vec<_> = filters()
        .filter(|it| it.resource_type.is_none_or(|kind| kind == resource_type))
        .map(|it| format!("{}={}", it.name, it.value))
        .collect();
    Some(format!("{resource_type}?{}", parameters.join("&")))
}

/// The resource with its type first, as people write it.
fn type_first(resource: &serde_json::Value) -> String {
    let mut elements = resource.as_object().cloned().unwrap_or_default();
    let resource_type = elements.remove("resourceType").unwrap_or_default();
    let rest = serde_json::Value::Object(elements).to_string();
    let separator = if rest == "{}" { "" } else { "," };
    format!("{{\"resourceType\":{resource_type}{separator}{}", &rest[1..])
}

#[cfg(test)]
mod tests;

//! [`Route`]: the purpose of a request. Only the last segments of its path decide.

use http::Method;

use super::authenticate::{Caller, Owed};
use super::refusal::Refusal;
use super::{Answered, dead_letters};
use crate::app::App;
use crate::declaration::Declaration;
use crate::fhir::reference::id_mistake;
use crate::fhir::{is_id, is_type_name};
use crate::key::Key;
use crate::request::Head;

#[cfg(feature = "registration")]
use crate::registration::Options;
#[cfg(feature = "registration")]
use crate::sweep::SweepOptions;

#[derive(Debug)]
pub(crate) enum Route {
    Health,
    Ready,
    #[cfg(feature = "local")]
    Metrics,
    /// A notification of this subscription; `PUT` and `DELETE` name a resource in their path.
    Endpoint {
        declaration: &'static Declaration,
        reference: Option<String>,
        /// The signature of the body that the caller must still show.
        owes: Owed,
    },
    DeadLetters(dead_letters::Request),
    #[cfg(feature = "registration")]
    Register {
        options: Options,
    },
    #[cfg(feature = "registration")]
    Status,
    #[cfg(feature = "registration")]
    Sweep {
        options: SweepOptions,
    },
}

impl Route {
    /// The endpoint of a notification.
    pub(super) fn endpoint(&self) -> Option<&'static str> {
        match self {
            Self::Endpoint { declaration, .. } => Some(declaration.endpoint),
            _ => None,
        }
    }

    /// Whether the caller is a stranger until its signature is checked.
    pub(crate) fn is_of_unproven(&self) -> bool {
        matches!(self, Self::Endpoint { owes, .. } if owes.is_all())
    }

    /// The name of a request of this route, if it is worth a span: load balancers ask for health every few seconds.
    pub(super) fn work(&self) -> Option<&'static str> {
        match self {
            Self::Health | Self::Ready => None,
            #[cfg(feature = "local")]
            Self::Metrics => None,
            Self::Endpoint { declaration, .. } => Some(declaration.endpoint),
            Self::DeadLetters(_) => Some("dead-letters"),
            #[cfg(feature = "registration")]
            Self::Register { .. } => Some("register"),
            #[cfg(feature = "registration")]
            Self::Status => Some("status"),
            #[cfg(feature = "registration")]
            Self::Sweep { .. } => Some("sweep"),
        }
    }
}

/// The route of a request that anyone may send.
pub(crate) fn open(method: &Method, path: &str) -> Option<Route> {
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    match last_segment(path) {
        "health" => Some(Route::Health),
        "ready" => Some(Route::Ready),
        _ => None,
    }
}

/// Whether the request is one of Prometheus.
#[cfg(feature = "local")]
pub(super) fn is_metrics(head: &Head<'_>) -> bool {
    *head.method == Method::GET && last_segment(head.path) == "metrics"
}

fn last_segment(path: &str) -> &str {
    let path = path.strip_suffix('/').unwrap_or(path);
    path.rsplit('/').next().unwrap_or_default()
}

/// Routes the request of an authenticated caller.
pub(super) fn find(app: &App, head: &Head<'_>, caller: Caller) -> Result<Route, Answered> {
    let path = head.path.strip_suffix('/').unwrap_or(head.path);
    let mut segments = path.rsplit('/');
    let last = segments.next().unwrap_or_default();

    let refuse = |refusal: Refusal| Err(refusal.answered(None));
    let stranger = || refuse(Refusal::Unauthorized);
    let not_allowed = |allow| refuse(Refusal::MethodNotAllowed { allow });
    let owes = caller.owes;

    // `{endpoint}/{Type}/{id}`, under which servers keep a resource up to date.
    let resource = || {
        let mut segments = segments.clone();
        let (resource_type, endpoint) = (segments.next()?, segments.next()?);
        let declaration = app.registry().find(endpoint)?;
        (is_type_name(resource_type) && is_id(last)).then(|| (declaration, format!("{resource_type}/{last}")))
    };
    if owes.is_all() {
        // Until the signature is checked, the answer must not reveal what exists.
        let named = match *head.method {
            Method::POST => app.registry().find(last).map(|declaration| (declaration, None)),
            // The signed body must be the resource of the path. Nothing that is signed says what a `DELETE` deletes.
            Method::PUT => resource().map(|(declaration, reference)| (declaration, Some(reference))),
            _ => None,
        };
        let Some((declaration, reference)) = named else { return refuse(Refusal::Unsigned) };
        return Ok(Route::Endpoint { declaration, reference, owes });
    }
    if [Method::PUT, Method::DELETE].contains(head.method)
        && let Some((declaration, reference)) = resource()
    {
        let reference = Some(reference);
        return if caller.notifies {
            Ok(Route::Endpoint { declaration, reference, owes })
        } else {
            stranger()
        };
    }
    if let Some(declaration) = app.registry().find(last) {
        return match *head.method {
            _ if !caller.notifies => stranger(),
            Method::POST => Ok(Route::Endpoint { declaration, reference: None, owes }),
            _ => not_allowed("POST"),
        };
    }
    let letter = || {
        let key = (segments.clone().next() == Some("dead-letters")).then(|| Key::parse(last)).flatten();
        (last == "dead-letters" || key.is_some()).then(|| dead_letters::request(head.method, key))
    };
    if let Some(request) = letter() {
        return match request {
            _ if !caller.administers => stranger(),
            // As for pruning: everybody who can read Subscriptions knows the shared secret, but must not drop events.
            _ if app.settings().secrets.admin.is_none() => refuse(Refusal::DeadLettersNeedAdminSecret),
            Ok(request) => Ok(Route::DeadLetters(request)),
            Err(allowed) => not_allowed(allowed),
        };
    }
    match last {
        "health" | "ready" => not_allowed("GET, HEAD"),
        #[cfg(feature = "local")]
        "metrics" if app.counters().is_some() => match *head.method {
            _ if !caller.administers => stranger(),
            Method::GET => Ok(Route::Metrics),
            _ => not_allowed("GET"),
        },
        #[cfg(feature = "registration")]
        "register" => {
            let may_prune = app.settings().secrets.admin.is_some();
            match *head.method {
                _ if !caller.administers => stranger(),
                Method::POST => match Options::from_query(head.query.unwrap_or_default()) {
                    None => refuse(Refusal::UnknownOption),
                    Some(options) if options.prune && !may_prune => refuse(Refusal::PruneNeedsAdminSecret),
                    Some(options) => Ok(Route::Register { options }),
                },
                _ => not_allowed("POST"),
            }
        }
        #[cfg(feature = "registration")]
        "status" => match *head.method {
            _ if !caller.administers => stranger(),
            Method::GET => Ok(Route::Status),
            _ => not_allowed("GET"),
        },
        #[cfg(feature = "registration")]
        "sweep" => match *head.method {
            _ if !caller.administers => stranger(),
            Method::POST => match SweepOptions::from_query(head.query.unwrap_or_default()) {
                None => refuse(Refusal::UnknownSweepOption),
                Some(options) if !options.is_of(app.registry()) => refuse(Refusal::UnknownEndpoint),
                Some(options) => Ok(Route::Sweep { options }),
            },
            _ => not_allowed("POST"),
        },
        _ if resource().is_some() => not_allowed("PUT, DELETE"),
        _ => match misnamed(app, head.method, path) {
            None => refuse(Refusal::UnknownEndpoint),
            Some(_) if !caller.notifies => stranger(),
            Some((declaration, mistake)) => {
                Err(Refusal::Misnamed(mistake).answered(Some(declaration.endpoint)))
            }
        },
    }
}

/// The mistake in the path of a `PUT` or `DELETE` that names an endpoint, but no resource below it.
fn misnamed(app: &App, method: &Method, path: &str) -> Option<(&'static Declaration, &'static str)> {
    if ![Method::PUT, Method::DELETE].contains(method) {
        return None;
    }
    let find = |segment: &str| app.registry().find(segment);
    let mut segments = path.rsplit('/');
    let (id, resource_type) = (segments.next()?, segments.next()?);
    let endpoint = segments.next().unwrap_or_default();
    let (declaration, is_type) = (find(endpoint), is_type_name(resource_type));
    if declaration.is_none() && !endpoint.is_empty() && is_type && is_id(id) {
        // A resource of an endpoint that does not exist.
        return None;
    }
    let id_mistake = id_mistake(id).filter(|_| declaration.is_some() && is_type);
    let mistake = id_mistake.unwrap_or("the path names no resource: write `Type/id` after the endpoint");
    // A version may follow the id: `{endpoint}/Encounter/1/_history/2`.
    let named = declaration.or_else(|| find(resource_type)).or_else(|| segments.find_map(find));
    Some((named?, mistake))
}

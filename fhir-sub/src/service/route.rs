//! [`Route`]: what a request is for. The last segments of its path decide, whatever stands before them.

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

/// What a request is for.
#[derive(Debug)]
pub(crate) enum Route {
    Health,
    /// A notification of this subscription; `PUT` and `DELETE` name a resource in their path.
    Endpoint {
        declaration: &'static Declaration,
        reference: Option<String>,
        /// The signature of the body that the caller owes.
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

/// Whether the request is for what anyone may ask for.
pub(super) fn is_health(head: &Head<'_>) -> bool {
    let path = head.path.strip_suffix('/').unwrap_or(head.path);
    path.ends_with("health")
        && path.rsplit('/').next() == Some("health")
        && [Method::GET, Method::HEAD].contains(head.method)
}

/// Finds what the request of a caller who was let in is for.
pub(super) fn find(app: &App, head: &Head<'_>, caller: Caller) -> Result<Route, Answered> {
    let path = head.path.strip_suffix('/').unwrap_or(head.path);
    let mut segments = path.rsplit('/');
    let last = segments.next().unwrap_or_default();

    let refuse = |refusal: Refusal| Err(refusal.answered(None));
    let stranger = || refuse(Refusal::Unauthorized);
    let not_allowed = |allow| refuse(Refusal::MethodNotAllowed { allow });
    let owes = caller.owes;
    if caller.is_unproven {
        // Until the signature is checked, nothing is told of what is here.
        let declaration = app.registry().find(last).filter(|_| *head.method == Method::POST);
        let Some(declaration) = declaration else { return refuse(Refusal::Unsigned) };
        return Ok(Route::Endpoint { declaration, reference: None, owes });
    }

    // `{endpoint}/{Type}/{id}`, under which servers keep a resource up to date.
    let resource = || {
        let mut segments = segments.clone();
        let (resource_type, endpoint) = (segments.next()?, segments.next()?);
        let declaration = app.registry().find(endpoint)?;
        (is_type_name(resource_type) && is_id(last)).then(|| (declaration, format!("{resource_type}/{last}")))
    };
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
            // As with pruning: who merely reads Subscriptions must not be able to take events away.
            _ if app.settings().secrets.admin.is_none() => refuse(Refusal::DeadLettersNeedAdminSecret),
            Ok(request) => Ok(Route::DeadLetters(request)),
            Err(allowed) => not_allowed(allowed),
        };
    }
    match last {
        "health" => not_allowed("GET, HEAD"),
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

/// What is wrong with the path of a `PUT` or `DELETE` that names an endpoint, and below it no resource.
fn misnamed(app: &App, method: &Method, path: &str) -> Option<(&'static Declaration, &'static str)> {
    if ![Method::PUT, Method::DELETE].contains(method) {
        return None;
    }
    let find = |segment: &str| app.registry().find(segment);
    let mut segments = path.rsplit('/');
    let (id, resource_type) = (segments.next()?, segments.next()?);
    let declaration = segments.next().and_then(find);
    let id_mistake = id_mistake(id).filter(|_| declaration.is_some() && is_type_name(resource_type));
    let mistake = id_mistake.unwrap_or("the path names no resource: write `Type/id` after the endpoint");
    Some((declaration.or_else(|| find(resource_type))?, mistake))
}

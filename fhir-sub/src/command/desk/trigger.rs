//! `trigger`: makes a handler run with a sample resource, or one from a file.

mod element;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::sandbox::criteria_of_sample;
use super::super::{Exit, complain, register, say};
use super::program::{Desk, text_of};
use crate::app::AppBuilder;
use crate::declaration::Declaration;
use crate::error::BoxError;
use crate::inspector::{Delivery, first_wanted, make, prepare};
use crate::interaction::Interaction;
use crate::registration::Options;
use crate::sandbox::Refusal;
use crate::sandbox::sample::{Sample, sample};
use crate::sandbox::topic::StandIn;

/// The arguments of `trigger` on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct TriggerOptions {
    pub(super) endpoint: String,
    /// The interaction with the resource; by default, the first that the handler wants.
    pub(super) interaction: Option<Interaction>,
    /// A file with a resource.
    pub(super) file: Option<PathBuf>,
    /// Paths of elements, and their values.
    pub(super) set: Vec<(String, String)>,
}

/// Makes the handler run, against a sandbox of its own, and tells how that ended.
pub(super) async fn trigger(
    builder: AppBuilder,
    options: TriggerOptions,
    json: bool,
) -> Result<Exit, BoxError> {
    let desk = Desk::new(builder)?;
    let Some(declaration) = desk.app.registry().find(&options.endpoint) else {
        let known: Vec<_> = desk.app.registry().declarations().iter().map(|it| it.endpoint).collect();
        return Ok(unusable(&format!("no handler has this endpoint; there are: {}", known.join(", "))));
    };
    let stand_ins = desk.sandbox.stand_in(&desk.app.registry().watched());
    let Sample { mut resource, others } = match resource(&desk, declaration, &stand_ins, &options) {
        Ok(sample) => sample,
        Err(mistake) => return Ok(unusable(&mistake)),
    };
    for (path, value) in &options.set {
        if let Err(mistake) = element::set(&mut resource, path, value) {
            return Ok(unusable(&format!("--set {path}: {mistake}")));
        }
    }
    let interaction = options.interaction.unwrap_or_else(|| first_wanted(declaration));
    for other in &others {
        desk.sandbox.update(other).await?;
    }
    let refused = |refusal: Refusal| Ok(unusable(&format!("the sandbox refuses the resource: {refusal}")));
    // A resource to change or delete exists before the subscriptions do.
    let resource = match prepare(&desk.sandbox, interaction, resource).await {
        Ok(resource) => resource,
        Err(refusal) => return refused(refusal),
    };
    let report = desk.app.register(Options::default()).await;
    desk.idle().await;
    if !report.is_complete() {
        complain(&register::show(&report, None));
        return Ok(Exit::Unsound);
    }
    desk.take_deliveries();
    let asked_before = desk.sandbox.requests().len();
    if let Err(refusal) = make(&desk.sandbox, interaction, resource).await {
        return refused(refusal);
    }
    desk.idle().await;

    let deliveries = desk.take_deliveries();
    let is_own = |delivery: &&Delivery| delivery.endpoint() == Some(declaration.endpoint);
    let deliveries: Vec<_> = deliveries.iter().filter(is_own).collect();
    let requests: Vec<_> = desk.sandbox.requests().split_off(asked_before);
    let requests: Vec<_> = requests.iter().map(|(method, path)| format!("{method} {path}")).collect();
    if json {
        let deliveries: Vec<_> = deliveries.iter().map(|delivery| delivery.summary(&desk.app)).collect();
        say(&json!({ "deliveries": deliveries, "requests": requests }).to_string());
    } else {
        deliveries.iter().for_each(|delivery| say(&told(delivery)));
        if !requests.is_empty() {
            say("the sandbox was asked:");
            requests.iter().for_each(|request| say(&format!("  {request}")));
        }
    }
    if deliveries.is_empty() {
        let what = declaration.trigger.text();
        complain(&format!(
            "the sandbox sent no notification of the {} to {}: the resource does not match `{what}`, or the handler does not \
             ask for it with `on`",
            interaction.name(),
            declaration.endpoint
        ));
    }
    let is_done = !deliveries.is_empty() && deliveries.iter().all(|delivery| delivery.status.is_success());
    Ok(if is_done { Exit::Sound } else { Exit::Unsound })
}

fn unusable(mistake: &str) -> Exit {
    complain(mistake);
    Exit::Unusable
}

/// The outcome of a delivery, in a line for each event.
pub(super) fn told(delivery: &Delivery) -> String {
    let lines = delivery.events.iter().map(|event| {
        let about = match (event.interaction, &event.reference) {
            (Some(interaction), Some(reference)) if interaction != "unknown" => {
                format!(" ({interaction} of {reference})")
            }
            (_, Some(reference)) => format!(" ({reference})"),
            _ => String::new(),
        };
        let error = event.error_text.as_deref().or(event.error_kind);
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        let place = event.error_place.as_deref().map(|place| format!(" at {place}")).unwrap_or_default();
        format!(
            "{}: {}{about} in {} ms, answered {}{error}{place}",
            event.endpoint.unwrap_or("the program"),
            event.outcome,
            delivery.elapsed.as_millis(),
            delivery.status.as_u16()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The resource that is to make the handler run, and what it refers to.
fn resource(
    desk: &Desk,
    declaration: &'static Declaration,
    stand_ins: &[StandIn],
    options: &TriggerOptions,
) -> Result<Sample, String> {
    if let Some(path) = &options.file {
        let (text, shown) = (text_of(path)?, path.display());
        // serde's own message may quote the file.
        let resource: Value = serde_json::from_str(&text)
            .map_err(|error| format!("{shown} is no JSON, from line {} on", error.line()))?;
        if !resource.is_object() {
            return Err(format!("{shown} has no resource: it begins with `{{`"));
        }
        return Ok(Sample { resource, others: Vec::new() });
    }
    criteria_of_sample(declaration, stand_ins)
        .and_then(|criteria| sample(&criteria, desk.app.settings().fhir_version))
        .ok_or_else(|| {
            let what = declaration.trigger.text();
            format!("no sample is known that `{what}` matches: name a file with a resource by --file")
        })
}

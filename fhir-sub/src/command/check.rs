//! `check`: whether settings and subscriptions are sound, without a network.

use serde::Serialize;
use serde_json::json;

use super::table::table;
use super::{Exit, complain, say};
use crate::app::{App, AppBuilder};
use crate::declaration::Declaration;
use crate::problems::Problems;
use crate::registry::sort;

/// Lists the endpoints by crate, so that a crate which was never linked is seen to be missing, and says all
/// that is wrong.
pub(super) fn check(builder: AppBuilder, as_json: bool) -> Exit {
    let mut declarations = builder.declarations().to_vec();
    sort(&mut declarations);
    let built = builder.build();
    if let Ok(app) = &built {
        // With their values in place of placeholders.
        declarations = app.registry().declarations().to_vec();
    }
    let (warnings, problems) = match &built {
        Err(problems) => (Vec::new(), problems.clone()),
        Ok(app) => (warnings(app), problems(app)),
    };
    let app = built.as_ref().ok();
    let is_sound = problems == Problems::default();
    if as_json {
        let subscriptions: Vec<_> =
            declarations.iter().map(|declaration| Row::new(declaration, app)).collect();
        let problems: Vec<_> = problems.iter().collect();
        let report = json!({
            "sound": is_sound, "problems": problems, "warnings": warnings, "subscriptions": subscriptions,
        });
        say(&report.to_string());
    } else {
        show(&declarations, app);
        warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
        match is_sound {
            true => say("settings and subscriptions are sound"),
            false => complain(&format!("what is wrong:\n{problems}")),
        }
    }
    if is_sound { Exit::Sound } else { Exit::Unusable }
}

/// What is allowed, but worth knowing.
fn warnings(app: &App) -> Vec<String> {
    let warnings = app.settings().warnings();
    #[cfg(feature = "registration")]
    let warnings = {
        let mut warnings = warnings;
        if app.settings().is_server_unknown {
            warnings.push(
                "FHIR_SERVER is auto: what the server cannot do is said by `register --dry-run`, which asks it what it is"
                    .into(),
            );
        }
        let declarations = app.registry().declarations();
        warnings.extend(declarations.iter().filter_map(|declaration| {
            let reason = declaration.sweepable().reason()?;
            let endpoint = declaration.endpoint;
            Some(format!("{endpoint}: a sweep does not find all that it missed: {reason}"))
        }));
        let is_hidden = |declaration: &&&'static Declaration| {
            declaration.search().is_some()
                && crate::registration::search(declaration, app.settings()).is_none()
        };
        warnings.extend(declarations.iter().filter(is_hidden).map(|declaration| {
            format!(
                "{}: a sweep does not find what it missed: its `registration` function watches several types",
                declaration.endpoint
            )
        }));
        warnings.extend(crate::registration::notes(app));
        warnings
    };
    warnings
}

/// What keeps the subscriptions from being registered.
fn problems(app: &App) -> Problems {
    #[cfg(feature = "registration")]
    return crate::registration::check(app).err().unwrap_or_default();
    #[cfg(not(feature = "registration"))]
    {
        let _ = app;
        Problems::default()
    }
}

/// A subscription of the program, as JSON has it.
#[derive(Serialize)]
struct Row {
    package: &'static str,
    endpoint: &'static str,
    criteria: String,
    on: String,
    handler: &'static str,
    source: String,
}

impl Row {
    fn new(declaration: &'static Declaration, app: Option<&App>) -> Self {
        let Declaration { endpoint, trigger, interactions, handler, source, .. } = declaration;
        Self {
            package: source.package,
            endpoint,
            criteria: app.map_or_else(|| trigger.text().to_owned(), |app| criteria(declaration, app)),
            on: interactions.to_string(),
            handler,
            source: source.to_string(),
        }
    }
}

/// The endpoints of each crate.
fn show(declarations: &[&'static Declaration], app: Option<&App>) {
    let mut packages: Vec<_> = declarations.iter().map(|declaration| declaration.source.package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        let rows = declarations.iter().filter(|declaration| declaration.source.package == package);
        let cells: Vec<_> = rows.map(|declaration| cells(Row::new(declaration, app))).collect();
        say(&format!("{package}\n{}\n", table(["  endpoint", "criteria or topic", "on", "handler"], &cells)));
    }
}

fn cells(row: Row) -> [String; 4] {
    [format!("  {}", row.endpoint), row.criteria, row.on, format!("{} ({})", row.handler, row.source)]
}

/// The criteria as it is registered.
fn criteria(declaration: &'static Declaration, app: &App) -> String {
    #[cfg(feature = "registration")]
    return crate::registration::criteria(declaration, app.settings());
    #[cfg(not(feature = "registration"))]
    {
        let _ = app;
        declaration.trigger.text().to_owned()
    }
}

//! `check`: checks settings and subscriptions without asking the FHIR server.

use serde::Serialize;
use serde_json::json;

use super::table::table;
use super::{Exit, chosen, complain, head, say, say_report};
use crate::app::{App, AppBuilder};
use crate::declaration::Declaration;
use crate::problems::Problems;
use crate::registry::sort;
use crate::sorted;

/// Lists the endpoints by crate, so that a missing crate is noticed, and prints all mistakes.
pub(super) fn check(builder: AppBuilder, tenant: Option<&str>, as_json: bool) -> Exit {
    let mut declarations = builder.declarations().to_vec();
    sort(&mut declarations);
    let built = builder.build();
    let apps = built
        .as_ref()
        .map_err(Problems::clone)
        .and_then(|app| chosen(app, tenant, None).map_err(Problems::from));
    match apps {
        Err(problems) => report(&declarations, None, &[], &problems, as_json),
        Ok(apps) => apps.into_iter().fold(Exit::Sound, |exit, app| {
            head(app, as_json);
            // These declarations have values instead of placeholders.
            let declarations = app.registry().declarations();
            exit.max(report(declarations, Some(app), &warnings(app), &problems(app), as_json))
        }),
    }
}

fn report(
    declarations: &[&'static Declaration],
    app: Option<&App>,
    warnings: &[String],
    problems: &Problems,
    as_json: bool,
) -> Exit {
    let is_sound = *problems == Problems::default();
    if as_json {
        let subscriptions: Vec<_> =
            declarations.iter().map(|declaration| Row::new(declaration, app)).collect();
        let problems: Vec<_> = problems.iter().collect();
        let report = json!({
            "sound": is_sound, "problems": problems, "warnings": warnings, "subscriptions": subscriptions,
        });
        match app {
            Some(app) => say_report(app, &report.to_string()),
            None => say(&report.to_string()),
        }
    } else {
        show(declarations, app);
        warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
        match is_sound {
            true => say("settings and subscriptions are sound"),
            false => complain(&format!("what is wrong:\n{problems}")),
        }
    }
    if is_sound { Exit::Sound } else { Exit::Unusable }
}

/// Settings and subscriptions that are allowed but unwise.
fn warnings(app: &App) -> Vec<String> {
    let warnings = app.settings().warnings();
    #[cfg(feature = "registration")]
    let warnings = {
        let mut warnings = warnings;
        if app.settings().is_server_unknown {
            warnings.push(
                "FHIR_SERVER is auto: run `register --dry-run` to learn what the server cannot do".into(),
            );
        }
        let declarations = app.registry().declarations();
        warnings.extend(declarations.iter().filter_map(|declaration| {
            let reason = declaration.sweepable().reason()?;
            let endpoint = declaration.endpoint;
            Some(format!("{endpoint}: a sweep does not find every missed change: {reason}"))
        }));
        let is_hidden = |declaration: &&&'static Declaration| {
            declaration.search().is_some()
                && crate::registration::search(declaration, app.settings()).is_none()
        };
        warnings.extend(declarations.iter().filter(is_hidden).map(|declaration| {
            format!(
                "{}: a sweep does not find missed changes: its `registration` function watches several \
                 types",
                declaration.endpoint
            )
        }));
        warnings.extend(crate::registration::notes(app));
        warnings
    };
    warnings
}

/// Why the subscriptions cannot be registered.
fn problems(app: &App) -> Problems {
    #[cfg(feature = "registration")]
    return crate::registration::check(app).err().unwrap_or_default();
    #[cfg(not(feature = "registration"))]
    {
        let _ = app;
        Problems::default()
    }
}

/// A subscription of the program, for JSON.
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
    sorted::by(&mut packages, Ord::cmp);
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

/// The criteria that is registered.
fn criteria(declaration: &'static Declaration, app: &App) -> String {
    #[cfg(feature = "registration")]
    return crate::registration::criteria(declaration, app.settings());
    #[cfg(not(feature = "registration"))]
    {
        let _ = app;
        declaration.trigger.text().to_owned()
    }
}

//! `check`: whether settings and subscriptions are sound, without a network.

use super::table::table;
use super::{Exit, complain, say};
use crate::app::{App, AppBuilder};
use crate::declaration::Declaration;
use crate::problems::Problems;
use crate::registry::sort;

/// Lists the endpoints by crate, so that a crate which was never linked is seen to be missing, and says all
/// that is wrong.
pub(super) fn check(builder: AppBuilder) -> Exit {
    let mut declarations = builder.declarations().to_vec();
    sort(&mut declarations);
    let built = builder.build();
    if let Ok(app) = &built {
        // With their values in place of placeholders.
        declarations = app.registry().declarations().to_vec();
    }
    let mut packages: Vec<_> = declarations.iter().map(|declaration| declaration.source.package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        let its = declarations.iter().filter(|declaration| declaration.source.package == package);
        say(&format!("{package}\n{}\n", listing(its, built.as_ref().ok())));
    }
    let problems = match built {
        Err(problems) => problems,
        #[cfg(not(feature = "registration"))]
        Ok(_) => Problems::default(),
        #[cfg(feature = "registration")]
        Ok(app) => {
            for warning in app.settings().warnings() {
                complain(&format!("warning: {warning}"));
            }
            if app.settings().is_server_unknown {
                complain(
                    "FHIR_SERVER is auto: what the server cannot do is said by `register --dry-run`, which asks it what \
                     it is",
                );
            }
            for declaration in app.registry().declarations() {
                if let Some(reason) = declaration.sweepable().reason() {
                    let endpoint = declaration.endpoint;
                    complain(&format!(
                        "warning: {endpoint}: a sweep does not find all that it missed: {reason}"
                    ));
                }
            }
            for declaration in app.registry().declarations() {
                if declaration.search().is_some()
                    && crate::registration::search(declaration, app.settings()).is_none()
                {
                    complain(&format!(
                        "warning: {}: a sweep does not find what it missed: its `registration` function watches several types",
                        declaration.endpoint
                    ));
                }
            }
            for note in crate::registration::notes(&app) {
                complain(&format!("warning: {note}"));
            }
            crate::registration::check(&app).err().unwrap_or_default()
        }
    };
    if problems == Problems::default() {
        say("settings and subscriptions are sound");
        return Exit::Sound;
    }
    complain(&format!("what is wrong:\n{problems}"));
    Exit::Unusable
}

fn listing<'d>(declarations: impl Iterator<Item = &'d &'static Declaration>, app: Option<&App>) -> String {
    let row = |declaration: &&'static Declaration| {
        let Declaration { endpoint, trigger, interactions, handler, source, .. } = declaration;
        [
            format!("  {endpoint}"),
            app.map_or_else(|| trigger.text().to_owned(), |app| criteria(declaration, app)),
            interactions.to_string(),
            format!("{handler} ({source})"),
        ]
    };
    let rows: Vec<_> = declarations.map(row).collect();
    table(["  endpoint", "criteria or topic", "on", "handler"], &rows)
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

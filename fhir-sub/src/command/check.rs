//! `check`: whether settings and subscriptions are sound, without a network.

use super::table::table;
use super::{Exit, complain, say};
use crate::app::AppBuilder;
use crate::declaration::Declaration;
use crate::problems::Problems;
use crate::registry::sort;

/// Lists the endpoints by crate, so that a crate which was never linked is seen to be missing, and says all
/// that is wrong.
pub(super) fn check(builder: AppBuilder) -> Exit {
    let mut declarations = builder.declarations().to_vec();
    sort(&mut declarations);
    let mut packages: Vec<_> = declarations.iter().map(|declaration| declaration.source.package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        let its = declarations.iter().filter(|declaration| declaration.source.package == package);
        say(&format!("{package}\n{}\n", listing(its)));
    }
    let problems = match builder.build() {
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

fn listing<'d>(declarations: impl Iterator<Item = &'d &'static Declaration>) -> String {
    let row = |declaration: &&Declaration| {
        let Declaration { endpoint, trigger, interactions, handler, source, .. } = declaration;
        [
            format!("  {endpoint}"),
            trigger.text().to_owned(),
            interactions.to_string(),
            format!("{handler} ({source})"),
        ]
    };
    let rows: Vec<_> = declarations.map(row).collect();
    table(["  endpoint", "criteria or topic", "on", "handler"], &rows)
}

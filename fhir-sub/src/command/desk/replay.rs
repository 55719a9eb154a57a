//! `replay`: sends recorded deliveries through the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::table::table;
use super::super::{Exit, complain, say};
use super::program::{Desk, text_of};
use crate::app::AppBuilder;
use crate::error::BoxError;
use crate::inspector::run;
use crate::recorded::{Recorded, Sent};

/// Sends each file through the program: beside the FHIR server of the settings, or beside a sandbox if they name none. With
/// tenants, the path in the file names the tenant.
pub(super) async fn replay(mut builder: AppBuilder, files: &[PathBuf], json: bool) -> Result<Exit, BoxError> {
    let mut recorded = Vec::new();
    let mut is_readable = true;
    for path in files {
        match read(path) {
            Ok(one) => recorded.push((path.display().to_string(), one)),
            Err(mistake) => {
                complain(&mistake);
                is_readable = false;
            }
        }
    }
    if !is_readable {
        return Ok(Exit::Unusable);
    }
    let (app, sandbox) = match builder.names_a_server() {
        true => (builder.build()?, None),
        false => {
            let Desk { app, sandbox, .. } = Desk::new(builder)?;
            (app, Some(sandbox))
        }
    };
    let servers = match sandbox {
        Some(_) => "a sandbox of this program".to_owned(),
        None => {
            let of_files = recorded.iter().map(|(_, (_, sent))| app.serving(&sent.path));
            let urls: BTreeSet<_> = of_files.map(|app| app.settings().fhir_base_url.as_str()).collect();
            Vec::from_iter(urls).join(", ")
        }
    };
    complain(&format!("the handlers read and write at {servers}"));
    app.begin();

    let (mut exit, mut rows, mut cells) = (Exit::Sound, Vec::new(), Vec::new());
    for (name, (recorded, sent)) in &recorded {
        let (answered, _) = run(&app, sent, None).await;
        let status = answered.answer.status;
        let outcomes: Vec<_> = answered.records().map(|record| record.outcome()).collect();
        let before = recorded.seen.as_ref().map(|seen| seen.outcomes.join(", ")).unwrap_or_default();
        if !status.is_success() {
            exit = Exit::Unsound;
        }
        rows.push(
            json!({ "file": name, "status": status.as_u16(), "outcomes": outcomes, "recorded": before }),
        );
        cells.push([name.clone(), status.as_u16().to_string(), outcomes.join(", "), before]);
    }
    say(&match json {
        true => json!({ "replayed": rows }).to_string(),
        false => table(["file", "status", "outcome", "recorded"], &cells),
    });
    Ok(exit)
}

fn read(path: &Path) -> Result<(Recorded, Sent), String> {
    let (text, shown) = (text_of(path)?, path.display());
    let recorded = Recorded::parse(&text).map_err(|reason| format!("{shown}: {reason}"))?;
    let sent = recorded.sent().map_err(|reason| format!("{shown}: {reason}"))?;
    Ok((recorded, sent))
}

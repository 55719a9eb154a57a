//! `sandbox`: the sandbox alone, without handlers.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use http_body_util::BodyExt;

use super::super::sandbox::{OverHttp, respond};
use super::super::serve::{listen, told_to_stop};
use super::super::{Exit, say};
use crate::adapter::local;
use crate::app::AppBuilder;
use crate::error::BoxError;
use crate::problems::Problems;
use crate::sandbox::{Behaviour, Sandbox};
use crate::server::Room;
use crate::settings::fhir_version;

/// The arguments of `sandbox` on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct SandboxOptions {
    /// Where it keeps what it has.
    pub(super) data: Option<PathBuf>,
    pub(super) port: u16,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self { data: None, port: 9001 }
    }
}

/// Serves the sandbox until it is told to stop. It plays the server that `FHIR_SERVER` names, in `FHIR_VERSION`.
pub(super) async fn sandbox(builder: &AppBuilder, options: SandboxOptions) -> Result<Exit, BoxError> {
    let version = fhir_version(builder.variables())?;
    let behaviour = match builder.variables().get("FHIR_SERVER") {
        // The sandbox is the server, so nothing is to be recognised.
        None | Some("auto") => Behaviour::Hapi,
        Some(name) if Room::named(name).is_none() => {
            let names: Vec<_> = Room::names().collect();
            return Err(Problems::from(format!(
                "FHIR_SERVER is {name:?}: write one of {}",
                names.join(", ")
            ))
            .into());
        }
        Some(name) => Behaviour::named(name).unwrap_or(Behaviour::Generic),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = listen(address, "name another port with --port").await?;
    let url = format!("http://{}/fhir", listener.local_addr()?);
    let sandbox = Sandbox::builder().behaviour(behaviour).fhir_version(version).base_url(&url);
    let sandbox = sandbox.validates(true).build(OverHttp::new());
    let stop = told_to_stop();
    let kept = match &options.data {
        None => "forgets everything when it ends".to_owned(),
        Some(directory) => {
            let shown = directory.display();
            sandbox.keep_in(directory).map_err(|error| {
                Problems::from(match error.kind() {
                    ErrorKind::ResourceBusy => format!(
                        "{shown} is the directory of another sandbox that runs now: stop that one, or name another directory with \
                         --data"
                    ),
                    _ => format!("{shown} cannot keep what the sandbox has ({error}): name another directory"),
                })
            })?;
            format!("keeps everything in {shown}")
        }
    };
    say(&format!(
        "The sandbox, a FHIR server for development, listens on {url} and {kept}. Ctrl-C stops it."
    ));
    let answer: local::Answer = Arc::new(move |request| {
        let answer = respond(sandbox.clone(), request);
        Box::pin(async { answer.await.map(BodyExt::boxed_unsync) })
    });
    let (workers, last) = (tokio::runtime::Handle::current(), std::time::Duration::from_secs(30));
    local::serve(listener, answer, workers, stop, last).await;
    Ok(Exit::Sound)
}

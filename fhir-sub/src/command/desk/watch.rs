//! [`Watch`]: the uses of each delivery of `serve` besides its answer.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::BodyExt;

use super::super::sandbox::criteria_of_sample;
use super::page::{self, Page, Sandboxed};
use crate::adapter::local;
use crate::app::{App, AppBuilder};
use crate::declaration::Declaration;
use crate::error::BoxError;
use crate::inspector::{Files, Recorder, observe, tapped};
use crate::sandbox::Sandbox;
use crate::sandbox::topic::StandIn;

/// The uses of each delivery besides its answer.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Watch {
    /// Keeps the last ones, for the page.
    pub(super) recorder: Option<Recorder>,
    /// Whether a page shows those.
    pub(super) is_shown: bool,
    /// Keeps each in a file.
    pub(super) files: Option<Arc<Files>>,
}

impl Watch {
    /// With the page of `serve --inspector`, or without.
    pub(in super::super) fn shown(is_shown: bool) -> Self {
        Self { recorder: is_shown.then(Recorder::new), is_shown, files: None }
    }

    /// The program whose handlers' reads can be seen.
    pub(in super::super) fn over(builder: AppBuilder) -> AppBuilder {
        builder.front(tapped)
    }

    /// The page of the program that listens at `address`, if it is asked for.
    pub(in super::super) async fn page(
        &self,
        address: SocketAddr,
        app: &App,
    ) -> Result<Option<Page>, BoxError> {
        match self.is_shown {
            true => Ok(Some(page::serve(address, app.clone(), self, None).await?)),
            false => Ok(None),
        }
    }

    /// The page of a program with a sandbox. It always has one.
    pub(in super::super) async fn beside_sandbox(
        self,
        address: SocketAddr,
        app: &App,
        (sandbox, stand_ins): (&Sandbox, &[StandIn]),
        has_own_secret: bool,
    ) -> Result<(Self, Option<Page>), BoxError> {
        let watch =
            Self { recorder: self.recorder.or_else(|| Some(Recorder::new())), is_shown: true, ..self };
        let sandboxed =
            Sandboxed { sandbox: sandbox.clone(), samples: samples(app, stand_ins), has_own_secret };
        let page = page::serve(address, app.clone(), &watch, Some(sandboxed)).await?;
        Ok((watch, Some(page)))
    }

    /// Answers as the app does, and keeps each delivery; `None` if no delivery is kept.
    pub(in super::super) fn answer(&self, app: &App) -> Option<local::Answer> {
        let (app, recorder, files) = (app.clone(), self.recorder.clone()?, self.files.clone());
        Some(Arc::new(move |request| {
            let answer = observe(app.clone(), recorder.clone(), files.clone(), request);
            Box::pin(async { answer.await.map(BodyExt::boxed_unsync) })
        }))
    }
}

/// The search that a sample of each handler must match, where one is known.
fn samples(app: &App, stand_ins: &[StandIn]) -> Vec<(&'static str, String)> {
    let criteria = |it: &&'static Declaration| Some((it.endpoint, criteria_of_sample(it, stand_ins)?));
    app.registry().declarations().iter().filter_map(criteria).collect()
}

//! [`Program`]: the app, built when the function starts or at its first event.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use tokio::sync::{Mutex, OnceCell};

#[cfg(feature = "registration")]
use super::ending::Ending;
use crate::app::{App, AppBuilder, FLUSH_PATIENCE, flush};
use crate::error::BoxError;
use crate::logs;
use crate::metrics::Measure;

/// Handles events: the app, or the builder of the app.
///
/// The settings may be in Parameter Store or Secrets Manager. The extension that reads them starts together
/// with the function, and may not answer before the first event arrives. Until then there is no app, so
/// nobody is let in.
pub(crate) struct Program {
    app: OnceCell<App>,
    unmade: Mutex<Unmade>,
    is_lost: AtomicBool,
    counted: Once,
    #[cfg(feature = "registration")]
    pub(super) ending: Ending,
}

/// The app before it is built.
enum Unmade {
    /// The event that builds the app takes the builder.
    Of(Box<AppBuilder>),
    /// It cannot be built.
    Never(CannotStart),
}

/// Why there is no app. The text is for the log, and for the person who deploys.
#[derive(Clone)]
pub(super) struct CannotStart(pub(super) Arc<str>);

const NOT_READY: &str = "the settings cannot be read: the AWS Parameters and Secrets Lambda Extension does not answer; add its layer \
     to the function";

impl Program {
    /// Builds the app, unless its settings cannot be read yet.
    pub(crate) async fn start(mut builder: AppBuilder) -> Result<Self, BoxError> {
        if builder.try_resolve().await.is_err() {
            tracing::info!(
                "the settings are read with the first event: the extension that has them is not ready"
            );
            return Ok(Self::new(None, Unmade::Of(Box::new(builder))));
        }
        let app = builder.build()?;
        app.begin();
        Ok(app.into())
    }

    fn new(app: Option<App>, unmade: Unmade) -> Self {
        Self {
            app: OnceCell::new_with(app),
            unmade: Mutex::new(unmade),
            is_lost: AtomicBool::new(false),
            counted: Once::new(),
            #[cfg(feature = "registration")]
            ending: Ending::default(),
        }
    }

    /// The app. It is built now if it does not exist yet.
    pub(super) async fn app(&self) -> Result<&App, CannotStart> {
        match self.app.get() {
            Some(app) => Ok(app),
            None => Box::pin(self.app.get_or_try_init(|| self.make())).await,
        }
    }

    /// Whether this process can never build the app. It must end then: the place of a setting that failed may answer the
    /// next process.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    /// Counts the cold start, once for each instance. The first event is already answered, so no sender waits for the line.
    pub(super) fn count(&self) {
        let Some(app) = self.app.get() else { return };
        self.counted.call_once(|| {
            if app.settings().log.metrics {
                logs::measured(true, || tracing::info!(measure = Measure::ColdStart.name(), "cold start"));
            }
        });
    }

    /// Sends the spans of the invocation, which ends at `ends`, in milliseconds since 1970.
    pub(super) async fn flush(&self, ends: u64) {
        let flushes = self.app.get().map(App::flushes).unwrap_or_default();
        if !flushes.is_empty() {
            let patience = super::until(ends).map_or(FLUSH_PATIENCE, |ends| ends.remaining());
            Box::pin(flush(flushes, patience)).await;
        }
    }

    async fn make(&self) -> Result<App, CannotStart> {
        let mut unmade = self.unmade.lock().await;
        let builder = match &mut *unmade {
            Unmade::Of(builder) => builder,
            Unmade::Never(problems) => return Err(problems.clone()),
        };
        if builder.try_resolve().await.is_err() {
            // The next event tries again.
            tracing::error!("{NOT_READY}");
            return Err(CannotStart(NOT_READY.into()));
        }
        let taken = std::mem::replace(&mut *unmade, Unmade::Never(CannotStart(NOT_READY.into())));
        let Unmade::Of(builder) = taken else { unreachable!("it was one a moment ago") };
        match builder.build() {
            Ok(app) => {
                app.begin();
                Ok(app)
            }
            Err(problems) => {
                tracing::error!(%problems, "the program cannot start");
                let problems = CannotStart(problems.to_string().into());
                *unmade = Unmade::Never(problems.clone());
                self.is_lost.store(true, Ordering::Relaxed);
                Err(problems)
            }
        }
    }
}

impl From<App> for Program {
    fn from(app: App) -> Self {
        // An app that exists is never built again.
        Self::new(Some(app), Unmade::Never(CannotStart("the app is there".into())))
    }
}

//! [`Program`]: the app, made when the function starts, or with its first event.

use lambda_http::lambda_runtime::Diagnostic;
use tokio::sync::{Mutex, OnceCell};

use crate::app::{App, AppBuilder};
use crate::error::BoxError;

/// What answers events: the app, or what the app will be made of.
///
/// The settings may stand in Parameter Store or Secrets Manager. The extension that reads them starts beside the function, and
/// may answer only when the first event is there. Until then there is no app, so nobody is let in.
pub(crate) struct Program {
    app: OnceCell<App>,
    /// Taken by the event that makes the app.
    builder: Mutex<Option<AppBuilder>>,
}

impl Program {
    /// Makes the app, unless its settings cannot be read yet.
    pub(crate) async fn start(mut builder: AppBuilder) -> Result<Self, BoxError> {
        if builder.try_resolve().await.is_err() {
            tracing::info!(
                "the settings are read with the first event: the extension that has them is not ready"
            );
            return Ok(Self { app: OnceCell::new(), builder: Mutex::new(Some(builder)) });
        }
        let app = builder.build()?;
        app.begin();
        Ok(app.into())
    }

    /// The app; made now, if it is not there yet.
    pub(super) async fn app(&self) -> Result<&App, Diagnostic> {
        match self.app.get() {
            Some(app) => Ok(app),
            None => Box::pin(self.app.get_or_try_init(|| self.make())).await,
        }
    }

    async fn make(&self) -> Result<App, Diagnostic> {
        let mut slot = self.builder.lock().await;
        let Some(builder) = slot.as_mut() else { return Err(cannot_start()) };
        if builder.try_resolve().await.is_err() {
            // The next event asks again.
            tracing::error!(
                "the settings cannot be read: the AWS Parameters and Secrets Lambda Extension does not answer; add its layer \
                 to the function"
            );
            return Err(cannot_start());
        }
        let Some(builder) = slot.take() else { return Err(cannot_start()) };
        match builder.build() {
            Ok(app) => {
                app.begin();
                Ok(app)
            }
            Err(problems) => {
                tracing::error!(%problems, "the program cannot start");
                Err(cannot_start())
            }
        }
    }
}

impl From<App> for Program {
    fn from(app: App) -> Self {
        Self { app: OnceCell::new_with(Some(app)), builder: Mutex::new(None) }
    }
}

/// The invocation fails, so that its caller sends the event again.
fn cannot_start() -> Diagnostic {
    Diagnostic {
        error_type: "CannotStart".into(),
        error_message: "the program cannot start: see its log".into(),
    }
}

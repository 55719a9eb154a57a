//! The same items as `desk.rs`, for a build without a desk. They do nothing.

use super::arguments::Arguments;
use super::{CannotGoOn, Choice, Exit};
use crate::app::AppBuilder;

#[cfg(feature = "local")]
pub(super) use self::watch::Watch;

/// Whether this build has a desk.
pub(super) const IS_THERE: bool = false;

/// A command of the desk. This build has no desk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {}

impl Command {
    pub(super) fn is_server(&self) -> bool {
        match *self {}
    }

    pub(super) async fn run(self, _builder: AppBuilder, _choice: Choice<'_>) -> Result<Exit, CannotGoOn> {
        match self {}
    }
}

pub(super) fn parse(name: &str, _parser: lexopt::Parser, _json: bool) -> Result<Arguments, lexopt::Error> {
    let mistake = format!(
        "`{name}` is a command of the desk, which a release build does not have: use `cargo run -- {name}`"
    );
    Err(mistake.into())
}

pub(super) fn help(_command: &str) -> Option<&'static str> {
    None
}

#[cfg(feature = "local")]
mod watch {
    use std::net::SocketAddr;

    use crate::adapter::local;
    use crate::app::{App, AppBuilder};
    use crate::error::BoxError;

    /// The uses of each delivery besides its answer: there are none.
    #[derive(Clone, Debug, Default)]
    pub(in super::super) struct Watch;

    /// The page. This build has no page.
    pub(in super::super) enum Page {}

    impl Page {
        pub(in super::super) fn told(&self) -> &str {
            match *self {}
        }
    }

    impl Watch {
        pub(in super::super) fn shown(_is_shown: bool) -> Self {
            Self
        }

        pub(in super::super) fn over(builder: AppBuilder) -> AppBuilder {
            builder
        }

        pub(in super::super) async fn page(
            &self,
            _address: SocketAddr,
            _app: &App,
        ) -> Result<Option<Page>, BoxError> {
            Ok(None)
        }

        #[cfg(feature = "sandbox")]
        pub(in super::super) async fn beside_sandbox(
            self,
            _address: SocketAddr,
            _app: &App,
            _sandbox: (&crate::sandbox::Sandbox, &[crate::sandbox::topic::StandIn]),
            _has_own_secret: bool,
        ) -> Result<(Self, Option<Page>), BoxError> {
            Ok((self, None))
        }

        pub(in super::super) fn answer(&self, _app: &App) -> Option<local::Answer> {
            None
        }
    }
}

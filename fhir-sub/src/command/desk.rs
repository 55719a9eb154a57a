//! The desk on the command line. In a release build, `without_desk.rs` stands in its place, with the same items.

mod arguments;
mod help;
mod page;
mod program;
mod pull;
mod record;
mod replay;
mod sandbox_alone;
mod trigger;
mod watch;

use std::path::PathBuf;

use self::record::RecordOptions;
use self::sandbox_alone::SandboxOptions;
use self::trigger::TriggerOptions;
use super::{CannotGoOn, Choice, Exit, begun, chosen, serve};
use crate::app::AppBuilder;

pub(super) use self::arguments::parse;
pub(super) use self::help::help;
pub(super) use self::watch::Watch;

/// Whether this build has a desk.
pub(super) const IS_THERE: bool = true;

/// A command of the desk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Record(RecordOptions),
    Trigger(TriggerOptions),
    Sandbox(SandboxOptions),
    Replay(Vec<PathBuf>),
    /// The dead letter whose key begins so.
    Pull(String),
}

impl Command {
    /// Whether it runs until it is told to stop.
    pub(super) fn is_server(&self) -> bool {
        matches!(self, Self::Record(_) | Self::Sandbox(_))
    }

    pub(super) async fn run(self, builder: AppBuilder, choice: Choice<'_>) -> Result<Exit, CannotGoOn> {
        let json = choice.json;
        Ok(match self {
            Self::Record(options) => serve::serve(builder, record::watch(&options)?).await?,
            Self::Sandbox(options) => sandbox_alone::sandbox(&builder, options).await?,
            Self::Trigger(options) => trigger::trigger(builder, options, json).await?,
            Self::Replay(files) => replay::replay(builder, &files, json).await?,
            Self::Pull(key) => {
                let app = begun(builder)?;
                pull::pull(&chosen(&app, choice.tenant, None)?, key, json).await?
            }
        })
    }
}

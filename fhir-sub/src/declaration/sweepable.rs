//! [`Sweepable`]: whether a sweep finds what no notification told of.

use super::{Content, Declaration, Trigger};

/// How what no notification told of is found; and why not otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweepable {
    /// By a search, and of a topic by the numbers of its events.
    Yes,
    /// By the numbers of a topic's events only.
    ByNumber(&'static str),
    No(&'static str),
}

impl Declaration {
    /// How what no notification told of is found for the handler.
    pub(crate) fn sweepable(&self) -> Sweepable {
        let is_searchable = self.search().is_some();
        let names_nothing = self.content == Content::Empty && !self.needs_resource();
        match self.trigger {
            Trigger::Criteria(_) if !is_searchable => {
                Sweepable::No("its criteria watches several types of resource, which no search finds")
            }
            Trigger::Criteria(_) if names_nothing => Sweepable::No(
                "its notifications name no resource, so that what was handled is not told from what was not",
            ),
            Trigger::Topic(_) if !is_searchable => Sweepable::ByNumber(
                "it is found by $events only, where the server has that, since it is not known which type to search for",
            ),
            Trigger::Criteria(_) | Trigger::Topic(_) => Sweepable::Yes,
        }
    }
}

impl Sweepable {
    /// Why it is not found, or not on every server.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Yes => None,
            Self::ByNumber(reason) | Self::No(reason) => Some(reason),
        }
    }
}

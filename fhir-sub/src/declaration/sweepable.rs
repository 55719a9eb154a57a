//! [`Sweepable`]: whether a sweep can find events that no notification reported.

use super::{Content, Declaration, Trigger};

/// How a sweep finds events that no notification reported, or why it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweepable {
    /// By a search, and for a topic also by the numbers of its events.
    Yes,
    /// By the numbers of a topic's events only.
    ByNumber(&'static str),
    No(&'static str),
}

impl Declaration {
    /// How a sweep finds the events of this handler.
    pub(crate) fn sweepable(&self) -> Sweepable {
        let is_searchable = self.search().is_some();
        let names_nothing = self.content == Content::Empty && !self.needs_resource();
        match self.trigger {
            Trigger::Criteria(_) if !is_searchable => {
                Sweepable::No("its criteria watches several types of resource, which no search finds")
            }
            Trigger::Criteria(_) if names_nothing => Sweepable::No(
                "its notifications name no resource, so the program cannot tell handled changes from \
                 missed ones",
            ),
            Trigger::Topic(_) if !is_searchable => Sweepable::ByNumber(
                "only $events finds its events, if the server has that: it is not known which type to \
                 search for",
            ),
            Trigger::Topic(_) if names_nothing => Sweepable::ByNumber(
                "only $events finds its events, if the server has that: its notifications name no resource, so a \
                 search does not tell handled changes from missed ones",
            ),
            Trigger::Criteria(_) | Trigger::Topic(_) => Sweepable::Yes,
        }
    }
}

impl Sweepable {
    /// Why a sweep cannot find them, or not on every server.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Yes => None,
            Self::ByNumber(reason) | Self::No(reason) => Some(reason),
        }
    }
}

//! [`SweepState`]: the state of the sweeps of a subscription.

use serde::{Deserialize, Serialize};

use crate::client::Place;
use crate::fhir::Instant;

/// The state of the sweeps of a subscription.
///
/// Each field may be missing, so that the program can read a state from an earlier version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SweepState {
    /// Where the first sweep began. Nothing older is looked at, not even within the overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<String>,
    /// Everything that changed up to this moment is done or dead, by the server's clock: a FHIR `instant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<String>,
    /// The same for deletions, which have a list of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deletions_watermark: Option<String>,
    /// All events of a topic up to this number are done or dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// The Subscription with that number, `Subscription/1`: a new Subscription has a new counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// A mark that distinguishes the event with that number from another one after the counter has restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_mark: Option<String>,
    /// Up to which number the last sweep came, if it ran out of time and had left an event before. The next sweep
    /// begins there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_reached: Option<u64>,
    /// Whether the server has ever returned events by their numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_led: bool,
    /// How many events the server had counted at the first sweep. Only these can be from before `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_began: Option<u64>,
    /// Whether the server lacked some events, so that a search must find their resources.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_search_owed: bool,
    /// When the server last lacked some, by the clock here. Its index may show their resources only later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) search_owed_since: Option<Instant>,
    /// How many events the server had counted when sweeps began to wait for those that it lacks, if no search finds them.
    /// Later events are waited for anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_awaited: Option<u64>,
    /// Whether no event is known to be lost, so that this search only makes sure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_search_optional: bool,
    /// The search that is under way, over as many sweeps as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) round: Option<Round>,
    /// The same, for deletions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deletions_round: Option<Round>,
    /// The facts about the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<ServerClock>,
    /// Whether the last sweep re-armed the Subscription.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rearmed: bool,
    /// When the Subscription was last heard of. It has a record of its own, beside the record of the sweeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) heard: Option<Instant>,
}

impl SweepState {
    /// Records that a search must find the resources of events that the server lacks now.
    pub(crate) fn owe_search(&mut self, now: Instant) {
        (self.is_search_owed, self.search_owed_since) = (true, Some(now));
    }

    /// Records that a search has found them.
    pub(crate) fn owe_no_search(&mut self) {
        (self.is_search_owed, self.search_owed_since, self.is_search_optional) = (false, None, false);
    }
}

/// Passes over all pages of a search, until two of them show the same. If time runs out, the next
/// sweep continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    /// A key for the search: a round of another search is ignored.
    pub(crate) question: String,
    /// The search finds what changed from this moment on.
    pub(crate) from: Instant,
    /// Where the pass began, if it has skipped to `from`. The next pass begins there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Instant>,
    /// The next page; `None` for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// How many sweeps in a row waited for this link until their time was over.
    #[serde(default)]
    pub(crate) late: u32,
    /// How many passes over the pages have ended.
    #[serde(default)]
    pub(crate) passes: u32,
    /// How many pages this pass has read.
    #[serde(default)]
    pub(crate) pages: u64,
    /// How many entries these pages had.
    #[serde(default)]
    pub(crate) entries: u64,
    /// When this pass began, by the clock here.
    pub(crate) started: Instant,
    /// When this pass began, by the server's clock or a little earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begun: Option<Instant>,
    /// When the first pass began: later changes are left to the next round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Instant>,
    /// The results of this pass that the first pass should have shown: the sum of their hashes.
    #[serde(default)]
    pub(crate) shown: u64,
    /// The same for the pass before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown_before: Option<u64>,
    /// Whether this pass handled something that the pass before should have shown.
    #[serde(default)]
    pub(crate) is_new: bool,
    /// The oldest change that must still be handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsettled: Option<Instant>,
    /// Whether something must still be handled that has no time of change.
    #[serde(default)]
    pub(crate) is_unsettled_anywhere: bool,
    /// The newest change so far in this pass, as long as the server has sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<Instant>,
    /// The same without the last page: the page after it has shown nothing older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed: Option<Instant>,
    /// How often a change was newer than the one before.
    #[serde(default)]
    pub(crate) rises: u64,
    /// Whether the server has shown that it does not sort.
    #[serde(default)]
    pub(crate) is_unsorted: bool,
    /// How often the server did not know its own link any more.
    #[serde(default)]
    pub(crate) restarts: u32,
}

/// The server's clock, compared with the clock here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerClock {
    /// When it was last read, by the clock here.
    pub(crate) seen: Instant,
    /// Since when `least` is measured.
    pub(crate) since: Instant,
    /// The smallest lead of the server's clock, in milliseconds; negative if it was behind.
    pub(crate) least: i64,
    /// The same for the day before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_has_written_is_read() {
        let moment = "2026-01-01T00:00:00.000Z";
        let earlier = format!(
            r#"{{"start":"{moment}","watermark":"{moment}","deletionsWatermark":"{moment}","number":7,"subscription":"Subscription/1"}}"#
        );
        let state: SweepState = serde_json::from_str(&earlier).unwrap();
        assert_eq!((state.number, state.watermark.as_deref()), (Some(7), Some(moment)));
        assert_eq!((&state.round, &state.clock, state.is_search_owed), (&None, &None, false));
        // An earlier version reads the new state too, if nothing is under way.
        assert_eq!(serde_json::to_string(&state).unwrap(), earlier);
        assert_eq!(serde_json::from_str::<SweepState>("{}").unwrap(), SweepState::default());
    }

    #[test]
    fn a_round_goes_through_the_store_and_its_link_into_no_log() {
        let from = Instant::parse("2026-01-01T00:00:00.000Z").unwrap();
        let place =
            Place { next: "/Patient?identifier=canary".into(), own: Some("https://internal/fhir".into()) };
        let clock = ServerClock { seen: from, since: from, least: -5, before: Some(7) };
        let text =
            r#"{"question":"q","from":"2026-01-01T00:00:00.000Z","started":"2026-01-01T00:00:00.000Z"}"#;
        let earlier: Round = serde_json::from_str(text).unwrap();
        assert_eq!(earlier.origin, None);
        let round = Round { origin: Some(from), place: Some(place), passes: 1, shown: u64::MAX, ..earlier };
        let state = SweepState { round: Some(round), clock: Some(clock), ..SweepState::default() };
        let read: SweepState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(read, state);
        assert!(!format!("{state:?}").contains("canary"));
    }
}

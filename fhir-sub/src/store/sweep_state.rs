//! [`SweepState`]: how far the sweeps of a subscription have come.

use serde::{Deserialize, Serialize};

use crate::client::Place;
use crate::fhir::Instant;

/// How far the sweeps of a subscription have come.
///
/// Each field may be missing: a state that an earlier version of the program has written is read, and goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SweepState {
    /// Where the first sweep began: nothing older is looked at, also not within the overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<String>,
    /// All that was changed up to then is done or dead, by the server's clock: a FHIR `instant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<String>,
    /// The same of deletions, which are listed apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deletions_watermark: Option<String>,
    /// All events of a topic up to this number are done or dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// Whose number that is, `Subscription/1`: one that is registered anew counts anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// What tells the event of that number from another of the same number, after the counter has begun anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_mark: Option<String>,
    /// Whether the server lacked some events, so that a search has to find what they were about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_search_owed: bool,
    /// The search that is under way, over as many sweeps as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) round: Option<Round>,
    /// The same, for deletions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deletions_round: Option<Round>,
    /// The facts about the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<ServerClock>,
}

/// One way through all pages of a search, or several ways, until nothing new is in them. It goes on in the next sweep where
/// the time of one is not enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    /// Stands for the search: a round of another one means nothing.
    pub(crate) question: String,
    /// What was changed from then on is searched for.
    pub(crate) from: Instant,
    /// Where the next page is; the first one where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// How many passes over the pages have ended.
    #[serde(default)]
    pub(crate) passes: u32,
    /// How many pages this pass has read.
    #[serde(default)]
    pub(crate) pages: u64,
    /// How many entries these had.
    #[serde(default)]
    pub(crate) entries: u64,
    /// When this pass began, by the clock here.
    pub(crate) started: Instant,
    /// When this pass began, by the server's clock, or a little earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begun: Option<Instant>,
    /// The same of the first pass: what was changed later is for the next round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Instant>,
    /// What this pass has shown of what the first one should have shown: the sum of its hashes.
    #[serde(default)]
    pub(crate) shown: u64,
    /// The same of the pass before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown_before: Option<u64>,
    /// Whether this pass has handled what the one before should have shown.
    #[serde(default)]
    pub(crate) is_new: bool,
    /// When the oldest was changed of what is still to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsettled: Option<Instant>,
    /// Whether it is not known of something that is still to be done when it was changed.
    #[serde(default)]
    pub(crate) is_unsettled_anywhere: bool,
    /// The newest so far of this pass, as long as each was not older than the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<Instant>,
    /// The same without the last page: the page after it has shown nothing older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed: Option<Instant>,
    /// How often one was newer than the one before.
    #[serde(default)]
    pub(crate) rises: u64,
    /// Whether something has shown that it does not.
    #[serde(default)]
    pub(crate) is_unsorted: bool,
    /// How often the server did not know a link any more that it had given.
    #[serde(default)]
    pub(crate) restarts: u32,
}

/// What is known of the server's clock, beside the one here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerClock {
    /// When it was last looked at, by the clock here.
    pub(crate) seen: Instant,
    /// Since when `least` is measured.
    pub(crate) since: Instant,
    /// The least, in milliseconds, that the server's clock was ahead; less than nothing where it was behind.
    pub(crate) least: i64,
    /// The same of the day before.
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
        // And an earlier version reads what is written where nothing is under way.
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
        let round =
            Round { place: Some(place), passes: 1, shown: u64::MAX, ..serde_json::from_str(text).unwrap() };
        let state = SweepState { round: Some(round), clock: Some(clock), ..SweepState::default() };
        let read: SweepState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(read, state);
        assert!(!format!("{state:?}").contains("canary"));
    }
}

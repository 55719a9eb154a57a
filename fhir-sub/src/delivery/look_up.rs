//! Looks up empty notifications: they say that something happened, but not to which resource. An event of a
//! subscription with another `content` may be empty too.
//!
//! A handler without a resource gets the event as it is. For a handler that takes the resource, the program
//! finds the resource. For a topic, it asks for the events by their numbers, with `$events`. For a criteria,
//! or if the server lacks `$events`, it searches for resources that changed since the last time. A search
//! finds a resource once, in its current version, however often it changed. It finds no deletions.

use std::time::Duration;

use super::changed::{Changed, Question, Raw};
use super::deliver::{deliver, deliver_found};
use super::delivered::{Delivered, End, Ended};
use super::failure::Failure;
use super::query::{self, Queried, query};
use super::read::Deletion;
use super::time::Time;
use crate::app::App;
use crate::client::{Place, Search};
use crate::contain::contain;
use crate::declaration::Declaration;
use crate::decode::Happened;
use crate::event::Event;
use crate::fhir::Instant;
use crate::incoming::Way;
use crate::memory::{LookUp, Name, Numbering, Range};
use crate::sorted;

/// How many ranges of numbers of one notification the server is asked for. A search finds the other events.
const RANGES: usize = 16;

/// An event that names nothing, and how its number compares with the numbers before it.
pub(super) struct Unnamed {
    pub(super) event: Box<Event>,
    pub(super) numbering: Numbering,
}

/// Whether the program must find the resource of the event.
pub(crate) fn is_unnamed(Happened { event, resource, mistake, .. }: &Happened<'_>) -> bool {
    event.is_silent() && resource.is_none() && mistake.is_none()
}

/// The results of looked-up events.
pub(super) struct LookedUp {
    pub(super) delivered: Vec<Delivered>,
    /// How many of `delivered` were found by their numbers. The results of a search stand for all other
    /// events together, because a search does not say which result belongs to which event.
    by_number: usize,
}

impl LookedUp {
    /// The index in `delivered` of the worst result for the event with this number.
    pub(super) fn of(&self, number: Option<u64>) -> Option<usize> {
        let due = |index: &usize| self.delivered[*index].due();
        let is_its = |index: &usize| number.is_some() && self.delivered[*index].event.number == number;
        let by_number = (0..self.by_number).filter(is_its).max_by_key(due);
        by_number.or_else(|| (self.by_number..self.delivered.len()).max_by_key(due))
    }
}

/// Finds the resources of `events`, and delivers them.
pub(super) async fn look_up(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    events: Vec<Unnamed>,
    way: Way<'_>,
    time: Time,
) -> LookedUp {
    let (mut delivered, left) = by_number(app, declaration, name, events, way, time).await;
    let by_number = delivered.len();
    // The own server knows nothing of another server's events.
    let Some(question) = Question::of(declaration, app.settings()).filter(|_| !name.is_foreign()) else {
        // Only subscriptions with `content = "empty"` are guaranteed to have a search, unless their registration changes the
        // criteria.
        let (left, numberings): (Vec<_>, Vec<_>) = left
            .into_iter()
            .map(|left| (Happened { way, ..Happened::new(left.event, None) }, left.numbering))
            .unzip();
        let others = deliver(app, declaration, Deletion::in_answer(declaration), left, time).await;
        delivered.extend(others.into_iter().zip(numberings).map(|(one, numbering)| one.numbered(numbering)));
        return LookedUp { delivered, by_number };
    };
    if let Some(first) = left.first() {
        // One search finds the resources of all these events.
        let telling = left.iter().find(|left| !left.numbering.is_in_order()).unwrap_or(first);
        let told = left.iter().filter_map(|left| Instant::parse(left.event.timestamp()?)).min();
        delivered.extend(by_search(app, declaration, &question, telling, told, way, time).await);
    }
    LookedUp { delivered, by_number }
}

/// Asks the server for the events by their numbers; returns the events that the server does not have.
async fn by_number(
    app: &App,
    declaration: &'static Declaration,
    name: Name<'_>,
    mut left: Vec<Unnamed>,
    way: Way<'_>,
    time: Time,
) -> (Vec<Delivered>, Vec<Unnamed>) {
    let (mut delivered, event_numbers) = (Vec::new(), &app.memory().event_numbers);
    let Some(id) = name.id() else { return (delivered, left) };
    for numbers in ranges(&left).into_iter().take(RANGES) {
        if !event_numbers.has_events(name) {
            break;
        }
        let queried = query(app, declaration, id, &numbers, time.deadline().sooner_by_half()).await;
        let answer = match &queried {
            Queried::Answered(answer) => answer,
            Queried::Unknown => {
                event_numbers.asked(name, queried.asked(false));
                break;
            }
            Queried::Failed(failure) => {
                for Unnamed { event, numbering } in take(&mut left, |number| numbers.contains(&number)) {
                    let end = End::Unread(failure.clone());
                    delivered.push(Delivered::new(declaration.endpoint, event, end).numbered(numbering));
                }
                continue;
            }
        };
        let mut events = query::events(app, declaration, answer, name, &numbers);
        events.retain(|happened| !is_unnamed(happened));
        events.iter_mut().for_each(|happened| happened.way = way);
        event_numbers.asked(name, queried.asked(!events.is_empty()));
        let found: Vec<_> = events.iter().filter_map(|happened| happened.event.number).collect();
        let taken = take(&mut left, |number| found.contains(&number));
        let (deletion, share) = (Deletion::in_answer(declaration), time.unless_waited_for(left.is_empty()));
        for one in deliver(app, declaration, deletion, events, share).await {
            let taken = taken.iter().find(|taken| taken.event.number == one.event.number);
            delivered.push(one.numbered(taken.map_or(Numbering::InOrder, |taken| taken.numbering)));
        }
    }
    (delivered, left)
}

/// The numbers of the events, as ranges of consecutive numbers.
fn ranges(events: &[Unnamed]) -> Vec<Range> {
    let mut numbers: Vec<_> = events.iter().filter_map(|unnamed| unnamed.event.number).collect();
    sorted::by(&mut numbers, u64::cmp);
    let mut ranges: Vec<Range> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if *last.end() >= number.saturating_sub(1) => *last = *last.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    ranges
}

/// Removes and returns the events with a fitting number.
fn take(events: &mut Vec<Unnamed>, fits: impl Fn(u64) -> bool) -> Vec<Unnamed> {
    events.extract_if(.., |unnamed| unnamed.event.number.is_some_and(&fits)).collect()
}

/// Searches for resources that changed since the last time, or since the first event happened, and delivers
/// them. An endpoint's notifications take turns here, so that no search finds what another one is handling.
///
/// If an earlier notification could not read all pages, this one goes on at the next page. A search that began
/// before this notification may lack the notification's change. So the program searches once more, and that search decides
/// the answer.
async fn by_search(
    app: &App,
    declaration: &'static Declaration,
    question: &Question,
    Unnamed { event, numbering }: &Unnamed,
    told: Option<Instant>,
    way: Way<'_>,
    time: Time,
) -> Vec<Delivered> {
    let one = |end| Delivered::new(declaration.endpoint, event.clone(), end).numbered(*numbering);
    let now = app.now();
    let look_up = app.memory().look_ups.of(declaration.endpoint);
    let Ok(mut look_up) = tokio::time::timeout_at(time.deadline().instant(), look_up.lock()).await else {
        return vec![one(End::NotBegun)];
    };

    let mut since = look_up.since(now, told);
    // Whether the search leaves out the overlap, so that few pages decide the answer. Then it must not move the position.
    let mut is_short = false;
    let mut delivered: Vec<Delivered> = Vec::new();
    let end = loop {
        let most = app.settings().events_maximum.saturating_sub(delivered.len());
        let sought = Sought { declaration, question, event, look_up: &look_up, since, most };
        let found = find(app, &sought, time).await;
        if found.is_new && !is_short {
            look_up.begin(now, found.searched);
        }
        look_up.settled(None, found.known, now);
        if found.left.is_some() {
            look_up.unsettled(found.left);
        }
        delivered.extend(deliver_all(app, declaration, found.hits, way, time, &mut look_up).await);
        let end = match found.end {
            Searched::Whole if found.is_new => {
                if !is_short {
                    look_up.end();
                }
                break if delivered.is_empty() { End::NothingFound } else { End::LookedUp };
            }
            Searched::Whole => {
                if let Some(until) = look_up.end_earlier() {
                    (since, is_short) = (until, true);
                }
                continue;
            }
            // The server's next notification finds the rest. An incomplete search proves no order, so the position must not
            // move.
            Searched::Cut => End::NotAllFound,
            Searched::Failed(failure) => End::Unread(failure),
        };
        if !is_short {
            look_up.go_on_at(found.place);
        }
        break end;
    };
    delivered.insert(0, one(end));
    delivered
}

/// Delivers the results of a search, and records which of them are settled.
async fn deliver_all(
    app: &App,
    declaration: &'static Declaration,
    hits: Vec<Changed>,
    way: Way<'_>,
    time: Time,
    look_up: &mut LookUp,
) -> Vec<Delivered> {
    let (now, count) = (app.now(), hits.len());
    let reserve = time.reserve(count);
    let time = if count > 1 { time.fair_beside(time.share(count - 1, reserve)) } else { time };
    let (mut ended, mut deferred) = (Vec::with_capacity(count), Vec::new());
    for (place, hit) in hits.into_iter().enumerate() {
        let share = time.share(count - place - 1, reserve);
        match deliver_found(app, declaration, hit.event, hit.json, way, share).await {
            Ok(one) => ended.push((hit.version, hit.updated, one)),
            Err(one) => deferred.push((hit.version, hit.updated, one)),
        }
    }
    // If such an event kills the instance again, all other events are done.
    sorted::by_key(&mut deferred, |(.., one)| one.tries());
    let mut waiting = deferred.len();
    for (version, updated, one) in deferred {
        waiting -= 1;
        ended.push((version, updated, one.deliver(app, declaration, time.share(waiting, reserve)).await));
    }
    let mut delivered = Vec::with_capacity(count);
    for (version, updated, one) in ended {
        if one.must_come_again() {
            look_up.unsettled(updated);
        } else {
            if version.is_some() && matches!(one.ended(), Ended::Handled | Ended::Dead) {
                look_up.ran(updated);
            }
            look_up.settled(version, updated, now);
        }
        delivered.push(one);
    }
    delivered
}

/// The most bytes of results that are held at once. The server's next notification finds the rest.
const BYTES: usize = 32 * 1024 * 1024;

/// The most pages of a search that one notification reads, even if all their results are known.
const PAGES: usize = 1_000;

/// How far a change may be ahead of the header `Date`, which has only seconds.
const SLACK: Duration = Duration::from_secs(5);

/// The question of a search, and its limits.
struct Sought<'a> {
    declaration: &'a Declaration,
    question: &'a Question,
    event: &'a Event,
    /// The findings of the searches so far.
    look_up: &'a LookUp,
    /// The search finds what changed from this moment on.
    since: Instant,
    /// The most results.
    most: usize,
}

struct Found {
    hits: Vec<Changed>,
    /// The size of `hits`.
    bytes: usize,
    end: Searched,
    /// The page where the search ended, unless it read all of them; `None` for the first page.
    place: Option<Place>,
    /// Whether the search began with its first page.
    is_new: bool,
    /// When the search began, by the server's clock.
    searched: Option<Instant>,
    /// The newest change that was handled before.
    known: Option<Instant>,
    /// The oldest change that is left to the next search.
    left: Option<Instant>,
}

enum Searched {
    Whole,
    /// There are more results than may be handled at once.
    Cut,
    Failed(Failure),
}

impl Found {
    /// Adds a result, unless it is handled, or left to the next search. Returns whether there was room for it. `date` is the
    /// server's time.
    fn add(&mut self, sought: &Sought<'_>, json: Raw, date: Option<Instant>) -> bool {
        let hit = match Changed::read(json, sought.event, sought.question) {
            Some(Ok(hit)) => hit,
            Some(Err(_odd)) => {
                let endpoint = sought.declaration.endpoint;
                tracing::warn!(endpoint, "a search found a resource whose id FHIR does not allow");
                return true;
            }
            None => return true,
        };
        // A server that ignores `_lastUpdated` also returns older resources.
        if hit.updated.is_some_and(|updated| updated < sought.since) {
            return true;
        }
        if hit.version.as_ref().is_some_and(|version| sought.look_up.is_handled(version)) {
            self.known = self.known.max(hit.updated);
            return true;
        }
        // A server may keep the results of a search, and show the current version of a resource. If the resource changed
        // after the search began, that version may not match any more: the next search decides.
        let may_have_changed = !self.is_new && self.searched.is_some();
        let now = date.map(|date| date.after(SLACK));
        if may_have_changed && hit.updated > self.searched && hit.updated <= now {
            self.left = [self.left, hit.updated].into_iter().flatten().min();
            return true;
        }
        self.bytes += hit.json.get().len();
        if self.hits.len() == sought.most || (self.bytes > BYTES && !self.hits.is_empty()) {
            return false;
        }
        self.hits.push(hit);
        true
    }
}

/// Finds resources that are not handled yet. Goes on at the page where an earlier notification stopped.
async fn find(app: &App, sought: &Sought<'_>, time: Time) -> Found {
    let &Sought { question, look_up, since, .. } = sought;
    let (place, searched) = (look_up.place().cloned(), look_up.searched());
    let (is_new, had_time) = (place.is_none(), time.is_fair());
    let (hits, end) = (Vec::new(), Searched::Whole);
    let mut found = Found { hits, bytes: 0, end, place, is_new, searched, known: None, left: None };
    let client = app.provided().fhir_client().with_deadline(time.deadline().sooner_by_half());
    let sorted = [("_sort", "_lastUpdated")];
    let mut search = match &found.place {
        Some(place) => Search::at(&client, &question.resource_type, place),
        None => question.search(&client, since, &sorted),
    };
    let (mut pages, mut is_sorted, mut kept) = (0, true, None);
    let searching = async {
        while let Some(page) = search.next_page().await {
            let page = match page {
                // Any error may mean that the link has expired. If the request had too little time, a timeout says nothing.
                Err(error)
                    if pages == 0
                        && !found.is_new
                        && !matches!(error.status(), Some(429 | 503))
                        && (had_time || !error.is_timeout()) =>
                {
                    kept = found.place.take().filter(|_| !error.is_timeout()).zip(Some(found.searched));
                    (found.is_new, found.searched) = (true, None);
                    search = question.search(&client, since, &sorted);
                    continue;
                }
                // The server may refuse to sort, and nothing here relies on the order.
                Err(error)
                    if is_sorted
                        && pages == 0
                        && found.is_new
                        && matches!(error.status(), Some(400 | 422 | 501)) =>
                {
                    is_sorted = false;
                    search = question.search(&client, since, &[]);
                    continue;
                }
                page => page?,
            };
            kept = None;
            if let Some(doubt) = question.doubt(&page, pages == 0 && found.is_new) {
                if pages == 0 {
                    found.place = None;
                }
                found.end = Searched::Failed(Failure::of_doubt(&doubt));
                return Ok(());
            }
            pages += 1;
            let date = page.said.date.map(Instant::from);
            if found.is_new && pages == 1 {
                found.searched = date;
            }
            for json in page.found {
                if !found.add(sought, json, date) {
                    found.end = Searched::Cut;
                    return Ok(());
                }
            }
            found.place = page.next;
            if pages == PAGES && !page.is_last {
                found.end = Searched::Cut;
                return Ok(());
            }
        }
        Ok(())
    };
    // The request may run a token provider of the user's.
    match contain(searching).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            found.end = Searched::Failed(Failure::of_reading(&error));
            if let Some((place, searched)) = kept {
                // The server does not answer for the first page either, so the link may still be good.
                (found.place, found.is_new, found.searched) = (Some(place), false, searched);
            }
        }
        Err(_panicked) => found.end = Searched::Failed(Failure::PANICKED),
    }
    found
}

#[cfg(test)]
mod tests;

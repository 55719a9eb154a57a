//! [`Plan`]: everything that will happen in a schedule, and everything that will go wrong. One seed makes one
//! plan.

use fastrand::Rng;

/// More events than any notification has.
pub(crate) const MANY: usize = 1_000;

/// Milliseconds since the beginning of a schedule.
pub(crate) type Ms = u64;

/// Everything that will happen in a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
    pub(crate) faults: Vec<Fault>,
}

/// The participants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) dialect: Dialect,
    /// The handler that is called.
    pub(crate) endpoint: Endpoint,
    pub(crate) instances: usize,
    /// How often an event is tried before it is given up.
    pub(crate) tries: u32,
    /// The most resources on a page, whatever the request says.
    pub(crate) page: usize,
    /// The most events that a notification may have. A larger one is refused.
    pub(crate) events: usize,
    /// Whether a second program of another FHIR server shares the store. The same happens to both programs.
    pub(crate) has_twin: bool,
}

/// The server's kind of notifications, and its retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `PUT` and `DELETE`, with retries for a minute.
    Hapi,
    /// The same, with retries for ever.
    Smile,
    /// `POST`, five times. If a resource changed meanwhile, its notification is dropped.
    Medplum,
    /// `PUT`, three times a minute apart.
    Firely,
    /// Topics with `$status` and `$events`, five times.
    Generic,
    /// Topics, ten times; a 4xx is final, and there is no `$events`.
    Helios,
    /// Topics, once.
    Once,
}

impl Dialect {
    /// The value of `FHIR_SERVER`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hapi | Self::Smile => "hapi",
            Self::Medplum => "medplum",
            Self::Firely => "firely",
            Self::Helios => "helios",
            Self::Generic | Self::Once => "generic",
        }
    }

    pub(crate) fn has_topics(self) -> bool {
        matches!(self, Self::Generic | Self::Helios | Self::Once)
    }
}

/// A handler and its attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Resource,
    Event,
    Latest,
    Deletions,
    OnlyDeletions,
    LatestDeletions,
    Creates,
    Topic,
    TopicIds,
    TopicEvents,
    TopicEmpty,
    TopicLatest,
    TopicDeletions,
}

impl Endpoint {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Latest => "latest",
            Self::Deletions => "deletions",
            Self::OnlyDeletions => "only-deletions",
            Self::LatestDeletions => "latest-deletions",
            Self::Creates => "creates",
            Self::Topic => "topic",
            Self::TopicIds => "topic-ids",
            Self::TopicEvents => "topic-events",
            Self::TopicEmpty => "topic-empty",
            Self::TopicLatest => "topic-latest",
            Self::TopicDeletions => "topic-deletions",
        }
    }

    pub(crate) fn wants_deletions(self) -> bool {
        matches!(self, Self::Deletions | Self::OnlyDeletions | Self::LatestDeletions | Self::TopicDeletions)
    }

    pub(crate) fn wants_changes(self) -> bool {
        self != Self::OnlyDeletions
    }

    pub(crate) fn takes_resource(self) -> bool {
        !matches!(self, Self::Event | Self::OnlyDeletions | Self::TopicEvents)
    }

    pub(crate) fn is_ordered(self) -> bool {
        matches!(self, Self::Latest | Self::LatestDeletions | Self::TopicLatest)
    }

    /// Whether the resource is read later, because notifications only name it, or name nothing.
    pub(crate) fn is_read_later(self) -> bool {
        matches!(
            self,
            Self::TopicIds | Self::TopicEvents | Self::TopicEmpty | Self::TopicLatest | Self::TopicDeletions
        )
    }
}

/// The possible combinations, with their weights.
const SETUPS: [(Dialect, Endpoint, u32); 24] = [
    (Dialect::Hapi, Endpoint::Resource, 4),
    (Dialect::Hapi, Endpoint::Event, 2),
    (Dialect::Hapi, Endpoint::Latest, 3),
    (Dialect::Hapi, Endpoint::Deletions, 3),
    (Dialect::Medplum, Endpoint::OnlyDeletions, 1),
    (Dialect::Hapi, Endpoint::LatestDeletions, 2),
    (Dialect::Smile, Endpoint::Resource, 2),
    (Dialect::Smile, Endpoint::Latest, 1),
    (Dialect::Medplum, Endpoint::Resource, 2),
    (Dialect::Medplum, Endpoint::Latest, 1),
    (Dialect::Medplum, Endpoint::Deletions, 2),
    (Dialect::Medplum, Endpoint::Creates, 2),
    (Dialect::Firely, Endpoint::Resource, 1),
    (Dialect::Generic, Endpoint::Topic, 3),
    (Dialect::Generic, Endpoint::TopicIds, 3),
    (Dialect::Generic, Endpoint::TopicEvents, 3),
    (Dialect::Generic, Endpoint::TopicEmpty, 2),
    (Dialect::Generic, Endpoint::TopicLatest, 2),
    (Dialect::Helios, Endpoint::TopicIds, 2),
    (Dialect::Helios, Endpoint::TopicEmpty, 1),
    (Dialect::Generic, Endpoint::TopicDeletions, 3),
    (Dialect::Once, Endpoint::TopicDeletions, 1),
    (Dialect::Once, Endpoint::TopicEvents, 1),
    (Dialect::Once, Endpoint::Topic, 1),
];

/// An event that does not depend on faults.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at: Ms,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Resources are written, in one transaction.
    Write(Vec<(usize, Write)>),
    /// An instance sweeps: from where the last sweep ended, or from a moment in the future by mistake.
    Sweep { is_slip: bool },
    /// Dead letters are retried.
    Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// It matches the criteria.
    Matching,
    /// It does not match the criteria.
    Other,
    Delete,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A property of the server, until the end.
    Trait(Trait),
    /// A misbehaviour of the server, until the faults end.
    Quirk(Quirk),
    /// What happens to a request, by its number.
    Request(u32, Answering),
    /// The changes of a write become visible so much later than their stamps, by the number of the write.
    Late(u32, Ms),
    /// A search shows changes so much later.
    Lag(Ms),
    /// Histories show changes so much later.
    HistoryLag(Ms),
    /// The clock of the server, or only of its gateway, is wrong by so many seconds.
    Clock { from: Ms, until: Option<Ms>, seconds: i64, is_of_gateway: bool },
    /// The server's event counter restarts.
    Restart(Ms),
    /// What happens to the first sending of a notification, by its number.
    Notification(u32, Sending),
    /// What happens to a call of the store, by its number.
    Store(u32, Storing),
    /// An instance dies at this poll of its requests, counted over its whole life.
    Crash { instance: usize, poll: u32 },
    /// What a handler does, by the number of its run.
    Run(u32, Doing),
    /// What a handler does each time it gets this resource.
    Poison(usize, Doing),
}

/// A property of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trait {
    IgnoresSort,
    RefusesSort,
    /// Without the header `Date`.
    NoDate,
    /// Page links are places in the present results, not in a list that the server keeps.
    Shifting,
    /// Each page takes nine seconds. The client gives up a request after ten.
    SlowPages,
    /// Each page takes a second.
    TakesASecond,
    /// Notifications do not say the version. Those of a topic with deletions do not say what happened.
    Strips,
    /// If a handler takes only events, it does not let the program read resources.
    RefusesReads,
    /// It has no history of a type.
    NoTypeHistory,
    /// It has no history at all.
    NoHistory,
    /// It has no `$events`.
    NoEvents,
    /// It keeps only its last two events.
    FewEvents,
    /// Its answers contain the total.
    Total,
    /// Its history has no links to further pages.
    NoHistoryLinks,
    /// The events of a topic have no `timestamp`.
    NoTimes,
    /// Resources have no `meta.versionId`, and no answer says a version.
    NoVersions,
}

/// A misbehaviour of a server, until the faults end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    /// It ignores the parameter of the criteria, and its `self` link says so.
    IgnoresFilter,
    /// It does not know its own links, and answers with this status. Its links of that time stay dead.
    ForgetsLinks(u16),
    /// Its `$events` fails.
    FailsEvents,
}

/// What happens to a request to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answering {
    Unavailable,
    TooMany,
    /// It was not sent.
    NotSent,
    /// It was executed, and the answer was lost.
    Broken,
    Hangs,
    /// It takes so many milliseconds.
    Slow(Ms),
    /// It omits results, and says so.
    Partial,
    /// If it follows a link, the answer has this status.
    DeadLink(u16),
}

/// What happens to a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// It is never sent.
    Lost,
    /// It is sent again after so many milliseconds, whatever the first answer was.
    Twice(Ms),
    /// It is sent so much later.
    Later(Ms),
    /// Its answer is lost.
    Unheard,
}

/// What happens to a call of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storing {
    /// It fails without effect.
    Refused,
    /// It has its effect, and fails.
    Unanswered,
    /// It never ends, and has no effect.
    Hangs,
    /// It has its effect, and never ends.
    Silent,
    /// It fails now, and has its effect so many milliseconds later.
    Late(Ms),
    /// It takes so many milliseconds.
    Slow(Ms),
    /// From now on, all calls fail for so many milliseconds.
    Down(Ms),
}

/// What a handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Fails,
    FailsAfter,
    FailsForGood,
    Hangs,
    Panics,
    PanicsAfter,
    /// It hangs, and panics when it is dropped.
    PanicsInDrop,
    /// Its process dies.
    Dies,
    DiesAfter,
    /// It takes so many milliseconds.
    Slow(Ms),
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed);
        let mut setup = setup(&mut dice);
        let is_rare = dice.u8(0..12) == 0;
        let (steps, first) = match setup.dialect {
            Dialect::Generic if is_rare && dice.bool() => overtaken(&mut dice, &setup),
            Dialect::Generic if is_rare && dice.bool() => lacking(&mut dice),
            dialect if is_rare && dialect.has_topics() => {
                setup.tries = 2;
                crowded(&mut dice)
            }
            _ if is_rare && setup.endpoint == Endpoint::Event => unversioned(&mut dice, &setup),
            _ if is_rare && dice.bool() => answered_in_part(&mut dice, &setup),
            _ if is_rare => shifting(&mut dice, &mut setup),
            _ if dice.u8(0..64) == 0 => numerous(&mut dice, &mut setup),
            _ => (steps(&mut dice, &setup), Vec::new()),
        };
        let end = steps.last().map_or(0, |step| step.at);
        let faults = faults(&mut dice, &setup, end, first);
        Self { seed, setup, steps, faults }
    }
}

fn setup(dice: &mut Rng) -> Setup {
    let mut place = dice.u32(0..SETUPS.iter().map(|(_, _, weight)| weight).sum());
    let chosen = SETUPS.into_iter().find(|(_, _, weight)| {
        let is_it = place < *weight;
        place = place.saturating_sub(*weight);
        is_it
    });
    let (dialect, endpoint, _) = chosen.expect("the place is below the sum");
    Setup {
        dialect,
        endpoint,
        instances: if dice.u8(0..3) == 0 { 1 } else { 2 },
        tries: one_of(dice, &[2, 3, 30]),
        page: one_of(dice, &[1, 2, 3, 100]),
        events: one_of(dice, &[1, 2, MANY, MANY, MANY, MANY]),
        has_twin: dice.u8(0..20) == 0,
    }
}

fn one_of<T: Copy>(dice: &mut Rng, all: &[T]) -> T {
    all[dice.usize(0..all.len())]
}

/// Longer than the overlap of sweeps.
const AN_OVERLAP: Ms = 300_000;

/// Most pauses are short, so that events meet. Some are longer than a lease or an overlap.
fn pause(dice: &mut Rng) -> Ms {
    match dice.u8(0..10) {
        0..2 => 0,
        2..5 => dice.u64(1..500),
        5..8 => dice.u64(500..10_000),
        8 => dice.u64(10_000..70_000),
        _ => dice.u64(70_000..900_000),
    }
}

fn steps(dice: &mut Rng, setup: &Setup) -> Vec<Step> {
    let (mut at, mut steps) = (1_000, Vec::new());
    let ids = dice.usize(1..5);
    for _ in 0..dice.usize(2..9) {
        at += pause(dice);
        let what = match dice.u8(0..10) {
            0..7 => What::Write(writes(dice, ids, setup)),
            7..9 => What::Sweep { is_slip: dice.u8(0..8) == 0 },
            _ => What::Retry,
        };
        steps.push(Step { at, what });
    }
    steps
}

fn writes(dice: &mut Rng, ids: usize, setup: &Setup) -> Vec<(usize, Write)> {
    let count = if dice.u8(0..4) == 0 { dice.usize(1..=ids) } else { 1 };
    let mut chosen: Vec<usize> = (0..ids).collect();
    dice.shuffle(&mut chosen);
    let deletes = if setup.endpoint.wants_deletions() { 4 } else { 1 };
    let write = |id| match dice.u8(0..10) {
        at if at < deletes => (id, Write::Delete),
        5 => (id, Write::Other),
        _ => (id, Write::Matching),
    };
    chosen.into_iter().take(count).map(write).collect()
}

/// A counter that restarts between two sweeps and passes the last number. Notifications of the first numbers are lost.
fn overtaken(dice: &mut Rng, setup: &Setup) -> (Vec<Step>, Vec<Fault>) {
    let write = |at, id| Step { at, what: What::Write(vec![(id, Write::Matching)]) };
    let sweep = |at| Step { at, what: What::Sweep { is_slip: false } };
    let (before, ids) = (dice.u64(1..4), dice.usize(1..5));
    let mut at = 1_000;
    let mut steps = Vec::new();
    for _ in 0..before {
        steps.push(write(at, dice.usize(0..ids)));
        at += 1_000 + pause(dice).min(10_000);
    }
    steps.push(sweep(at));
    if dice.bool() {
        // From then on, no search makes sure of the events before.
        at += AN_OVERLAP;
        steps.push(sweep(at));
    }
    let restart = at + 10_000;
    at += 20_000;
    for _ in 0..before + dice.u64(0..3) {
        steps.push(write(at, dice.usize(0..ids)));
        at += pause(dice).min(10_000);
    }
    // An overlap later, a search does not look back as far.
    at += if dice.bool() { AN_OVERLAP } else { 1_000 };
    steps.push(sweep(at));
    let mut faults = vec![Fault::Restart(restart)];
    let lost = if setup.instances == 1 { before } else { dice.u64(1..before + 1) };
    faults.extend(
        (before..before + lost)
            .filter_map(|number| Some(Fault::Notification(u32::try_from(number).ok()?, Sending::Lost))),
    );
    (steps, faults)
}

/// Events that are reported to nobody, and that the server no longer has when a sweep asks for them. Its index shows their resources
/// only later.
fn lacking(dice: &mut Rng) -> (Vec<Step>, Vec<Fault>) {
    let write = |at, id| Step { at, what: What::Write(vec![(id, Write::Matching)]) };
    let sweep = |at| Step { at, what: What::Sweep { is_slip: false } };
    let mut steps = vec![write(1_000, 0), sweep(2_000), sweep(2_000 + AN_OVERLAP)];
    let (mut at, count) = (AN_OVERLAP + 10_000, dice.usize(3..7));
    for id in 1..=count {
        steps.push(write(at, id));
        at += dice.u64(1..2_000);
    }
    at += dice.u64(1..5_000);
    steps.push(sweep(at));
    let mut faults = vec![Fault::Trait(Trait::FewEvents), Fault::Lag(dice.u64(20_000..100_000))];
    faults.extend((1..=6).map(|number| Fault::Notification(number, Sending::Lost)));
    (steps, faults)
}

/// A change that is reported to nobody. Longer than an overlap later, a sweep gets a part of the results only.
fn answered_in_part(dice: &mut Rng, setup: &Setup) -> (Vec<Step>, Vec<Fault>) {
    let (mut at, mut steps) = (1_000, Vec::new());
    for _ in 0..dice.usize(1..3) {
        steps.push(Step { at, what: What::Write(writes(dice, 3, setup)) });
        at += dice.u64(0..1_000);
    }
    steps.push(Step { at: at + AN_OVERLAP, what: What::Sweep { is_slip: false } });
    let lost = (0..8).map(|number| Fault::Notification(number, Sending::Lost));
    let in_part = (0..8).map(|number| Fault::Request(number, Answering::Partial));
    (steps, lost.chain(in_part).collect())
}

/// Notifications do not say the version, and the program may not ask for it. A sweep finds the versions.
fn unversioned(dice: &mut Rng, setup: &Setup) -> (Vec<Step>, Vec<Fault>) {
    let mut steps = steps(dice, setup);
    let at = steps.last().map_or(0, |step| step.at) + pause(dice);
    steps.push(Step { at, what: What::Sweep { is_slip: false } });
    (steps, [Trait::Strips, Trait::RefusesReads].map(Fault::Trait).into())
}

/// A few resources on pages of one. While a sweep reads them, some change and leave their pages, so that others move to pages that
/// were read before.
fn shifting(dice: &mut Rng, setup: &mut Setup) -> (Vec<Step>, Vec<Fault>) {
    setup.page = 1;
    let count = dice.usize(3..7);
    let first = |id| Step { at: 1_000 + id as Ms * 10, what: What::Write(vec![(id, Write::Matching)]) };
    let mut steps: Vec<_> = (0..count).map(first).collect();
    let mut at = 1_000 + AN_OVERLAP;
    steps.push(Step { at, what: What::Sweep { is_slip: false } });
    for _ in 0..dice.usize(1..4) {
        at += dice.u64(500..8_000);
        let id = dice.usize(0..count);
        steps.push(Step { at, what: What::Write(vec![(id, Write::Matching)]) });
    }
    let mut faults: Vec<_> = [Trait::Shifting, Trait::TakesASecond].map(Fault::Trait).into();
    faults.extend((0..8).map(|number| Fault::Notification(number, Sending::Lost)));
    (steps, faults)
}

/// Many resources, so that a search and a history have many pages. Most notifications are lost, and resources change
/// while sweeps read.
fn numerous(dice: &mut Rng, setup: &mut Setup) -> (Vec<Step>, Vec<Fault>) {
    setup.page = one_of(dice, &[2, 3, 5, 10]);
    let count = dice.usize(21..45);
    let mut ids: Vec<usize> = (0..count).collect();
    dice.shuffle(&mut ids);
    let mut at = 1_000;
    let mut steps = Vec::new();
    for ids in ids.chunks(one_of(dice, &[1, 7, count])) {
        let writes = ids.iter().map(|id| (*id, Write::Matching)).collect();
        steps.push(Step { at, what: What::Write(writes) });
        at += dice.u64(0..1_000);
    }
    let first = dice.u32(0..4);
    let mut faults: Vec<_> = (first..60).map(|number| Fault::Notification(number, Sending::Lost)).collect();
    let (mut changes, mut between) = (4, 200);
    match dice.u8(0..4) {
        // While pages are read, resources move to pages that were read before.
        0 => {
            faults.extend([Trait::Shifting, Trait::TakesASecond].map(Fault::Trait));
            (changes, between) = (30, 1_500);
        }
        // A page looks sorted, and the link to the next one is dead.
        1 => {
            faults.push(Fault::Trait(Trait::IgnoresSort));
            let dead = (0..3).map(|_| Fault::Request(dice.u32(0..20), Answering::DeadLink(status(dice))));
            faults.extend(dead.collect::<Vec<_>>());
        }
        _ => {}
    }
    for _ in 0..dice.usize(1..4) {
        at += pause(dice);
        steps.push(Step { at, what: What::Sweep { is_slip: false } });
        for _ in 0..dice.usize(0..changes) {
            at += dice.u64(0..between);
            steps.push(Step { at, what: What::Write(writes(dice, count, setup)) });
        }
    }
    (steps, faults)
}

/// A notification of many events. Two of them hang, and leave little time to others, which take some.
fn crowded(dice: &mut Rng) -> (Vec<Step>, Vec<Fault>) {
    let mut ids: Vec<usize> = (0..4).collect();
    dice.shuffle(&mut ids);
    let faults = vec![
        Fault::Poison(ids[0], Doing::Hangs),
        Fault::Poison(ids[1], Doing::Hangs),
        Fault::Poison(ids[2], Doing::Slow(dice.u64(2_000..6_000))),
    ];
    dice.shuffle(&mut ids);
    let writes = ids.into_iter().map(|id| (id, Write::Matching)).collect();
    (vec![Step { at: 1_000, what: What::Write(writes) }], faults)
}

fn faults(dice: &mut Rng, setup: &Setup, end: Ms, first: Vec<Fault>) -> Vec<Fault> {
    let count = dice.usize(0..if first.is_empty() { 7 } else { 3 });
    let mut faults = first;
    faults.extend((0..count).map(|_| fault(dice, setup, end)));
    let is_of_server = |fault: &Fault| matches!(fault, Fault::Clock { is_of_gateway: false, .. });
    if faults.iter().any(is_of_server) {
        // An event's number is compared with a version by their times.
        faults.retain(|fault| *fault != Fault::Trait(Trait::RefusesReads));
    }
    // Medplum always has versions. A handler that takes no resource needs a version, to say which change it got.
    if setup.dialect == Dialect::Medplum || !setup.endpoint.takes_resource() {
        faults.retain(|fault| *fault != Fault::Trait(Trait::NoVersions));
    }
    // If the server does not say its time, nothing says that its clock was put back.
    if faults.contains(&Fault::Trait(Trait::NoDate)) {
        faults.retain(|fault| !matches!(fault, Fault::Clock { until: None, .. }));
    }
    faults
}

fn fault(dice: &mut Rng, setup: &Setup, end: Ms) -> Fault {
    match dice.u8(0..32) {
        0..5 => Fault::Crash { instance: dice.usize(0..setup.instances), poll: polls(dice) },
        5..10 => Fault::Run(dice.u32(0..8), doing(dice)),
        10..12 => Fault::Poison(dice.usize(0..3), doing(dice)),
        12..17 => Fault::Store(dice.u32(0..60), storing(dice)),
        17..21 => Fault::Notification(dice.u32(0..8), sending(dice)),
        21..24 => Fault::Request(dice.u32(0..40), answering(dice)),
        24..28 => Fault::Trait(one_of(dice, &TRAITS)),
        28 => Fault::Quirk(quirk(dice, setup)),
        29 => match dice.u8(0..3) {
            // An overlap is two minutes.
            0 => Fault::Late(dice.u32(0..8), dice.u64(1..100_000)),
            1 => Fault::HistoryLag(dice.u64(1..100_000)),
            _ => Fault::Lag(dice.u64(1..100_000)),
        },
        30 if setup.dialect.has_topics() => Fault::Restart(dice.u64(0..end + 60_000)),
        _ => clock(dice, setup, end),
    }
}

/// Early polls are more likely, because most happens in them.
fn polls(dice: &mut Rng) -> u32 {
    if dice.bool() { dice.u32(1..60) } else { dice.u32(1..400) }
}

fn clock(dice: &mut Rng, setup: &Setup, end: Ms) -> Fault {
    let from = dice.u64(0..end + 1);
    // If the server's own clock makes the newer of two versions the older one, `order = "latest"` leaves it out.
    let is_of_gateway = dice.bool() || setup.endpoint.is_ordered();
    let seconds = dice.i64(10..7_200);
    if is_of_gateway || dice.bool() {
        Fault::Clock { from, until: Some(from + dice.u64(1..900_000)), seconds, is_of_gateway }
    } else {
        // Before the first sweep, nobody knows the clock's earlier time.
        Fault::Clock { from: from.max(1_000), until: None, seconds: -seconds, is_of_gateway: false }
    }
}

const TRAITS: [Trait; 16] = [
    Trait::IgnoresSort,
    Trait::RefusesSort,
    Trait::NoDate,
    Trait::Shifting,
    Trait::SlowPages,
    Trait::TakesASecond,
    Trait::Strips,
    Trait::RefusesReads,
    Trait::NoTypeHistory,
    Trait::NoHistory,
    Trait::NoEvents,
    Trait::FewEvents,
    Trait::Total,
    Trait::NoHistoryLinks,
    Trait::NoTimes,
    Trait::NoVersions,
];

fn quirk(dice: &mut Rng, setup: &Setup) -> Quirk {
    match dice.u8(0..3) {
        0 if setup.dialect == Dialect::Generic => Quirk::FailsEvents,
        0..2 => Quirk::ForgetsLinks(status(dice)),
        _ => Quirk::IgnoresFilter,
    }
}

/// The status of a dead link.
fn status(dice: &mut Rng) -> u16 {
    one_of(dice, &[410, 404, 400, 403, 500])
}

fn answering(dice: &mut Rng) -> Answering {
    match dice.u8(0..9) {
        0 => Answering::Unavailable,
        1 => Answering::TooMany,
        2 => Answering::NotSent,
        3 => Answering::Broken,
        4 => Answering::Hangs,
        5 => Answering::Slow(dice.u64(1..20_000)),
        6 => Answering::DeadLink(status(dice)),
        _ => Answering::Partial,
    }
}

fn sending(dice: &mut Rng) -> Sending {
    match dice.u8(0..6) {
        0..3 => Sending::Lost,
        3 => Sending::Twice(pause(dice)),
        4 => Sending::Later(pause(dice)),
        _ => Sending::Unheard,
    }
}

fn storing(dice: &mut Rng) -> Storing {
    match dice.u8(0..8) {
        0..2 => Storing::Refused,
        2..4 => Storing::Unanswered,
        4 => Storing::Hangs,
        5 => Storing::Silent,
        6 => Storing::Late(dice.u64(1..20_000)),
        _ if dice.bool() => Storing::Slow(dice.u64(1..20_000)),
        _ => Storing::Down(dice.u64(1..40_000)),
    }
}

fn doing(dice: &mut Rng) -> Doing {
    match dice.u8(0..12) {
        0..2 => Doing::Fails,
        2 => Doing::FailsAfter,
        3 => Doing::FailsForGood,
        4 => Doing::Hangs,
        5 => Doing::Panics,
        6 => Doing::PanicsAfter,
        7 => Doing::PanicsInDrop,
        8 => Doing::Dies,
        9 => Doing::DiesAfter,
        _ => Doing::Slow(dice.u64(1..24_000)),
    }
}

//! The life of an instance, which may end at every await point.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use fhir_sub::__simulation::Instance;

use crate::handlers::Seat;
use crate::moment;
use crate::plan::{Fault, Ms};
use crate::server::answer::Front;
use crate::shelf::Shelf;
use crate::world::{World, lock, sleep};

/// The time until another instance is running.
const TO_START: Ms = 1_500;

/// The secret for sweeps and registration.
pub(crate) const ADMIN: &str = "the-secret-of-an-administrator-of-it";

/// The instance has died.
#[derive(Debug)]
pub(crate) struct Gone;

/// A running instance.
pub(crate) struct Running {
    pub(crate) instance: Instance,
    pub(crate) life: Arc<Life>,
}

/// Whether an instance is alive, and until when.
pub(crate) struct Life {
    seat: usize,
    is_over: AtomicBool,
    polls: AtomicU32,
    ends_at: Option<u32>,
    wakers: Mutex<Vec<Waker>>,
}

/// Starts an instance at this seat. It knows only what the store has.
pub(crate) fn start(world: &Arc<World>, seat: usize, ends_at: Option<u32>) {
    let life = Arc::new(Life {
        seat,
        is_over: AtomicBool::new(false),
        polls: AtomicU32::new(0),
        ends_at,
        wakers: Mutex::default(),
    });
    let (setup, base) = (world.plan.setup, lock(&world.server).base);
    let (front, clock) = (Arc::new(Front(Arc::clone(world))), Arc::clone(world));
    let started = Instance::new(
        &[setup.endpoint.name()],
        front,
        move || clock.clock(),
        |app| {
            let version = if setup.dialect.has_topics() { "R5" } else { "R4" };
            app.set("APP_BASE_URL", "https://app.example.org")
                .set("FHIR_BASE_URL", base)
                .set("FHIR_VERSION", version)
                .set("FHIR_SERVER", setup.dialect.name())
                .set("FHIR_SUBSCRIPTION_SECRET", "the-secret-of-a-simulation-and-no-other")
                .set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN)
                .set("FHIR_SUBSCRIPTION_TRIES", setup.tries.to_string())
                .set("FHIR_SUBSCRIPTION_EVENTS_MAXIMUM", setup.events.to_string())
                .store(Shelf(Arc::clone(world)))
                .state(Seat { world: Arc::clone(world), life: Arc::clone(&life) })
        },
    );
    let instance = started.unwrap_or_else(|problems| panic!("an instance does not start: {problems}"));
    let mut seats = lock(&world.seats);
    if seats.len() <= seat {
        seats.resize_with(seat + 1, || None);
    }
    seats[seat] = Some(Arc::new(Running { instance, life }));
}

/// The poll at which the first instance of a seat dies.
pub(crate) fn first_end(world: &World, seat: usize) -> Option<u32> {
    world.fault(|fault| match *fault {
        Fault::Crash { instance, poll } if instance == seat => Some(poll),
        _ => None,
    })
}

impl Life {
    /// Runs `work` while the instance is alive.
    pub(crate) fn mortal<F: Future>(
        self: &Arc<Self>,
        world: &Arc<World>,
        work: F,
    ) -> impl Future<Output = Result<F::Output, Gone>> + use<F> {
        Mortal { life: Arc::clone(self), world: Arc::clone(world), work: Some(Box::pin(work)), place: None }
    }

    /// Ends the instance and all its work.
    pub(crate) fn end(&self, world: &Arc<World>) {
        if self.is_over.swap(true, Ordering::Relaxed) {
            return;
        }
        world.counts.crashes.fetch_add(1, Ordering::Relaxed);
        world.log(|| {
            format!("instance {} dies at its poll {}", self.seat, self.polls.load(Ordering::Relaxed))
        });
        let gone = lock(&world.seats)[self.seat].take();
        lock(&self.wakers).drain(..).for_each(Waker::wake);
        let (world, seat) = (Arc::clone(world), self.seat);
        tokio::spawn(async move {
            drop(gone);
            sleep(TO_START).await;
            world.log(|| format!("instance {seat} is there again"));
            start(&world, seat, None);
        });
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

struct Mortal<F: Future> {
    life: Arc<Life>,
    world: Arc<World>,
    work: Option<Pin<Box<F>>>,
    /// The place of its waker among those of the instance.
    place: Option<usize>,
}

impl<F: Future> Mortal<F> {
    /// A process that dies runs no destructors. Here they run, and may panic.
    fn lay_down(&mut self) {
        let work = self.work.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(work))));
    }
}

impl<F: Future> Future for Mortal<F> {
    type Output = Result<F::Output, Gone>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = self.life.polls.fetch_add(1, Ordering::Relaxed) + 1;
        if self.life.ends_at == Some(poll) && !self.world.is_quiet() {
            self.life.end(&self.world);
        }
        if self.life.is_over() {
            self.lay_down();
            return Poll::Ready(Err(Gone));
        }
        {
            let mut wakers = lock(&self.life.wakers);
            match self.place {
                Some(place) => wakers[place].clone_from(context.waker()),
                None => wakers.push(context.waker().clone()),
            }
            let last = wakers.len() - 1;
            drop(wakers);
            self.place.get_or_insert(last);
        }
        let Some(work) = &mut self.work else { return Poll::Ready(Err(Gone)) };
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        if self.life.is_over() {
            self.lay_down();
            return Poll::Ready(Err(Gone));
        }
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(_) => {
                self.world.fail(|| "a panic came out of a request".to_owned());
                self.lay_down();
                Poll::Ready(Err(Gone))
            }
        }
    }
}

impl<F: Future> Drop for Mortal<F> {
    fn drop(&mut self) {
        self.lay_down();
    }
}

/// The clock of a server, for the header `Date`.
pub(crate) fn date(world: &World) -> String {
    httpdate::fmt_http_date(moment::shifted(world.now(), world.ahead(true)))
}

//! [`Registry`]: the declarations of a program, sorted and checked.

use crate::declaration::{Content, Declaration, FHIR_SUB_DECLARATIONS, Trigger};
use crate::event::Event;
use crate::extract::{Requirements, ResourceUse};
use crate::fhir::FhirVersion;
use crate::problems::Problems;
use crate::provided::States;

/// The routes that no subscription may take.
pub(crate) const RESERVED_ENDPOINTS: [&str; 5] = ["register", "sweep", "status", "health", "dead-letters"];

/// The declarations of a program, sorted by endpoint, no two with the same one.
#[derive(Debug)]
pub(crate) struct Registry {
    declarations: Vec<&'static Declaration>,
    /// What the handler of each of them makes its arguments from.
    uses: Vec<Uses>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    resource: ResourceUse,
    event: bool,
}

impl Registry {
    /// Every declaration that is linked into the program.
    pub(crate) fn linked() -> Vec<&'static Declaration> {
        FHIR_SUB_DECLARATIONS.iter().collect()
    }

    /// Sorts and checks `declarations`.
    pub(crate) fn new(mut declarations: Vec<&'static Declaration>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if declarations.is_empty() {
            problems.add(
                "no handler is linked into this program: annotate an async function with \
                 #[fhir_subscription(…)]; and where the handlers are in a library crate, name it, since a crate \
                 that nothing names is not linked: fhir_lambda_main!(crates = [my_handlers])",
            );
        }
        // The slice has the linker's order: sorted, every listing comes out the same.
        sort(&mut declarations);
        for pair in declarations.windows(2) {
            if let [first, second] = pair
                && first.endpoint == second.endpoint
            {
                problems.add(format!(
                    "two handlers have the endpoint {:?}: `{}` ({}) and `{}` ({}): give one of them another endpoint",
                    first.endpoint, first.handler, first.source, second.handler, second.source
                ));
            }
        }
        for declaration in &declarations {
            if !is_endpoint(declaration.endpoint) {
                problems.add(format!(
                    "the endpoint {:?} of `{}` ({}) cannot be routed: it is one path segment of letters, digits, \
                     `-`, `.`, `_` and `~`, and none of {}",
                    declaration.endpoint,
                    declaration.handler,
                    declaration.source,
                    RESERVED_ENDPOINTS.join(", ")
                ));
            }
        }
        let mut requirements = Requirements::default();
        let uses = declarations.iter().map(|declaration| {
            requirements.read(declaration.require);
            Uses { resource: requirements.resource, event: requirements.event }
        });
        let uses = uses.collect();
        problems.or(Self { declarations, uses })
    }

    /// Says what the declarations need and is not there: states, a version of FHIR, where that is known.
    pub(crate) fn check(&self, version: Option<FhirVersion>, states: &States) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let mut requirements = Requirements::default();
        for declaration in &self.declarations {
            let Declaration { handler, source, versions, .. } = declaration;
            requirements.read(declaration.require);
            for state in &requirements.states {
                if !states.contains(state.id) {
                    problems.add(format!(
                        "`{handler}` ({source}) takes State<{}>, which is not provided: give it to the app in the \
                         function that fhir_lambda_main!(setup = …) names, with app.state(…)",
                        state.name
                    ));
                }
            }
            if requirements.resource == ResourceUse::Required
                && declaration.content == Content::Empty
                && declaration.trigger.search(&requirements.resource_types).is_none()
            {
                problems.add(format!(
                    "`{handler}` ({source}) takes a resource, and its notifications have content = \"empty\": it is not known \
                     which type of resource to search for, where the server has no $events; take a type that says so, by \
                     #[derive(FhirResource)], write filters of one type, or take content = \"id-only\""
                ));
            }
            if let Some(version) = version.filter(|version| !versions.contains(*version)) {
                problems.add(match declaration.trigger {
                    Trigger::Criteria(_) => format!(
                        "`{handler}` ({source}) has a criteria that is right in FHIR {versions} only, and FHIR_VERSION is \
                         {version}: set it to the version of the server, or change the criteria"
                    ),
                    Trigger::Topic(_) => format!(
                        "`{handler}` ({source}) is right in FHIR {versions} only, and FHIR_VERSION is {version}: set it to \
                         the version of the server, or change its `fhir` and its filters"
                    ),
                });
            }
        }
        problems.or(())
    }

    /// Every declaration, sorted by endpoint.
    pub(crate) fn declarations(&self) -> &[&'static Declaration] {
        &self.declarations
    }

    /// The declaration whose endpoint is `segment`.
    pub(crate) fn find(&self, segment: &str) -> Option<&'static Declaration> {
        self.declarations.get(self.place(segment)?).copied()
    }

    /// The search that finds what the handler of `endpoint` is for.
    pub(crate) fn search(&self, endpoint: &str) -> Option<String> {
        let declaration = self.find(endpoint)?;
        declaration.trigger.search(&Requirements::of(declaration.require).resource_types)
    }

    /// How what no notification told of is found, for the handler of `declaration`.
    pub(crate) fn sweepable(&self, declaration: &Declaration) -> Sweepable {
        let is_searchable = self.search(declaration.endpoint).is_some();
        let names_nothing = declaration.content == Content::Empty
            && self.resource_use(declaration.endpoint) != ResourceUse::Required;
        match declaration.trigger {
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

    /// Whether the handler of `declaration` is for what has happened. A topic may fire for several types of resource, of
    /// which a filter narrows its own only, and the handler be for one.
    pub(crate) fn is_wanted(&self, declaration: &Declaration, event: &Event) -> bool {
        let is_taken = || {
            let Some(focus) = event.focus() else { return true };
            let types = Requirements::of(declaration.require).resource_types;
            types.is_empty()
                || types.iter().any(|said| focus.strip_prefix(said).is_some_and(|rest| rest.starts_with('/')))
        };
        declaration.interactions.contains(event.interaction()) && is_taken()
    }

    /// Whether an argument of the handler of `endpoint` is made from the resource.
    pub(crate) fn resource_use(&self, endpoint: &str) -> ResourceUse {
        self.uses(endpoint).resource
    }

    /// Whether an argument of the handler of `endpoint` may look at the event.
    pub(crate) fn uses_event(&self, endpoint: &str) -> bool {
        self.uses(endpoint).event
    }

    fn uses(&self, endpoint: &str) -> Uses {
        self.place(endpoint).and_then(|place| self.uses.get(place).copied()).unwrap_or_default()
    }

    /// Ten thousand are halved fourteen times, a tenth of a microsecond; a table of them would take longer to make at a cold
    /// start than to sort them.
    fn place(&self, endpoint: &str) -> Option<usize> {
        self.declarations.binary_search_by_key(&endpoint, |declaration| declaration.endpoint).ok()
    }
}

/// How what no notification told of is found; and why not otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweepable {
    /// By a search, and of a topic by the numbers of its events.
    Yes,
    /// By the numbers of a topic's events only.
    ByNumber(&'static str),
    No(&'static str),
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

/// Sorts by endpoint, and those of one endpoint by where they stand.
fn sort(declarations: &mut [&'static Declaration]) {
    let mut begun: Vec<_> =
        declarations.iter().map(|declaration| (beginning(declaration.endpoint), *declaration)).collect();
    let whole = |declaration: &'static Declaration| {
        (declaration.endpoint, declaration.source.file, declaration.source.line)
    };
    begun.sort_unstable_by(|(left, left_one), (right, right_one)| {
        left.cmp(right).then_with(|| whole(left_one).cmp(&whole(right_one)))
    });
    for (place, (_, declaration)) in declarations.iter_mut().zip(begun) {
        *place = declaration;
    }
}

/// The first bytes of a text as a number, of which the order is that of the texts where they differ in it: so most of ten
/// thousand endpoints are told apart without a look at them.
fn beginning(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(bytes.len());
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(bytes)
}

/// Whether `text` is one path segment that needs no escaping and is no route of ours.
fn is_endpoint(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !text.is_empty()
        && ![".", ".."].contains(&text)
        && text.bytes().all(is_unreserved)
        && !RESERVED_ENDPOINTS.contains(&text)
}

#[cfg(test)]
mod tests;

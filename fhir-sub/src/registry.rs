//! [`Registry`]: the checked declarations of a program, by endpoint.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use crate::declaration::{Content, Declaration, FHIR_SUB_DECLARATIONS, Trigger};
use crate::extract::Requirements;
use crate::fhir::FhirVersion;
use crate::problems::Problems;
use crate::provided::States;
use crate::sorted;

/// The declarations of a program. No two have the same endpoint.
#[derive(Debug)]
pub(crate) struct Registry {
    by_endpoint: HashMap<&'static str, &'static Declaration, BuildHasherDefault<EndpointHasher>>,
    /// Sorted by endpoint when that is first needed: notifications do not need it.
    sorted: OnceLock<Vec<&'static Declaration>>,
    /// The declarations that ask for heartbeats, once they are needed.
    #[cfg(feature = "registration")]
    beating: OnceLock<Box<[&'static Declaration]>>,
}

impl Registry {
    /// Every declaration that is linked into the program.
    pub(crate) fn linked() -> Vec<&'static Declaration> {
        FHIR_SUB_DECLARATIONS.iter().collect()
    }

    /// A registry without declarations, for the outer app of tenants, and for a program whose stack is being deleted.
    pub(crate) fn empty() -> Self {
        Self::of(HashMap::default())
    }

    /// Checks `declarations`.
    pub(crate) fn new(mut declarations: Vec<&'static Declaration>) -> Result<Self, Problems> {
        if declarations.is_empty() {
            return Err(Problems::from(
                "no handler is linked into this program: annotate an async function with \
                 #[fhir_subscription(…)]; if the handlers are in a library crate, name it, because a crate \
                 that nothing names is not linked: fhir_lambda_main!(crates = [my_handlers])"
                    .to_owned(),
            ));
        }
        let by_endpoint: HashMap<_, _, _> =
            declarations.iter().map(|declaration| (declaration.endpoint, *declaration)).collect();
        if by_endpoint.len() == declarations.len() {
            return Ok(Self::of(by_endpoint));
        }
        // The slice has the linker's order. Sorting makes every list the same.
        sort(&mut declarations);
        let mut problems = Problems::default();
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
        Err(problems)
    }

    /// Reports what the declarations need but do not have: states, and a version of FHIR if that is known.
    pub(crate) fn check(&self, version: Option<FhirVersion>, states: &States) -> Result<(), Problems> {
        let mut found = Vec::new();
        for declaration in self.by_endpoint.values() {
            let mut problem = |text: String| found.push((declaration.endpoint, text));
            let Declaration { handler, source, versions, .. } = declaration;
            if declaration.uses.requirements {
                for state in Requirements::of(declaration.require).states {
                    if !states.contains(state.id) {
                        problem(format!(
                            "`{handler}` ({source}) takes State<{}>, which is not provided: give it to the app in the \
                             function that fhir_lambda_main!(setup = …) names, with app.state(…)",
                            state.name
                        ));
                    }
                }
            }
            if declaration.content == Content::Empty
                && declaration.needs_resource()
                && declaration.search().is_none()
            {
                problem(format!(
                    "`{handler}` ({source}) takes a resource, and its notifications have content = \
                     \"empty\": if the server has no $events, it is not known which type of resource to \
                     search for; take a type with #[derive(FhirResource)], write filters of one type, or \
                     write content = \"id-only\""
                ));
            }
            if let Some(version) = version.filter(|version| !versions.contains(*version)) {
                problem(match declaration.trigger {
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
        sorted::by_key(&mut found, |(endpoint, _)| *endpoint);
        let mut problems = Problems::default();
        found.into_iter().for_each(|(_, text)| problems.add(text));
        problems.or(())
    }

    fn of(
        by_endpoint: HashMap<&'static str, &'static Declaration, BuildHasherDefault<EndpointHasher>>,
    ) -> Self {
        Self {
            by_endpoint,
            sorted: OnceLock::new(),
            #[cfg(feature = "registration")]
            beating: OnceLock::new(),
        }
    }

    /// Every declaration, sorted by endpoint.
    pub(crate) fn declarations(&self) -> &[&'static Declaration] {
        self.sorted.get_or_init(|| {
            let mut declarations: Vec<_> = self.by_endpoint.values().copied().collect();
            sort(&mut declarations);
            declarations
        })
    }

    /// The declarations that ask for heartbeats, or whose `registration` function may ask for them.
    #[cfg(feature = "registration")]
    pub(crate) fn with_heartbeats(&self) -> &[&'static Declaration] {
        self.beating.get_or_init(|| {
            let asks = |it: &&Declaration| match &it.trigger {
                Trigger::Topic(topic) => topic.heartbeat.is_some() || it.registration.is_some(),
                Trigger::Criteria(_) => false,
            };
            self.by_endpoint.values().copied().filter(asks).collect()
        })
    }

    /// The declaration with the endpoint `segment`.
    pub(crate) fn find(&self, segment: &str) -> Option<&'static Declaration> {
        self.by_endpoint.get(segment).copied()
    }
}

/// FNV-1a, which hashes an endpoint in a third of the instructions of the standard library's hash. No secret
/// key is needed: endpoints are constants of the program, so a caller cannot fill the table with colliding
/// names.
struct EndpointHasher(u64);

impl Default for EndpointHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for EndpointHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Sorts by endpoint, and within an endpoint by place.
pub(crate) fn sort(declarations: &mut Vec<&'static Declaration>) {
    sorted::by_key(declarations, |it| (it.endpoint, it.source.file, it.source.line));
}

#[cfg(test)]
mod tests;

//! [`Watched`]: the resources that the handlers watch, in the form of the sandbox.

use fhir_sub_sandbox::topic::Watched;

use crate::declaration::Trigger;
use crate::registry::Registry;

impl Registry {
    /// The resources that the handlers watch.
    pub(crate) fn watched(&self) -> Vec<Watched> {
        self.declarations().iter().map(|declaration| declaration.trigger.watched()).collect()
    }
}

impl Trigger {
    /// The resources that the handler watches. The sandbox makes the topic if nobody has created it.
    pub(crate) fn watched(&self) -> Watched {
        match self {
            Self::Criteria(_) => Watched::Type(self.resource_type()),
            Self::Topic(topic) => Watched::Topic { url: topic.url, filters: topic.filters },
        }
    }
}

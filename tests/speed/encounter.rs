//! The parts of an Encounter that the measured handlers read: the same for each program.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Encounter {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) subject: Option<Reference>,
    #[serde(default)]
    pub(crate) participant: Vec<Participant>,
    /// The program by hand identifies events by it.
    #[cfg(feature = "store")]
    pub(crate) meta: Meta,
}

#[cfg(feature = "store")]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meta {
    pub(crate) version_id: String,
}

#[derive(Deserialize)]
pub(crate) struct Participant {
    pub(crate) individual: Option<Reference>,
}

#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) reference: Option<String>,
}

impl Encounter {
    /// A sum over all of it, so that the compiler removes nothing.
    pub(crate) fn weight(&self) -> usize {
        let references = self.participant.iter().filter_map(|participant| participant.individual.as_ref());
        let references = references.chain(&self.subject).filter_map(|reference| reference.reference.as_ref());
        #[cfg(feature = "store")]
        std::hint::black_box(self.meta.version_id.len());
        self.id.len() + self.status.len() + references.map(String::len).sum::<usize>()
    }
}

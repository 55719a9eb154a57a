//! [`Report`]: the output of `sweep`.

use fhir_sub_real::Finished;

/// The output of `sweep`.
pub(crate) struct Report(Finished);

/// The endpoints of the program.
const ENDPOINTS: [&str; 3] = ["appointments", "observations", "tasks"];

impl Report {
    pub(crate) fn new(finished: Finished) -> Self {
        Self(finished)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether every subscription was swept completely, and nothing failed.
    pub(crate) fn is_complete(&self) -> bool {
        let is_swept = |endpoint| self.cell(endpoint, 2) == "swept";
        self.0.code == Some(0)
            && ENDPOINTS.into_iter().all(is_swept)
            && !self.text().contains("not everything is swept")
    }

    /// The counts: seen, handled before, handled, failed, given up.
    pub(crate) fn counts(&self, endpoint: &str) -> [u32; 5] {
        [3, 4, 5, 6, 7].map(|column| self.cell(endpoint, column).parse().expect("a count"))
    }

    /// The counts of all endpoints together.
    pub(crate) fn sum(&self) -> [u32; 5] {
        ENDPOINTS.map(|endpoint| self.counts(endpoint)).into_iter().fold([0; 5], |mut sum, counts| {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            sum
        })
    }

    fn cell(&self, endpoint: &str, column: usize) -> &str {
        self.0.row(endpoint)[column]
    }
}

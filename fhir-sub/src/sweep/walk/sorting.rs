//! Whether a server sorts. If it ignores `_sort`, thousands of resources may still come in the order of their
//! changes, because ids follow the time of creation.

use super::{COUNT, LIMITS, Walk};
use crate::delivery::changed::Changed;
use crate::sweep::Sweep;

impl Walk<'_> {
    /// Whether the server shows the newest change first if asked to. If it ignores `_sort`, it shows the
    /// oldest change first, as before.
    pub(super) async fn sorts(&self, sweep: &mut Sweep<'_>) -> bool {
        let (from, reached) = (self.round(sweep).from, self.round(sweep).reached);
        let client = sweep.client.with_deadline(self.stop);
        let backwards = [("_sort", "-_lastUpdated"), ("_count", COUNT)];
        let mut search = self.question.search(&client, from, &backwards).limits(LIMITS);
        let Some(Ok(page)) = sweep.lease.during(search.next_page()).await else { return false };
        let found = page.found.into_iter().filter_map(|json| {
            let changed = Changed::read(json, &sweep.occasion, self.question)?.ok()?;
            Some(changed.updated)
        });
        let times: Vec<_> = found.collect();
        let is_backwards = times.is_sorted_by(|one, next| one.is_some() && one >= next);
        is_backwards && times.first().is_some_and(|newest| *newest >= reached && newest.is_some())
    }
}

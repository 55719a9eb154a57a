//! The name of a parameter: steps from one resource to another, and the parameter at the end.

use super::{Parser, SEARCH, widen};
use crate::search::{Step, Text};

impl Parser<'_> {
    pub(super) fn name(&mut self, name: &Text) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        let mut rest = name.clone();
        loop {
            let (step, after) = if rest.to_string().starts_with("_has:") {
                let Some((step, after)) = has(&rest) else { return self.wrong_has(&rest) };
                (step, Some(after))
            } else {
                let (step, after) = match rest.split_once('.') {
                    Some((step, after)) => (step, Some(after)),
                    None => (rest, None),
                };
                (self.step(&step)?, after)
            };
            steps.push(step);
            match after {
                Some(after) => rest = after,
                None => return Some(steps),
            }
        }
    }

    fn wrong_has(&mut self, name: &Text) -> Option<Vec<Step>> {
        let message = "`_has` names a type, its parameter that refers to this one, and a parameter of that type: \
                       write it as in `_has:Observation:patient:code=1234-5`";
        self.mistake(name.place.clone(), message, &format!("{SEARCH}#has"));
        None
    }

    /// `code` or `code:qualifier`.
    fn step(&mut self, step: &Text) -> Option<Step> {
        let mut parts = step.split(':').into_iter();
        let (code, qualifier) = (parts.next()?, parts.next());
        if let Some(second) = parts.next() {
            let message = format!("a parameter has one modifier: take `:{second}` out");
            self.mistake(second.place.start - 1..second.place.end, message, &format!("{SEARCH}#modifiers"));
            return None;
        }
        if code.is_empty() {
            let message = "a parameter's name is missing here";
            let at = step.place.start;
            let place =
                if self.source[..at].ends_with('.') { at - 1..at } else { widen(&step.place, self.source) };
            self.mistake(place, message, SEARCH);
            return None;
        }
        if code.to_string() == "_has" {
            self.wrong_has(step);
            return None;
        }
        if let Some(empty) = qualifier.as_ref().filter(|qualifier| qualifier.is_empty()) {
            let message = "a modifier is missing after the `:`: write one, or take the `:` out";
            self.mistake(empty.place.start - 1..empty.place.end, message, &format!("{SEARCH}#modifiers"));
            return None;
        }
        Some(Step::Code { code, qualifier })
    }
}

/// The step in `_has:Observation:patient:`, and the text after it.
fn has(name: &Text) -> Option<(Step, Text)> {
    let (_, rest) = name.split_once(':')?;
    let (resource, rest) = rest.split_once(':')?;
    let (reference, after) = rest.split_once(':')?;
    let next = after.to_string();
    let is_whole =
        !resource.is_empty() && !reference.is_empty() && !next.is_empty() && !next.starts_with(':');
    is_whole.then_some((Step::Has { resource, reference }, after))
}

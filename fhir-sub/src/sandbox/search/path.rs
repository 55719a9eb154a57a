//! Where in a resource the values of a parameter stand.

use serde_json::Value;

/// Element names, from the resource inwards; lists are passed through.
#[derive(Debug)]
pub(crate) struct Path(Vec<Step>);

#[derive(Debug)]
struct Step {
    element: String,
    /// `value[x]`: the JSON member carries the name of its type, as `valueString` does.
    choice: bool,
    /// `telecom(system=email)`: only where this member has this value.
    condition: Option<(String, String)>,
}

impl Path {
    /// Reads a path as the table of parameters writes it.
    pub(crate) fn read(text: &str) -> Self {
        Self(text.split('.').map(Step::read).collect())
    }

    /// Whether a value that the resource has at this path passes the test.
    pub(crate) fn any(&self, resource: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        walk(&self.0, resource, test)
    }
}

impl Step {
    fn read(text: &str) -> Self {
        let (element, condition) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((element, condition)) => (element, condition.split_once('=')),
            None => (text, None),
        };
        let condition = condition.map(|(member, value)| (member.to_owned(), value.to_owned()));
        match element.strip_suffix("[x]") {
            Some(element) => Self { element: element.to_owned(), choice: true, condition },
            None => Self { element: element.to_owned(), choice: false, condition },
        }
    }

    fn is_at(&self, member: &str) -> bool {
        match member.strip_prefix(self.element.as_str()) {
            Some("") => true,
            Some(rest) => self.choice && rest.starts_with(|first: char| first.is_ascii_uppercase()),
            None => false,
        }
    }

    fn admits(&self, value: &Value) -> bool {
        self.condition.as_ref().is_none_or(|(member, wanted)| value[member.as_str()] == wanted.as_str())
    }
}

fn walk(steps: &[Step], value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return !value.is_null() && test(value) };
    let Value::Object(members) = value else { return false };
    let mut below = |found: &Value| {
        let items = match found {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        items.iter().any(|item| step.admits(item) && walk(rest, item, test))
    };
    if step.choice {
        members.iter().any(|(member, found)| step.is_at(member) && below(found))
    } else {
        members.get(&step.element).is_some_and(below)
    }
}

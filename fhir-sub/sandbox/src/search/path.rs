//! The elements with the values of a parameter.

use serde_json::Value;

/// Element names, from the resource inwards. A list stands for each of its items.
#[derive(Debug)]
pub(crate) struct Path {
    steps: Vec<Step>,
    /// The possible types of the element by their FHIR names; empty if they do not matter.
    types: Vec<&'static str>,
    /// The only target type of a reference that counts.
    target: Option<&'static str>,
}

#[derive(Debug)]
enum Step {
    Element {
        name: &'static str,
        /// `value[x]`: the JSON member includes the name of the type, such as `valueString`.
        is_choice: bool,
        is_list: bool,
        /// `entry#0`: the first item of a list.
        is_first: bool,
        condition: Option<Condition>,
    },
    /// `deceased!`: true unless the element is missing or false.
    IsThere,
    /// `^`: the resource itself, for a component of a composite.
    Root,
}

#[derive(Debug)]
enum Condition {
    /// `telecom(system=email)`
    Member(&'static str, &'static str),
    /// `item(~is-subject)`: an extension whose URL ends with `is-subject`.
    Extension(&'static str),
}

/// A step of a path, for code that builds the element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'static str,
    pub(crate) is_choice: bool,
    pub(crate) is_list: bool,
    /// The sibling member that must have this value.
    pub(crate) condition: Option<(&'a str, &'a str)>,
    /// The last part of the URL of a required extension.
    pub(crate) extension: Option<&'a str>,
}

impl Path {
    /// Reads a path in the form of the table of parameters, without its mask. `usual` is the default type.
    pub(crate) fn read(text: &'static str, usual: &'static str) -> Self {
        let (text, target) = match text.split_once('>') {
            Some((text, target)) => (text, Some(target)),
            None => (text, None),
        };
        let (steps, types) = match text.split_once(':') {
            Some((steps, types)) => (steps, types.split(',').collect()),
            None => (text, vec![usual]),
        };
        Self { steps: steps.split('.').flat_map(Step::read).collect(), types, target }
    }

    /// The possible types of the element.
    pub(crate) fn types(&self) -> &[&'static str] {
        &self.types
    }

    /// The only target type of a reference that counts, if there is one.
    pub(crate) fn target(&self) -> Option<&'static str> {
        self.target
    }

    /// Its elements, and whether only the presence of the last one counts; `None` for a path that leads back
    /// to the resource.
    pub(crate) fn places(&self) -> Option<(Vec<Place<'_>>, bool)> {
        let mut places = Vec::new();
        let mut is_there = false;
        for step in &self.steps {
            match step {
                Step::Element { name, is_choice, is_list, condition, .. } => {
                    let (condition, extension) = match condition {
                        Some(Condition::Member(member, value)) => (Some((*member, *value)), None),
                        Some(Condition::Extension(extension)) => (None, Some(*extension)),
                        None => (None, None),
                    };
                    let (is_choice, is_list) = (*is_choice, *is_list);
                    places.push(Place { name, is_choice, is_list, condition, extension });
                }
                Step::IsThere => is_there = true,
                Step::Root => return None,
            }
        }
        Some((places, is_there))
    }

    /// Whether a value at this path passes the test. The path begins at `value`, which is `root` or a part of
    /// it.
    pub(crate) fn any(&self, root: &Value, value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        self.walk(&self.steps, root, value, test)
    }

    fn walk(
        &self,
        steps: &[Step],
        root: &Value,
        value: &Value,
        test: &mut dyn FnMut(&Value) -> bool,
    ) -> bool {
        let Some((step, rest)) = steps.split_first() else { return !value.is_null() && test(value) };
        let (name, is_choice, is_first, condition) = match step {
            Step::Element { name, is_choice, is_first, condition, .. } => {
                (*name, *is_choice, *is_first, condition.as_ref())
            }
            Step::Root => return self.walk(rest, root, root, test),
            Step::IsThere => return test(value),
        };
        let Value::Object(members) = value else { return false };
        let is_there = matches!(rest, [Step::IsThere]);
        let mut below = |found: &Value| {
            let items = match found {
                Value::Array(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            let items = if is_first { &items[..items.len().min(1)] } else { items };
            items
                .iter()
                .any(|item| condition.is_none_or(|it| it.holds(item)) && self.walk(rest, root, item, test))
        };
        let found = if is_choice {
            let is_last = rest.iter().all(|step| matches!(step, Step::IsThere));
            members.iter().find(|(member, _)| self.is_choice(name, member, is_last)).map(|(_, found)| found)
        } else {
            members.get(name)
        };
        if is_there {
            return test(&Value::Bool(found.is_some_and(|found| *found != Value::Bool(false))));
        }
        found.is_some_and(&mut below)
    }

    /// Whether the member is the element `name[x]`. The types of the last step are known.
    fn is_choice(&self, name: &str, member: &str, is_last: bool) -> bool {
        let Some(of_type) = member.strip_prefix(name) else { return false };
        match is_last {
            true => self.types.iter().any(|known| is_capitalised(of_type, known)),
            false => of_type.starts_with(|first: char| first.is_ascii_uppercase()),
        }
    }
}

/// Whether `written` is `name` with a capital first letter.
fn is_capitalised(written: &str, name: &str) -> bool {
    written.len() == name.len()
        && written.get(1..) == name.get(1..)
        && written.get(..1).is_some_and(|first| first.eq_ignore_ascii_case(&name[..1]))
        && written.starts_with(|first: char| first.is_ascii_uppercase())
}

impl Step {
    fn read(text: &'static str) -> Vec<Self> {
        match text {
            "-" => return Vec::new(),
            "^" => return vec![Self::Root],
            _ => {}
        }
        let (text, is_there) = match text.strip_suffix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (text, condition) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((text, condition)) => (text, Condition::read(condition)),
            None => (text, None),
        };
        let (text, is_first) = match text.strip_suffix("#0") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (text, is_list) = match text.strip_suffix('*') {
            Some(text) => (text, true),
            None => (text, is_first),
        };
        let (name, is_choice) = match text.strip_suffix("[x]") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let element = Self::Element { name, is_choice, is_list, is_first, condition };
        if is_there { vec![element, Self::IsThere] } else { vec![element] }
    }
}

impl Condition {
    fn read(text: &'static str) -> Option<Self> {
        if let Some(extension) = text.strip_prefix('~') {
            return Some(Self::Extension(extension));
        }
        text.split_once('=').map(|(member, value)| Self::Member(member, value))
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Member(member, wanted) => value[*member] == *wanted,
            Self::Extension(name) => value["extension"].as_array().is_some_and(|extensions| {
                extensions.iter().filter_map(|it| it["url"].as_str()).any(|url| url.ends_with(name))
            }),
        }
    }
}

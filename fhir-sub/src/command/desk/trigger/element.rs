//! `--set path=value`: one element of a resource.

use serde_json::{Value, json};

/// Deeper than any element of FHIR.
const MOST_STEPS: usize = 64;

/// Sets the element at `path`, as `name[0].family` or `name.0.family`, and makes what is missing on the way.
///
/// The value is JSON if it is a JSON value and the element is no text so far; else it is a text. `null` removes the element.
///
/// # Errors
///
/// The path does not lead anywhere; the text says why.
pub(super) fn set(resource: &mut Value, path: &str, value: &str) -> Result<(), String> {
    let steps = steps(path)?;
    if steps.len() > MOST_STEPS {
        return Err(format!("a path has at most {MOST_STEPS} steps"));
    }
    if value == "null" {
        remove(resource, &steps);
        return Ok(());
    }
    let mut place = resource;
    for step in steps {
        place = match step {
            Step::Item(index) => item(place, index)?,
            Step::Member(name) => member(place, name)?,
        };
    }
    *place = match serde_json::from_str::<Value>(value) {
        Ok(json) if !place.is_string() || json.is_string() => json,
        _ => value.into(),
    };
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'p> {
    Member(&'p str),
    Item(usize),
}

fn steps(path: &str) -> Result<Vec<Step<'_>>, String> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, places) = part.split_once('[').map_or((part, None), |(name, places)| (name, Some(places)));
        match name.parse() {
            Ok(index) if places.is_none() => steps.push(Step::Item(index)),
            _ if is_name(name) => steps.push(Step::Member(name)),
            _ if part.is_empty() => return Err("a step of the path is empty".to_owned()),
            _ => {
                return Err(format!(
                    "`{part}` is neither the name of an element nor a place in a list: write `name[0].family`"
                ));
            }
        }
        if let Some(places) = places {
            let places =
                places.strip_suffix(']').ok_or_else(|| format!("`{part}` has a `[` without its `]`"))?;
            for place in places.split("][") {
                let place = place
                    .parse()
                    .map_err(|_| format!("`{place}` in `{part}` is no place in a list: the first is 0"))?;
                steps.push(Step::Item(place));
            }
        }
    }
    Ok(steps)
}

fn is_name(name: &str) -> bool {
    let name = name.strip_prefix('_').unwrap_or(name);
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(|it| it.is_ascii_alphanumeric())
}

fn item(place: &mut Value, index: usize) -> Result<&mut Value, String> {
    if place.is_null() {
        *place = json!([]);
    }
    let items =
        place.as_array_mut().ok_or_else(|| format!("`{index}` is a place in a list, and there is none"))?;
    if index > items.len() {
        return Err(format!("the list has {} items: the next is `{}`", items.len(), items.len()));
    }
    if index == items.len() {
        items.push(Value::Null);
    }
    Ok(&mut items[index])
}

fn member<'v>(place: &'v mut Value, name: &str) -> Result<&'v mut Value, String> {
    if place.is_null() {
        *place = json!({});
    }
    let members = only(place)
        .as_object_mut()
        .ok_or_else(|| format!("`{name}` is an element, and what it stands in has none"))?;
    Ok(members.entry(name).or_insert(Value::Null))
}

/// As FHIRPath does, the only item of a list need not be named.
fn only(place: &mut Value) -> &mut Value {
    if place.as_array().is_some_and(|items| items.len() == 1) { &mut place[0] } else { place }
}

/// Removes the element, if it is there, and a list that would be empty then.
fn remove(place: &mut Value, steps: &[Step<'_>]) {
    let [step, rest @ ..] = steps else { return };
    match *step {
        Step::Item(index) => {
            let Some(items) = place.as_array_mut().filter(|items| index < items.len()) else { return };
            match rest {
                [] => drop(items.remove(index)),
                rest => remove(&mut items[index], rest),
            }
        }
        Step::Member(name) => {
            let Some(members) = only(place).as_object_mut() else { return };
            let Some(value) = members.get_mut(name).filter(|_| !rest.is_empty()) else {
                members.remove(name);
                return;
            };
            remove(value, rest);
            if value.as_array().is_some_and(Vec::is_empty) {
                members.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_set_and_made() {
        let mut resource =
            json!({ "status": "booked", "participant": [{ "status": "accepted" }], "count": 1 });
        for (path, value) in [
            ("status", "arrived"),
            ("birthDate", "1970-01-01"),
            ("participant[0].actor.reference", "Patient/7"),
            ("participant.status", "1"),
            ("name.0.family", "Meer"),
            ("name[0].given[0]", "\"Ada\""),
            ("name[0].given[1]", "Zoë \"Z\""),
            ("name[0].text", "12 or so"),
            ("_birthDate.extension[0].valueBoolean", "false"),
            ("identifier[0].value", "\"12\""),
            ("active", "true"),
            ("count", "12"),
            ("matrix[0][0]", "1.50"),
            ("comment", "null and void"),
            ("meta", r#"{"tag":[]}"#),
        ] {
            set(&mut resource, path, value).unwrap();
        }
        let expected = json!({
            "status": "arrived", "birthDate": "1970-01-01", "count": 12, "active": true, "meta": { "tag": [] },
            "participant": [{ "status": "1", "actor": { "reference": "Patient/7" } }], "matrix": [[1.5]],
            "name": [{ "family": "Meer", "given": ["Ada", "Zoë \"Z\""], "text": "12 or so" }],
            "_birthDate": { "extension": [{ "valueBoolean": false }] }, "identifier": [{ "value": "12" }],
            "comment": "null and void",
        });
        assert_eq!(resource, expected);
    }

    #[test]
    fn null_removes_an_element() {
        let there =
            json!({ "status": "booked", "name": [{ "family": "Meer" }, { "family": "See" }], "meta": {} });
        for (path, pointer) in [
            ("status", "/status"),
            ("name[0].family", "/name/0/family"),
            ("name[1]", "/name/1"),
            ("name", "/name"),
        ] {
            let mut resource = there.clone();
            set(&mut resource, path, "null").unwrap();
            assert!(resource.pointer(pointer).is_none(), "{path}: {resource}");
        }
        let mut resource = json!({ "name": [{ "family": "Meer" }] });
        set(&mut resource, "name[0]", "null").unwrap();
        assert_eq!(resource, json!({}));
        for path in ["absent", "name[7].family", "status.x", "meta.tag[0].code"] {
            let mut resource = there.clone();
            set(&mut resource, path, "null").unwrap();
            assert_eq!(resource, there, "{path}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_and_changes_nothing() {
        let deep = "a.".repeat(MOST_STEPS) + "a";
        for path in [
            "",
            ".",
            "a..b",
            ".a",
            "a.",
            "status.0",
            "status.x",
            "participant.3.status",
            "participant[-1]",
            "participant[-1].status",
            "participant[0",
            "participant]0[",
            "participant[]",
            "participant[0]status",
            "participant[x]",
            "participant[99999999999999999999]",
            "-1",
            "na me",
            "näme",
            "extension('http://a').b",
            "$this",
            "a/b",
            &deep,
        ] {
            let there = json!({ "status": "booked", "participant": [] });
            let mut resource = there.clone();
            assert!(set(&mut resource, path, "x").is_err(), "{path}: {resource}");
            assert_eq!(resource, there, "{path}");
        }
    }
}

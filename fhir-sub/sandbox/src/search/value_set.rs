//! Value sets and code systems that exist as resources on the server. The sandbox has no terminology of its
//! own.

use serde_json::Value;

use super::Resources;

/// How deeply value sets may refer to each other.
const DEEPEST: usize = 8;

/// Whether the ValueSet with this URL, or of this reference `ValueSet/id`, contains the code.
pub(crate) fn has(url: &str, system: Option<&str>, code: &str, resources: &dyn Resources) -> bool {
    has_within(url, system, code, resources, DEEPEST)
}

fn has_within(url: &str, system: Option<&str>, code: &str, resources: &dyn Resources, depth: usize) -> bool {
    let Some(value_set) = find("ValueSet", url, resources).filter(|_| depth > 0) else { return false };
    let is_same_system = |other: &Value| system.is_none() || other.as_str() == system;
    let is_expanded = |entry: &Value| entry["code"] == code && is_same_system(&entry["system"]);
    if items(&value_set["expansion"]["contains"]).any(is_expanded) {
        return true;
    }
    let is_in = |part: &Value| {
        let named = items(&part["valueSet"]).filter_map(Value::as_str);
        let mut named = named.map(|url| has_within(url, system, code, resources, depth - 1));
        if part["system"].is_null() {
            return named.any(|is_in| is_in);
        }
        let concepts = part["concept"].as_array();
        is_same_system(&part["system"])
            && concepts.is_none_or(|concepts| concepts.iter().any(|concept| concept["code"] == code))
            && items(&part["filter"]).all(|filter| is_filtered(filter, &part["system"], code, resources))
            && named.all(|is_in| is_in)
    };
    let compose = &value_set["compose"];
    items(&compose["include"]).any(is_in) && !items(&compose["exclude"]).any(is_in)
}

/// `concept is-a` and `concept descendent-of`.
fn is_filtered(filter: &Value, system: &Value, code: &str, resources: &dyn Resources) -> bool {
    let above = and_above(system.as_str(), code, resources);
    let wanted = filter["value"].as_str().unwrap_or_default();
    match filter["op"].as_str() {
        Some("is-a") => above.iter().any(|it| it == wanted),
        Some("descendent-of") => code != wanted && above.iter().any(|it| it == wanted),
        _ => false,
    }
}

/// The code and all codes above it in a CodeSystem on the server.
pub(crate) fn and_above(system: Option<&str>, code: &str, resources: &dyn Resources) -> Vec<String> {
    let code_systems = match system {
        Some(url) => find("CodeSystem", url, resources).into_iter().collect(),
        None => resources.all("CodeSystem"),
    };
    let above = code_systems.into_iter().find_map(|it| path_to(&it["concept"], code));
    above.unwrap_or_else(|| vec![code.to_owned()])
}

/// The codes from the outermost one down to `wanted`.
fn path_to(concepts: &Value, wanted: &str) -> Option<Vec<String>> {
    items(concepts).find_map(|concept| {
        let code = concept["code"].as_str()?;
        if code == wanted {
            return Some(vec![code.to_owned()]);
        }
        let mut path = path_to(&concept["concept"], wanted)?;
        path.insert(0, code.to_owned());
        Some(path)
    })
}

fn find<'a>(kind: &str, url: &str, resources: &'a dyn Resources) -> Option<&'a Value> {
    let plain = url.split('|').next().unwrap_or(url);
    match plain.strip_prefix(kind).and_then(|id| id.strip_prefix('/')) {
        Some(id) => resources.read(kind, id),
        None => resources.all(kind).into_iter().find(|resource| resource["url"] == plain),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

//! The table, which is a text: its names are indexed, and its lines are parsed when they are needed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::FhirVersion;

static TEXT: &str = include_str!("definitions.txt");

/// The table, indexed by names. The details are still text.
pub(super) struct Table {
    pub(super) types: BTreeMap<&'static str, Block>,
    pub(super) value_sets: BTreeMap<&'static str, Vec<(u8, &'static str)>>,
    pub(super) targets: BTreeMap<&'static str, &'static str>,
}

pub(super) struct Block {
    pub(super) versions: u8,
    pub(super) is_abstract: bool,
    pub(super) is_plain: bool,
    pub(super) parameters: &'static str,
}

/// A parameter's line.
pub(super) struct Line {
    pub(super) code: &'static str,
    pub(super) kind: &'static str,
    /// Whether a resource has at most one value.
    pub(super) is_single: bool,
    pub(super) detail: &'static str,
}

/// Parsed once in a run of the compiler, however many handlers there are.
pub(super) fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(|| read(TEXT))
}

fn read(text: &'static str) -> Table {
    let mut table = Table { types: BTreeMap::new(), value_sets: BTreeMap::new(), targets: BTreeMap::new() };
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        let mut words = line.splitn(3, ' ');
        let (name, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let third = words.next().unwrap_or_default();
        if let Some(value_set) = name.strip_prefix('=') {
            table.value_sets.entry(value_set).or_default().push((mask(second), third));
        } else if let Some(targets) = name.strip_prefix('@') {
            table.targets.insert(targets, second);
        } else if !name.starts_with('#') && !name.is_empty() {
            // Its parameters are the lines with a space before them.
            let mut end = 0;
            while rest[end..].starts_with(' ') {
                end += rest[end..].find('\n').map_or(rest.len() - end, |length| length + 1);
            }
            let (parameters, after) = rest.split_at(end);
            rest = after;
            let block = Block {
                versions: mask(second),
                is_abstract: third == "abstract",
                is_plain: third == "plain",
                parameters,
            };
            table.types.insert(name, block);
        }
    }
    table
}

pub(super) fn lines_of(parameters: &'static str, version: FhirVersion) -> impl Iterator<Item = Line> {
    parameters.lines().filter_map(move |line| {
        let mut words = line[1..].split(' ');
        let (code, versions) = (words.next()?, words.next()?);
        let (kind, detail) = (words.next()?, words.next().unwrap_or_default());
        let (kind, is_single) = kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
        (mask(versions) & version.bit() != 0).then_some(Line { code, kind, is_single, detail })
    })
}

pub(super) fn mask(digit: &str) -> u8 {
    digit.parse().expect("the versions are a digit")
}

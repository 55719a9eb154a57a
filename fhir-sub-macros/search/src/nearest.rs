//! Finds the right name that resembles a wrong one.

/// The name among `names` that `name` probably means.
///
/// A name that differs only in capitals, hyphens or underscores comes first, then the name with the fewest
/// different letters. At most a third of the letters may differ; in a short name, one.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = letters(name);
    let mut best = None;
    for candidate in names {
        let distance =
            if self::letters(candidate) == letters { 0 } else { edit_distance(name, candidate).max(1) };
        let is_near = distance <= (candidate.chars().count() / 3).max(1);
        if is_near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// ``: did you mean `status`?`` if one of the names resembles `name`; otherwise empty.
pub fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, names).map_or_else(String::new, |nearest| format!(": did you mean `{nearest}`?"))
}

fn letters(name: &str) -> String {
    name.chars().filter(|letter| !"-_".contains(*letter)).flat_map(char::to_lowercase).collect()
}

/// How many letters must be inserted, removed, changed or swapped to turn one word into the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    rows[0] = (0..=right.len()).collect();
    for row in 1..=left.len() {
        rows[row][0] = row;
        for column in 1..=right.len() {
            let is_same = left[row - 1] == right[column - 1];
            let changed = rows[row - 1][column - 1] + usize::from(!is_same);
            let mut distance = changed.min(rows[row - 1][column] + 1).min(rows[row][column - 1] + 1);
            let is_exchanged = row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1];
            if is_exchanged {
                distance = distance.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = distance;
        }
    }
    rows[left.len()][right.len()]
}

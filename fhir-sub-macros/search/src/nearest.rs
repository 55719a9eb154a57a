//! The right name that a wrong one resembles.

/// The name among `names` that was probably meant by `name`.
///
/// One that differs in capitals, hyphens or underscores only, else the one with the fewest other letters:
/// a third of them may be wrong, of a short name, one.
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

/// ``: did you mean `status`?`` where one of the names resembles `name`, else nothing.
pub fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, names).map_or_else(String::new, |nearest| format!(": did you mean `{nearest}`?"))
}

fn letters(name: &str) -> String {
    name.chars().filter(|letter| !"-_".contains(*letter)).flat_map(char::to_lowercase).collect()
}

/// How many letters must be put in, taken out, changed or exchanged with the next to make one word of the other.
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

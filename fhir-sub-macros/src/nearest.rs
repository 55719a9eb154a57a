//! The right name that a wrong one resembles.

/// The name among `names` that was probably meant by `name`.
///
/// One that differs in capitals, hyphens or underscores only, else the one with the fewest other letters:
/// a third of them may be wrong, of a short name, one.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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

fn letters(name: &str) -> String {
    name.chars().filter(|letter| !"-_".contains(*letter)).flat_map(char::to_lowercase).collect()
}

/// How many letters must be put in, taken out or changed to make one word of the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for column in 0..right.len() {
            let changed = diagonal + usize::from(letter != right[column]);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

//! How the pages read: sentences of at most 35 words, without turns that have to be read twice.

use crate::page::{Page, pages};

/// The most words of a sentence.
const LONGEST: usize = 35;

/// The most words of the README.
const README: usize = 1_400;

/// Turns that have to be read twice, and what to write instead. A turn that ends in a space would never be found,
/// because no letter may follow it.
pub(crate) const TURNS: &[(&str, &str)] = &[
    ("of which", "two sentences"),
    ("whose which", "two sentences"),
    ("those of", "the noun"),
    ("that of", "the noun"),
    ("goes by", "uses"),
    ("go by", "use"),
    ("all the same", "still"),
    ("stead", "for"),
    ("has them not", "lacks them"),
    ("has it not", "lacks it"),
    ("put up with", "accept"),
    ("heed", "follow, use"),
    ("begun anew", "restarted"),
    ("begins anew", "restarts"),
    ("is told of", "is reported"),
    ("are told of", "are reported"),
    ("be had", "\"is possible\""),
    ("has all of them", "retries all of them"),
    ("rather handled", "prefer"),
    ("is answered so that", "is answered, and"),
    ("what is more", "two sentences"),
    ("by itself as well", "also"),
    ("it is that", "the subject"),
    ("todo-figure", "the figure"),
];

/// Words with which a sentence begins that makes a relative clause its subject ("What was handled is …").
const CLAUSES: &[&str] = &["What ", "Whatever ", "Whoever ", "Who ", "Which "];

/// What is wrong with `sentence`, if anything is.
pub(crate) fn fault(sentence: &str) -> Option<String> {
    let words = sentence.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if words > LONGEST {
        return Some(format!("{words} words"));
    }
    // A heading and a question may begin so.
    if sentence.ends_with(['.', ':', ';'])
        && words > 3
        && CLAUSES.iter().any(|clause| sentence.starts_with(clause))
    {
        return Some("a relative clause is the subject".into());
    }
    let lower = sentence.to_lowercase();
    let turn = TURNS.iter().find(|(turn, _)| {
        lower.match_indices(turn).any(|(at, _)| {
            // A word of its own: `heed` is no part of `heeded`, and `that of` is no part of `that often`.
            !lower[..at].ends_with(char::is_alphanumeric)
                && !lower[at + turn.len()..].starts_with(char::is_alphanumeric)
        })
    });
    turn.map(|(turn, instead)| format!("{turn:?}: write {instead}"))
}

/// The sentences of a text: paragraphs, items and the cells of tables are taken apart, code and links are one word.
pub(crate) fn sentences<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in lines {
        let line = line.trim();
        let begins = line.is_empty() || line.starts_with(['#', '|', '>']) || is_item(line);
        if begins {
            pieces.push(String::new());
        }
        if line.starts_with('|') {
            pieces.extend(cells(line));
            pieces.push(String::new());
        } else {
            let last = pieces.last_mut().expect("there is one");
            last.push(' ');
            last.push_str(line.trim_start_matches(['#', '-', '*', '>', ' ']));
            if line.starts_with('#') {
                pieces.push(String::new());
            }
        }
    }
    pieces.iter().flat_map(|piece| split(&plain(piece))).collect()
}

fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|it: char| it.is_ascii_digit());
    line.starts_with("- ")
        || line.starts_with("* ")
        || (number.len() < line.len() && number.starts_with(". "))
}

fn cells(line: &str) -> impl Iterator<Item = String> + '_ {
    // A `|` within code may be written `\|`.
    line.split('|').map(|cell| cell.trim().to_owned())
}

/// Without code, which is one word, and without the targets of links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (index, part) in text.split('`').enumerate() {
        plain.push_str(if index % 2 == 0 { part } else { "code" });
    }
    while let Some(start) = plain.find("](") {
        let Some(end) = plain[start..].find(')') else { break };
        plain.replace_range(start..=start + end, "");
    }
    plain.replace(['[', '*'], "")
}

/// At each full stop, question mark or colon that a space or the end follows; a semicolon ends a thought too.
fn split(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        sentences.last_mut().expect("there is one").push(character);
        let ends = matches!(character, '.' | '?' | '!' | ';' | ':');
        if ends && characters.peek().is_none_or(|next| next.is_whitespace()) {
            sentences.push(String::new());
        }
    }
    let sentences = sentences.into_iter().map(|sentence| sentence.trim().to_owned());
    sentences.filter(|sentence| !sentence.is_empty()).collect()
}

fn faults(page: &Page) -> Vec<String> {
    let sentences = sentences(page.text.iter().map(String::as_str));
    let faults = sentences.into_iter().filter_map(|it| Some(format!("{}: {}: {it}", page.path, fault(&it)?)));
    faults.collect()
}

#[test]
fn no_sentence_has_to_be_read_twice() {
    let faults: Vec<_> = pages().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "these have to be read twice:\n{}", faults.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let readme = std::fs::read_to_string(crate::page::root().join("README.md")).expect("it is there");
    let words = readme.split_whitespace().count();
    assert!(words <= README, "README.md has {words} words, and at most {README}");
}

#[test]
fn a_fault_is_found() {
    assert!(fault("What was handled is not handled again.").is_some());
    assert!(fault("What does it cost?").is_none());
    assert!(fault("What the server can do is in the table:").is_some());
    assert!(fault("The setting goes by its name.").is_some());
    // Each turn is found within a sentence.
    for (turn, _) in TURNS {
        assert!(fault(&format!("It says {turn} here.")).is_some(), "{turn:?} is never found");
    }
    assert!(fault("The gateway signs in the server's stead.").is_some());
    assert!(fault("The server says that often, and retries instead.").is_none());
    assert!(fault("The server retries.").is_none());
    assert!(fault(&"word ".repeat(36)).is_some());
    let text = ["- one two. Three `a b c` four", "| x y | z. w |", "", "five", "# Six", "seven"];
    assert_eq!(sentences(text), ["one two.", "Three code four", "x y", "z.", "w", "five", "Six", "seven"]);
}

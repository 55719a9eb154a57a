//! Journals that were cut off, that could not be written, and that have become long.

use serde_json::json;

use super::*;

/// A directory of the test's own, which is gone after it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fhir-sub-journal-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn change(id: &str, version: u64) -> Change {
    let resource = json!({ "resourceType": "Task", "id": id, "meta": { "versionId": version.to_string() } });
    let interaction = if version == 1 { Interaction::Create } else { Interaction::Update };
    Change { interaction, kind: "Task".into(), id: id.into(), version, resource: resource.into() }
}

fn now() -> Instant {
    Instant::parse("2026-01-31T12:00:00Z").unwrap()
}

/// The ids and versions of the lines.
fn names(content: &Content) -> Vec<(String, u64)> {
    let writes = content.lines.iter().filter_map(|(_, line)| match line {
        Line::Write(write) => Some((write.id.clone(), write.version)),
        Line::Counts(_) => None,
    });
    writes.collect()
}

#[test]
fn a_transaction_is_there_whole_or_not_at_all_wherever_its_writer_was_killed() {
    let directory = Directory::new("cut");
    let file = directory.0.join(NAME);
    let (mut journal, content) = Journal::open(&directory.0).unwrap();
    assert!(content.lines.is_empty());
    journal.add(&[change("alone", 1)], now()).unwrap();
    let first = fs::read(&file).unwrap();
    journal.add(&[change("a", 1), change("b", 1), change("c", 1)], now()).unwrap();
    let whole = fs::read(&file).unwrap();
    drop(journal);
    for length in 0..=whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let (mut journal, content) = Journal::open(&directory.0).unwrap();
        let expected = match length {
            _ if length == whole.len() => 4,
            _ if length >= first.len() => 1,
            _ => 0,
        };
        assert_eq!(names(&content).len(), expected, "{length} of {} bytes", whole.len());
        // The next write does not follow a part of a line.
        journal.add(&[change("next", 1)], now()).unwrap();
        drop(journal);
        let (_, content) = Journal::open(&directory.0).unwrap();
        assert_eq!(names(&content).len(), expected + 1, "{length} of {} bytes", whole.len());
        assert_eq!(names(&content).last().unwrap().0, "next");
    }
}

#[test]
fn a_journal_that_is_no_file_is_refused() {
    let directory = Directory::new("no-file");
    fs::create_dir(directory.0.join(NAME)).unwrap();
    let error = Journal::open(&directory.0).unwrap_err();
    assert!(error.to_string().contains("is not a regular file"), "{error}");
    #[cfg(unix)]
    {
        fs::remove_dir(directory.0.join(NAME)).unwrap();
        // Reading it would never end.
        std::os::unix::fs::symlink("/dev/zero", directory.0.join(NAME)).unwrap();
        assert!(Journal::open(&directory.0).unwrap_err().to_string().contains("is not a regular file"));
    }
}

#[test]
fn one_process_at_a_time_has_a_directory_whatever_path_leads_there() {
    let directory = Directory::new("locked");
    let first = Journal::open(&directory.0).unwrap();
    let error = Journal::open(&directory.0.join(".")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{error}");
    drop(first);
    Journal::open(&directory.0).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_write_that_cannot_be_kept_leaves_the_others_alone() {
    let directory = Directory::new("full");
    let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
    let mut journal = Journal {
        path: directory.0.join(NAME),
        file,
        length: 0,
        is_torn: false,
        _lock: Lock::take(&directory.0).unwrap(),
    };
    assert_eq!(journal.add(&[change("a", 1)], now()).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(journal.length, 0);
    // There is room again, behind a part of the line that could not be cut off.
    let real = directory.0.join("real");
    fs::write(&real, "{\"at\":\"2026-").unwrap();
    (journal.file, journal.is_torn) = (appended(&real, false).unwrap(), true);
    journal.add(&[change("b", 1)], now()).unwrap();
    assert_eq!(names(&Content::read(fs::read(&real).unwrap()).unwrap()), [("b".to_owned(), 1)]);
}

#[test]
fn old_versions_go_and_the_newest_stay_in_their_order() {
    let text = |changes: &[Change]| {
        let directory = Directory::new("long");
        let (mut journal, _) = Journal::open(&directory.0).unwrap();
        changes.chunks(2).for_each(|pair| journal.add(pair, now()).unwrap());
        fs::read(directory.0.join(NAME)).unwrap()
    };
    let mut changes: Vec<_> = (1..=25).map(|version| change("often", version)).collect();
    changes.insert(3, change("once", 1));
    changes.push(Change { interaction: Interaction::Delete, ..change("often", 26) });
    let content = Content::read(text(&changes)).unwrap();
    let counts = Counts { events: [("subscription".to_owned(), 7)].into() };
    // It is short: every version stays.
    assert_eq!(content.compacted(&counts), None);

    let compacted = Content::read(content.of_newest(&counts)).unwrap();
    let expected: Vec<_> = std::iter::once(("once".to_owned(), 1))
        .chain((17..=26).map(|version| ("often".to_owned(), version)))
        .collect();
    assert_eq!(names(&compacted), expected);
    assert!(matches!(&compacted.lines.last().unwrap().1, Line::Counts(it) if *it == counts));
    assert!(compacted.lines.iter().any(|(_, line)| {
        matches!(line, Line::Write(Write { id, resource: None, version: 26, .. }) if id == "often")
    }));
}

#[test]
fn a_long_journal_is_written_anew_and_goes_on() {
    let directory = Directory::new("anew");
    let file = directory.0.join(NAME);
    let large = json!({ "resourceType": "Task", "id": "large", "description": "x".repeat(400_000) });
    let write = |version| Change { resource: large.clone().into(), ..change("large", version) };
    let (mut journal, _) = Journal::open(&directory.0).unwrap();
    (1..=50).for_each(|version| journal.add(&[write(version)], now()).unwrap());
    drop(journal);
    let before = fs::metadata(&file).unwrap().len();

    // A part of an earlier attempt is in the way of nobody.
    fs::write(file.with_extension("new"), "half").unwrap();
    let (mut journal, mut content) = Journal::open(&directory.0).unwrap();
    assert_eq!(content.take_lines().count(), 50);
    journal.compact(&content, &Counts::default()).unwrap();
    journal.add(&[write(51)], now()).unwrap();
    drop(journal);
    let (_, content) = Journal::open(&directory.0).unwrap();
    let after = fs::metadata(&file).unwrap().len();
    assert!(after * 4 < before, "{after} of {before} bytes");
    assert_eq!(
        names(&content).iter().map(|(_, version)| *version).collect::<Vec<_>>(),
        Vec::from_iter(41..=51)
    );
    assert!(!file.with_extension("new").exists());
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o077,
        0
    );
}

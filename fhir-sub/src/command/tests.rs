use super::*;

/// The text that is printed if `setup` fails like this.
fn told<F, E>(setup: impl FnOnce(AppBuilder) -> F) -> String
where
    F: Future<Output = Result<AppBuilder, E>>,
    E: Into<BoxError>,
{
    let run =
        Box::new(|app| -> LocalBoxFuture<'_, _> { Box::pin(async { setup(app).await.map_err(Into::into) }) });
    match block_on(set_up(Setup { name: "program::setup", has_own_log: false, run })) {
        Ok(_) => panic!("it did not fail"),
        Err(error) => error.to_string(),
    }
}

#[derive(Debug)]
struct Unreachable(std::num::ParseIntError);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the pool has no size")
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_of_setup_names_what_failed_and_where() {
    async fn question_mark(app: AppBuilder) -> Result<AppBuilder> {
        let _: u16 = "twelve".parse()?;
        Ok(app)
    }
    async fn own_error(app: AppBuilder) -> Result<AppBuilder, Unreachable> {
        let _: u16 = "twelve".parse().map_err(Unreachable)?;
        Ok(app)
    }
    async fn own_error_by_question_mark(app: AppBuilder) -> Result<AppBuilder> {
        Ok(own_error(app).await?)
    }
    let text = told(question_mark);
    assert!(text.contains("setup failed: invalid digit found in string (in `program::setup`, at "), "{text}");
    assert!(text.contains("command/tests.rs:"), "{text}");
    let text = told(own_error);
    assert!(
        text.contains("the pool has no size: invalid digit found in string (in `program::setup`)"),
        "{text}"
    );
    let text = told(own_error_by_question_mark);
    assert!(text.contains("the pool has no size: invalid digit") && text.contains("tests.rs:"), "{text}");
    // Mistakes that no setup can repair are printed too: this test links no handler.
    assert!(text.contains("no handler is linked into this program"), "{text}");
    // The settings that `setup` may have wanted to set are not reported.
    assert!(!text.contains("APP_BASE_URL"), "{text}");
}

/// A program with the tenants `names`, or without tenants.
fn program(names: &[&'static str]) -> App {
    program_with(names, |app| app)
}

/// The same, with `further` settings of each tenant.
fn program_with(
    names: &[&'static str],
    further: impl Fn(AppBuilder) -> AppBuilder + Clone + Send + 'static,
) -> App {
    use crate::fixtures::{Succeed, declaration, leak};

    let declarations = leak([declaration::<crate::Event, Succeed>("Patient?", "patients")]);
    let set_up = move |app: AppBuilder, secret: &str| {
        let app = app.set("FHIR_BASE_URL", "https://fhir.example.org/r4");
        further(app.set("FHIR_SUBSCRIPTION_SECRET", secret))
    };
    let app = AppBuilder::new(crate::settings::Variables::default(), declarations)
        .set("APP_BASE_URL", "https://app.example.org");
    let app = match names {
        [] => set_up(app, "0123456789abcdef0123456789abcdef"),
        _ => names.iter().fold(app, |app, &name| {
            let set_up = set_up.clone();
            app.tenant(name, move |it| set_up(it, &name.repeat(8)))
        }),
    };
    app.build().unwrap()
}

#[cfg(feature = "registration")]
#[test]
fn a_command_is_for_each_tenant_or_for_the_one_it_names() {
    let (one, two) = (program(&[]), program(&["north", "south"]));
    let names = |app: &App, tenant: Option<&str>, known: Option<&str>| {
        let apps =
            chosen(app, tenant, known.map(std::path::Path::new)).map_err(|problems| problems.to_string())?;
        Ok(apps.iter().map(|app| app.tenant_name().unwrap_or("-").to_owned()).collect::<Vec<_>>())
    };
    let of = |names: &[&str]| Ok::<_, String>(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(names(&one, None, Some("known.json")), of(&["-"]));
    assert_eq!(names(&two, None, None), of(&["north", "south"]));
    assert_eq!(names(&two, Some("south"), Some("known.json")), of(&["south"]));
    let refused = |app, tenant, known| names(app, tenant, known).unwrap_err();
    assert!(refused(&two, None, Some("known.json")).contains("choose one by --tenant NAME"));
    assert!(refused(&two, Some("west"), None).contains("the tenants are north, south"));
    assert!(refused(&one, Some("north"), None).contains("this program has no tenants"));
}

/// The command is another process than the one that serves.
#[test]
fn dead_letters_in_the_memory_of_another_process_are_not_said_to_be_none() {
    use super::dead_letters::{DeadLetters, dead_letters, unseen};

    let app = program(&[]);
    assert!(unseen(&app).is_some_and(|reason| reason.contains("this command cannot see them")));
    for json in [false, true] {
        let listed = block_on(dead_letters(&app, DeadLetters::List, json));
        assert_eq!(listed.ok(), Some(Exit::Unusable));
    }
}

/// Only the tenant that has the letter retries or drops it. The others do not say that it is unknown.
#[test]
fn a_dead_letter_is_looked_for_at_each_tenant() {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::dead_letters::{DeadLetters, Which, concerned};
    use crate::store::{DeadLetter, MemoryStore};

    let store = Arc::new(MemoryStore::shared(Arc::new(SystemTime::now)));
    let app = program_with(&["north", "south"], move |app| {
        app.store(Arc::clone(&store)).set("FHIR_SUBSCRIPTION_STORE_KEY", "0123456789abcdef0123456789abcdef")
    });
    let letter = |tenant: &str, first: &str| -> DeadLetter {
        let letter = serde_json::json!({
            "key": format!("{first}{}", "0".repeat(62)), "tenant": tenant, "endpoint": "patients", "interaction": "update", "tries": 1,
            "outcome": "failed for good", "since": "2026-11-30T12:00:00Z",
        });
        serde_json::from_value(letter).unwrap()
    };
    for (tenant, first) in [("north", "a1"), ("south", "a2"), ("south", "b0")] {
        block_on(app.tenant(tenant).unwrap().store().unwrap().add_dead_letter(&letter(tenant, first)))
            .unwrap();
    }
    let of = |what: &DeadLetters| {
        let apps = block_on(concerned(app.apps().collect(), what)).ok()?;
        Some(apps.iter().map(|app| app.tenant_name().unwrap().to_owned()).collect::<Vec<_>>())
    };
    for how in [DeadLetters::Retry as fn(Which) -> DeadLetters, DeadLetters::Drop] {
        let one = |begin: &str| of(&how(Which::One(begin.to_owned())));
        assert_eq!(one("b"), Some(vec!["south".to_owned()]));
        assert_eq!(one("a1"), Some(vec!["north".to_owned()]));
        assert_eq!(one("a"), None, "it names letters of two tenants");
        assert_eq!(one("c"), Some(vec!["north".to_owned()]), "the first app reports it");
        assert_eq!(of(&how(Which::All)).unwrap().len(), 2);
    }
}

/// The others have their turn, and the result says that something is wrong.
#[test]
fn a_tenant_without_its_store_does_not_end_the_command_for_the_others() {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::dead_letters::{DeadLetters, Which, concerned, dead_letters};
    use crate::fixtures::{SeveredStore, Way};
    use crate::store::{DeadLetter, MemoryStore};

    let app = program_with(&["north", "south"], |app| {
        let is_north =
            app.variables().get("FHIR_SUBSCRIPTION_SECRET").is_some_and(|it| it.starts_with("north"));
        let store = MemoryStore::shared(Arc::new(SystemTime::now));
        let store = SeveredStore::new(store, if is_north { Way::Refused } else { Way::Open });
        app.store(store).set("FHIR_SUBSCRIPTION_STORE_KEY", "0123456789abcdef0123456789abcdef")
    });
    let letter = serde_json::json!({
        "key": format!("a1{}", "0".repeat(62)), "tenant": "south", "endpoint": "patients", "interaction": "update", "tries": 1,
        "outcome": "failed for good", "since": "2026-11-30T12:00:00Z",
    });
    let letter: DeadLetter = serde_json::from_value(letter).unwrap();
    let south = app.tenant("south").unwrap();
    block_on(south.store().unwrap().add_dead_letter(&letter)).unwrap();

    let choice = Choice { tenant: None, known: None, json: true };
    let run = |what: DeadLetters| {
        block_on(async {
            let apps = concerned(app.apps().collect(), &what).await.ok()?;
            let run = async |app: &App| Ok(dead_letters(app, what.clone(), true).await?);
            for_each(apps, choice, run).await.ok()
        })
    };
    assert_eq!(run(DeadLetters::List), Some(Exit::Unsound));
    assert_eq!(run(DeadLetters::Drop(Which::One("a1".to_owned()))), Some(Exit::Unsound));
    assert!(block_on(south.store().unwrap().dead_letters()).unwrap().is_empty(), "it was dropped");
    // The tenant with the store may have it.
    assert_eq!(run(DeadLetters::Drop(Which::One("c".to_owned()))), Some(Exit::Unsound));

    // Wrong arguments are wrong for all.
    let mistaken = async |_: &App| Err(CannotGoOn::Arguments("a mistake".to_owned()));
    let ended = block_on(for_each(app.apps().collect(), choice, mistaken));
    assert!(matches!(ended, Err(CannotGoOn::Arguments(_))));
}

use super::*;

fn parse(arguments: &[&str]) -> Result<Command, String> {
    let parser = lexopt::Parser::from_args(arguments);
    Arguments::parse_from(parser).map(|arguments| arguments.command).map_err(|error| error.to_string())
}

#[test]
fn each_command_is_known() {
    assert_eq!(parse(&["check"]), Ok(Command::Check));
}

#[test]
fn a_policy_is_for_a_place() {
    assert_eq!(parse(&["check", "--iam"]), Ok(Command::Policy(Place::default())));
    let place =
        Place {
            account: Some("123456789012".into()), key: Some("arn:aws:kms:…".into()), ..Place::default()
        };
    let arguments = ["check", "--account", "123456789012", "--iam", "--key=arn:aws:kms:…"];
    assert_eq!(parse(&arguments), Ok(Command::Policy(place)));
    for (arguments, told) in [
        (&["check", "--iam", "--account", "12"][..], "--account takes the twelve digits of an account"),
        (&["check", "--key", "arn:aws:kms:…"], "--account and --key belong to `check --iam`"),
        (&["dead-letters", "--iam"], "--iam belongs to `check`"),
    ] {
        assert_eq!(parse(arguments), Err(told.into()), "{arguments:?}");
    }
}

#[test]
fn a_bill_is_for_numbers() {
    let words = |words: &[&str]| Ok(Command::Cost(words.iter().map(|word| (*word).to_owned()).collect()));
    assert_eq!(parse(&["check", "--cost"]), words(&[]));
    let arguments = ["check", "--cost", "notifications=1000000", "queue=yes"];
    assert_eq!(parse(&arguments), words(&["notifications=1000000", "queue=yes"]));
    assert!(parse(&["check", "notifications=1000000"]).is_err());
    assert!(parse(&["sweep", "--cost"]).is_err());
    assert!(parse(&["check", "--cost", "--iam"]).is_err());
    assert!(parse(&["check", "--cost", "--account", "123456789012"]).is_err());
}

#[test]
fn each_command_has_its_own_help() {
    assert_eq!(parse(&["--help"]), Ok(Command::Help(help::PROGRAM)));
    assert_eq!(parse(&["help"]), Ok(Command::Help(help::PROGRAM)));
    for command in ["serve", "register", "status", "sweep", "dead-letters", "check"] {
        let Ok(Command::Help(text)) = parse(&[command, "--help"]) else { panic!("{command} has no help") };
        assert!(
            text.contains(&format!("<program> {command}")) || text.contains(&format!("[{command}]")),
            "{text}"
        );
        assert!(help::PROGRAM.contains(&format!("  {command} ")), "{command}");
        for arguments in
            [&["--help", command][..], &["help", command], &["-h", command], &[command, "-h", "--frce"]]
        {
            assert_eq!(parse(arguments), Ok(Command::Help(text)), "{arguments:?}");
        }
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}

#[test]
fn every_command_but_serve_prints_json() {
    let is_json = |arguments: &[&str]| {
        let parsed = Arguments::parse_from(lexopt::Parser::from_args(arguments));
        parsed.map(|arguments| arguments.json).map_err(|error| error.to_string())
    };
    for command in [
        "check",
        "dead-letters",
        #[cfg(feature = "registration")]
        "register",
        #[cfg(feature = "registration")]
        "status",
    ] {
        assert_eq!(is_json(&[command, "--json"]), Ok(true), "{command}");
        assert_eq!(is_json(&["--json", command]), Ok(true), "{command}");
        assert_eq!(is_json(&[command]), Ok(false), "{command}");
    }
    #[cfg(feature = "local")]
    assert_eq!(is_json(&["--json"]), Err("--json belongs to every command except `serve`".into()));
}

#[cfg(feature = "local")]
#[test]
fn serve_is_the_default() {
    assert_eq!(parse(&[]), Ok(Command::Serve { is_shown: false }));
    assert_eq!(parse(&["serve"]), Ok(Command::Serve { is_shown: false }));
}

#[cfg(feature = "registration")]
#[test]
fn options_go_with_register() {
    let both = Options { dry_run: true, prune: true, ..Options::default() };
    assert_eq!(parse(&["register", "--dry-run", "--prune"]), Ok(Command::Register(both)));
    assert_eq!(parse(&["--prune", "register", "--dry-run"]), Ok(Command::Register(both)));
    assert_eq!(parse(&["status", "--prune"]), Err("--prune belongs to `register`".into()));
}

#[cfg(feature = "registration")]
#[test]
fn a_sweep_may_be_told_since_when_and_of_which() {
    assert_eq!(parse(&["sweep"]), Ok(Command::Sweep(SweepOptions::default())));
    let since = Instant::parse("2026-01-31T12:00:00Z");
    let endpoint = Some("arrived-appointments".to_owned());
    assert_eq!(
        parse(&["sweep", "--since", "2026-01-31T13:00:00+01:00", "--endpoint=arrived-appointments"]),
        Ok(Command::Sweep(SweepOptions { since, endpoint }))
    );
    for wrong in
        [&["sweep", "--since"][..], &["sweep", "--since", "yesterday"], &["sweep", "--since", "2026-01-31"]]
    {
        assert!(parse(wrong).unwrap_err().contains("--since"), "{wrong:?}");
    }
    let elsewhere = parse(&["status", "--endpoint", "e"]);
    assert_eq!(elsewhere, Err("--since and --endpoint belong to `sweep`".into()));
}

#[test]
fn dead_letters_are_listed_retried_and_dropped() {
    let one = || Which::One("7a65eed1".into());
    for (words, what) in [
        (&["dead-letters"][..], DeadLetters::List),
        (&["dead-letters", "list"], DeadLetters::List),
        (&["dead-letters", "retry", "7a65eed1"], DeadLetters::Retry(one())),
        (&["dead-letters", "retry", "--all"], DeadLetters::Retry(Which::All)),
        (&["dead-letters", "--all", "drop"], DeadLetters::Drop(Which::All)),
        (&["dead-letters", "drop", "7a65eed1"], DeadLetters::Drop(one())),
    ] {
        assert_eq!(parse(words), Ok(Command::DeadLetters(what)), "{words:?}");
    }
    for words in [
        &["dead-letters", "retry"][..],
        &["dead-letters", "drop", "7a65eed1", "--all"],
        &["dead-letters", "list", "7a65eed1"],
        &["dead-letters", "--all"],
        &["dead-letters", "resend", "7a65eed1"],
    ] {
        assert!(parse(words).unwrap_err().contains("`dead-letters"), "{words:?}");
    }
    assert_eq!(parse(&["check", "--all"]), Err("--all belongs to `dead-letters`".into()));
}

#[test]
fn what_is_not_known_is_named() {
    assert_eq!(parse(&["regster"]), Err("there is no command \"regster\"".into()));
    assert!(parse(&["check", "--frce"]).unwrap_err().contains("--frce"));
    assert!(parse(&["check", "check"]).unwrap_err().contains("check"));
}

#[test]
#[cfg(feature = "inspector")]
fn an_option_before_a_command_of_the_desk_is_not_dropped() {
    for arguments in [
        &["--tenant", "north", "pull", "KEY"][..],
        &["--inspector", "record", "DIR"],
        &["--json", "--dry-run", "trigger", "e"],
        &["--json", "sandbox"],
    ] {
        let mistake = parse(arguments).unwrap_err();
        assert!(mistake.starts_with("write --"), "{mistake}");
    }
    assert!(parse(&["--json", "trigger", "e"]).is_ok());
}

#[test]
fn a_policy_and_the_cost_are_of_all_tenants() {
    for option in ["--iam", "--cost"] {
        assert!(parse(&["check", option, "--tenant", "north"]).unwrap_err().contains("leave --tenant out"));
    }
}

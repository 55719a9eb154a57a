use super::*;

fn parse(arguments: &[&str]) -> Result<Command, String> {
    let parser = lexopt::Parser::from_args(arguments);
    Arguments::parse_from(parser).map(|arguments| arguments.command).map_err(|error| error.to_string())
}

#[test]
fn each_command_is_known() {
    assert_eq!(parse(&["check"]), Ok(Command::Check));
    assert_eq!(parse(&["--help"]), Ok(Command::Help));
    assert_eq!(parse(&["check", "-h"]), Ok(Command::Help));
}

#[cfg(feature = "local")]
#[test]
fn serve_is_the_default() {
    assert_eq!(parse(&[]), Ok(Command::Serve));
    assert_eq!(parse(&["serve"]), Ok(Command::Serve));
}

#[cfg(feature = "registration")]
#[test]
fn options_go_with_register() {
    let both = Options { dry_run: true, prune: true };
    assert_eq!(parse(&["register", "--dry-run", "--prune"]), Ok(Command::Register(both)));
    assert_eq!(parse(&["--prune", "register", "--dry-run"]), Ok(Command::Register(both)));
    assert_eq!(parse(&["status", "--prune"]), Err("--prune goes with `register`".into()));
}

#[test]
fn what_is_not_known_is_named() {
    assert_eq!(parse(&["regster"]), Err("there is no command \"regster\"".into()));
    assert!(parse(&["check", "--frce"]).unwrap_err().contains("--frce"));
    assert!(parse(&["check", "check"]).unwrap_err().contains("check"));
}

//! The texts of `--help`, for the program and for each command.

use super::desk;

/// The help of a command, or of the program without one. `None` if there is no such command.
pub(super) fn of(command: Option<&str>) -> Option<&'static str> {
    Some(match command {
        None | Some("help") => PROGRAM,
        Some("serve") => SERVE,
        Some("register") => REGISTER,
        Some("status") => STATUS,
        Some("sweep") => SWEEP,
        Some("dead-letters") => DEAD_LETTERS,
        Some("check") => CHECK,
        Some(command) => return desk::help(command),
    })
}

pub(super) const PROGRAM: &str = "\
Handles the notifications of this program's FHIR Subscriptions.

Usage: <program> [COMMAND] [OPTIONS]

Commands:
  serve           handle notifications on HOST:PORT (the default)
  register        register the subscriptions with the FHIR server
                  (--dry-run, --prune, --rewrite, --known FILE)
  status          show each subscription as the FHIR server has it
  sweep           find and handle what no notification reported
                  (--since INSTANT, --endpoint NAME)
  dead-letters    list, retry or drop the events that were given up
  check           check settings and subscriptions; no FHIR server is asked
                  (--iam: print the permissions that the program needs;
                  --cost: what a month on AWS costs)

At the desk, in builds without --release:
  trigger         make a handler run with a sample resource
                  (--interaction NAME, --file FILE, --set PATH=VALUE)
  record          serve, and keep each delivery in a file (--redact)
  replay          send recorded deliveries through the program
  sandbox         serve the in-memory FHIR server alone (--data DIR, --port N)
  pull            handle a dead letter of the deployed program here

Options:
  --json          print JSON on standard output; log lines go to standard error
  --tenant NAME   of several tenants, this one only
  -h, --help      show this text; `<program> COMMAND --help` shows more

Exit codes:
  0  all is well
  1  the command ran, and something is not as it should be
  2  the command did not run: the arguments, the settings or the handlers are
     wrong; for `check`, what it found

Settings are environment variables. `check` names those that are missing.
Under AWS Lambda the program needs no command.";

const SERVE: &str = "\
Handles notifications on HOST:PORT (127.0.0.1:9000) until Ctrl-C or SIGTERM.

Usage: <program> [serve] [OPTIONS]

Without FHIR_BASE_URL, a build without --release also starts an in-memory FHIR
server, the sandbox, registers the subscriptions there, and prints the URL of a
page that shows each delivery. Only this machine reaches the page.

Options:
  --inspector    serve the page beside a real FHIR server too; it shows what
                 notifications say of patients";

const REGISTER: &str = "\
Registers the subscriptions with the FHIR server. A second run writes nothing.

Usage: <program> register [OPTIONS]

Options:
  --dry-run       say what would be done, and write nothing
  --prune         also remove the Subscriptions under APP_BASE_URL whose
                  endpoint is no longer in this program
  --rewrite       write every subscription again, even if it is as wanted: for
                  a new secret, if the server does not show its headers
  --known FILE    for servers without a search of Subscriptions: keep their ids
                  in FILE, which is made if it is absent
  --json          print the report as JSON, as `POST /register` answers it

Exit codes:
  0  every subscription is as wanted
  1  a row failed; the other rows are done
  2  the arguments, the settings or the handlers are wrong";

const STATUS: &str = "\
Shows each subscription as the FHIR server has it, and the dead letters. Writes
nothing.

Usage: <program> status [OPTIONS]

Options:
  --known FILE    the ids of Subscriptions, as `register --known` wrote them
  --json          print the report as JSON

Exit codes:
  0  every subscription is active and as wanted
  1  a subscription is missing, different or not active, or the server could not
     be asked
  2  the arguments, the settings or the handlers are wrong";

const SWEEP: &str = "\
Asks the FHIR server what changed, and handles what no notification reported.

Usage: <program> sweep [OPTIONS]

Options:
  --since INSTANT   begin at this instant, such as 2026-01-31T12:00:00Z, if
                    it is before the place where the last sweep ended
  --endpoint NAME   sweep one subscription only
  --known FILE      the ids of Subscriptions, as `register --known` wrote them
  --json            print the report as JSON, as `POST /sweep` answers it

Exit codes:
  0  everything that was found is handled
  1  something could not be found or handled, or was given up by this sweep
  2  the arguments, the settings or the handlers are wrong";

const DEAD_LETTERS: &str = "\
Lists, retries or drops events that were given up.

Usage: <program> dead-letters [list]
       <program> dead-letters retry KEY|--all
       <program> dead-letters drop KEY|--all

The first characters of a KEY are enough, if no other key begins with them.

Options:
  --all     all dead letters
  --json    print JSON

Exit codes:
  0  done
  1  an event that was retried is still a dead letter, or the store failed
  2  the arguments, the settings or the handlers are wrong, or there is no such
     dead letter";

const CHECK: &str = "\
Checks settings and subscriptions without a network, and lists the endpoints of
each crate, so that a crate that is not linked is seen to be missing.

Usage: <program> check [OPTIONS]
       <program> check --iam [--account NUMBER] [--key ARN]
       <program> check --cost [NAME=VALUE]...

Options:
  --iam              print the IAM policy for the permissions that the program
                     needs with these settings, and nothing else. References are
                     not read
  --account NUMBER   the account for the policy; * if it is not given
  --key ARN          the KMS key that encrypts table, queue, parameters and
                     secrets, if it is one of your own
  --cost             print what a month on AWS costs with these settings. A
                     NAME=VALUE is a number such as notifications=1000000 or
                     price.api=1.10, store=dynamodb|postgres|local or queue=yes;
                     the output lists all names
  --json             print JSON

The policy takes the region from AWS_REGION, and the log group from
AWS_LAMBDA_LOG_GROUP_NAME or AWS_LAMBDA_FUNCTION_NAME.

Exit codes:
  0  settings and subscriptions are sound; the policy or the bill is printed
  2  they are not; standard error says what is wrong";

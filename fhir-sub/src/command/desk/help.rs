//! The output of `--help` for the commands of the desk.

/// The help of the command; `None` if the desk does not have the command.
pub(in super::super) fn help(command: &str) -> Option<&'static str> {
    Some(match command {
        "trigger" => TRIGGER,
        "record" => RECORD,
        "replay" => REPLAY,
        "sandbox" => SANDBOX,
        "pull" => PULL,
        _ => return None,
    })
}

const TRIGGER: &str = "\
Makes a handler run, with a sandbox of its own. FHIR_BASE_URL is not touched.

Usage: <program> trigger ENDPOINT [OPTIONS]

Options:
  --interaction NAME   create, update or delete; by default the first that
                       the handler wants
  --file FILE          a resource, instead of a sample that the criteria matches
  --set PATH=VALUE     change an element, such as name[0].family=Meer, or remove
                       it, as comment=null; may be repeated
  --json               print JSON

Exit codes:
  0  the notification was answered 2xx
  1  it was not, or the resource does not match
  2  the arguments, the settings or the handlers are wrong";

const RECORD: &str = "\
Handles notifications as `serve` does, and keeps each in a file of DIR, which
`replay` and the test kit read. A file has no secret. It has everything that
the notification says of a patient, unless you say --redact.

Usage: <program> record DIR [OPTIONS]

Options:
  --redact      replace names, dates and ids; within one run, equal values get
                equal replacements
  --inspector   serve the page beside a real FHIR server too";

const SANDBOX: &str = "\
Serves the in-memory FHIR server alone, for other programs and for tests of
yours. It plays the server that FHIR_SERVER names, in FHIR_VERSION.

Usage: <program> sandbox [OPTIONS]

Options:
  --data DIR    keep every write in a file of DIR, and begin with what is
                there. No other sandbox may use DIR meanwhile
  --port N      listen on this port of 127.0.0.1 (9001)";

const REPLAY: &str = "\
Sends recorded deliveries through the program, one after the other, whether or
not they were handled before. Without FHIR_BASE_URL, a sandbox of its own is
the FHIR server.

Usage: <program> replay FILE... [OPTIONS]

Options:
  --json    print JSON

Exit codes:
  0  every delivery was answered 2xx
  1  one was not
  2  the arguments, the files, the settings or the handlers are wrong";

const PULL: &str = "\
Asks the program at APP_BASE_URL for its dead letters, reads the resource of one
from FHIR_BASE_URL, and handles the event here. The letter stays where it is.

Usage: <program> pull KEY [OPTIONS]

The first characters of a KEY are enough, if no other key begins with them.
FHIR_SUBSCRIPTION_ADMIN_SECRET must be the secret of the deployed program.

Options:
  --tenant NAME   of several tenants, ask for the dead letters of this one only
  --json          print JSON

Exit codes:
  0  the event was handled
  1  it was not
  2  the arguments, the settings or the handlers are wrong, or there is no such
     dead letter";

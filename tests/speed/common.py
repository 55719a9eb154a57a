"""What `compare`, `instructions`, `size` and `build` share: where things are, and how the programs are built and run."""
import io, json, os, platform, subprocess, sys, zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
CACHE = Path(os.environ.get("FHIR_SUB_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fhir-sub") / "speed"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or CACHE / "target")
SMALL, LARGE = 1536, 65536
# What events carry: so many bytes, and whether in base64.
EVENTS = {"1.5 KB": (SMALL, False), "64 KB": (LARGE, False), "1.5 KB, base64": (SMALL, True),
          "64 KB, base64": (LARGE, True)}
# Idempotency and the log line off, the first on, and both on.
OFF = {"FHIR_SUBSCRIPTION_IDEMPOTENCY": "off", "RUST_LOG": "error"}
STORE_ON = {"FHIR_SUBSCRIPTION_IDEMPOTENCY": "memory", "RUST_LOG": "error"}
ON = {"FHIR_SUBSCRIPTION_IDEMPOTENCY": "memory", "RUST_LOG": "info"}
# A file that the store is in; `fed` makes it anew for each run.
FILE = CACHE / "store.sqlite"
IN_A_FILE = {"FHIR_SUBSCRIPTION_IDEMPOTENCY": f"sqlite:{FILE}", "RUST_LOG": "error",
             "FHIR_SUBSCRIPTION_STORE_KEY": "fedcba9876543210fedcba9876543210"}


def say(text):
    print(text, flush=True)


def fail(text):
    sys.exit(f"speed: {text}")


def cargo(*arguments, **options):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), **options.pop("env", {})}
    return subprocess.run(["cargo", *arguments], cwd=HERE, env=environment, **options)


def built(package, name=None, profile="release", features="", default=True):
    """The path of a program; each is built by itself, so that none gets another's features."""
    arguments = ["--quiet", "--locked", "--profile", profile, "-p", f"speed-{package}"]
    if not default:
        arguments.append("--no-default-features")
    if cargo("build", *arguments, "--features", features).returncode != 0:
        fail(f"speed-{package} could not be built")
    path = TARGET / profile / f"speed-{package}"
    kept = TARGET / "kept" / (name or package)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    # A copy: built with other features, it has the same name.
    kept.write_bytes(path.read_bytes())
    kept.chmod(0o755)
    return kept


def fed(program, environment, *, endpoint="encounters", size=SMALL, base64=False, warm=0, times=0, before=()):
    """What running the program on these events took: see runtime-api/src/main.rs."""
    command = [built.runtime_api, "--endpoint", endpoint, "--bytes", size, "--warm", warm, "--times", times]
    command += ["--base64"] if base64 else []
    command = [str(word) for word in [*command, *before, program]]
    for part in ("", "-wal", "-shm"):
        FILE.with_name(FILE.name + part).unlink(missing_ok=True)
    # One core for both, or waking up a core would be most of what is measured.
    one_core = [min(os.sched_getaffinity(0))]
    run = subprocess.run(command, env={"PATH": os.environ["PATH"], **environment}, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, one_core))
    if run.returncode != 0:
        fail(run.stderr.strip())
    return json.loads(run.stdout)


def zipped(path):
    """The bytes of the package that Lambda gets."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(path, "bootstrap")
    return len(archive.getvalue())


def machine():
    rustc = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{os.cpu_count()} cores ({platform.machine()}), load {load}, {rustc.strip()}"

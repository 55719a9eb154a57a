"""Writes the sandbox's tables from HL7's FHIR definitions (CC0): where a resource has the values of a search parameter,
and what a resource must have.

    cd fhir-sub-macros/search
    python3 tools/sandbox_tables.py parameters > ../../fhir-sub/sandbox/src/search/parameters.txt
    python3 tools/sandbox_tables.py elements > ../../fhir-sub/sandbox/src/sample/elements.txt

The definitions are those that definitions.py reads. Parameters without a path are listed on stderr.
"""
import re, sys
from collections import namedtuple

from definitions import (KINDS, VERSIONS, Definitions, NotUnderstood, expansion, one)

PARAMETERS_HEADER = """\
# Where a resource has the values of FHIR's search parameters, in R4 (4.0.1), R4B (4.3.0) and R5 (5.0.0).
# Written by fhir-sub-macros/search/tools/sandbox_tables.py; do not edit. Made from HL7's FHIR definitions (CC0).
#
# TYPE@MASK | KIND CODE=PATH+PATH CODE=PATH ... | KIND ...
# PATH is STEP.STEP:TYPE,TYPE>TARGET@MASK. TYPE: what the element may be, where that is not usual for the kind.
#   TARGET: the only type of resource that a reference counts for. MASK: the sum of 1 (R4), 2 (R4B) and 4 (R5), where a
#   path does not hold in all versions of its type.
# STEP is an element: name[x] has the name of its type behind it, name* is a list, name#0 is the first of a list,
#   name(key=value) counts where its member has that value, name! counts as true unless it is absent or false;
#   name(~key) counts where it has an extension whose URL ends so; - is the resource itself, and so is ^ in a component.
# CODE=PATH+PATH~KIND;PATH+PATH~KIND;PATH is a composite: its components are looked for below one and the same PATH.
"""

ELEMENTS_HEADER = """\
# The elements without which a FHIR resource is not valid, in R4 (4.0.1), R4B (4.3.0) and R5 (5.0.0).
# Written by fhir-sub-macros/search/tools/sandbox_tables.py; do not edit. Made from HL7's FHIR definitions (CC0).
#
# TYPE.PATH NAME[x]*:TYPE=CODE,CODE@MASK ...: what the resource or the element TYPE.PATH must have; a list has a *, CODE
#   are one or two of its codes, after its code system and a | where it has one. MASK as in parameters.txt.
# ?NAME is a code that need not be there, and that tokens are searched in.
"""

USUAL = {"token": "CodeableConcept", "string": "string", "reference": "Reference", "date": "dateTime",
         "uri": "uri", "quantity": "Quantity", "number": "decimal"}

# An element that an expression leads to: the path of its definition, its types with their targets, the steps that lead
# to it, and the only type of resource that counts where it is a reference.
Spot = namedtuple("Spot", "path types steps target")

class Walk:
    """Follows a FHIRPath expression, as far as search parameters use FHIRPath."""

    TOKEN = re.compile(r"\s*('[^']*'|[A-Za-z]\w*|\d+|!=|\S)")

    def __init__(self, definitions, base, expression, start=None):
        self.definitions, self.base, self.start = definitions, base, start
        self.tokens = self.TOKEN.findall(expression) + [""]

    def spots(self):
        spots = self.union()
        # `x.exists() and x != false`: the first part says which element is meant.
        if self.tokens[0] not in ("", "and"):
            raise NotUnderstood(f"`{self.tokens[0]}`")
        if not spots:
            raise NotUnderstood("names no element of this type")
        return list(dict.fromkeys(spots))

    def next(self):
        return self.tokens.pop(0)

    def union(self):
        spots = self.typed()
        while self.tokens[0] == "|":
            self.next()
            spots = spots + self.typed()
        return spots

    def inner(self):
        """A union in parentheses."""
        spots = self.union()
        if self.next() != ")":
            raise NotUnderstood("parentheses")
        return spots

    def typed(self):
        spots = self.path()
        while self.tokens[0] == "as":
            self.next()
            spots = self.narrowed(spots, self.next())
        return spots

    def path(self):
        first = self.next()
        whole = Spot(self.base, (), (), "")
        if first == "(":
            spots = self.inner()
        elif first == "%":
            self.next()
            spots = [whole._replace(steps=("^",))]
        elif self.start:
            spots = self.children(self.start, first)
        elif first in (self.base, "Resource", "DomainResource"):
            spots = [whole]
        elif first in self.definitions.types:
            spots = []
        elif first[:1].islower():
            spots = self.children(whole, first)
        else:
            raise NotUnderstood(f"`{first}`")
        while self.tokens[0] in (".", "["):
            if self.next() == "[":
                self.next(), self.next()
                spots = [self.ending(spot, "#0", listed=False) for spot in spots]
                continue
            name = self.next()
            if self.tokens[0] == "(":
                spots = self.function(spots, name, self.arguments())
            else:
                spots = [child for spot in spots for child in self.children(spot, name)]
        return spots

    def arguments(self):
        self.next()
        arguments, depth = [], 1
        while depth:
            token = self.next()
            if not token:
                raise NotUnderstood("parentheses")
            depth += (token == "(") - (token == ")")
            arguments.append(token)
        return arguments[:-1]

    def ending(self, spot, end, listed=True):
        last = spot.steps[-1] if listed else spot.steps[-1].rstrip("*")
        return spot._replace(steps=spot.steps[:-1] + (last + end,))

    def function(self, spots, name, arguments):
        if name in ("as", "ofType"):
            return self.narrowed(spots, arguments[0])
        if name in ("resolve", "first"):
            return spots
        if name == "exists":
            return [self.ending(spot, "!") for spot in spots]
        if name == "where" and arguments[:4] == ["resolve", "(", ")", "is"]:
            return [spot._replace(target=">" + arguments[4]) for spot in spots]
        if name == "where" and arguments[1:2] == ["="] and len(arguments) == 3:
            return [self.ending(spot, f"({arguments[0]}={arguments[2].strip(chr(39))})") for spot in spots]
        if name == "where" and arguments[:2] == ["extension", "("]:
            extension = arguments[2].strip("'").rpartition("/")[2]
            return [self.ending(spot, f"(~{extension})") for spot in spots]
        raise NotUnderstood(f"{name}({' '.join(arguments)})")

    def narrowed(self, spots, name):
        found = []
        for spot in spots:
            # One expression of R4 says `DateTime`.
            types = tuple((code, targets) for code, targets in spot.types if code.lower() == name.lower())
            if dict(spot.types).keys() == {"Resource"}:
                types = (("Resource", frozenset([name])),)
            if not types:
                raise NotUnderstood(f"{spot.path} is no {name}")
            found.append(spot._replace(types=types))
        return found

    def children(self, spot, name):
        elements = self.definitions.elements
        for parent in [spot.path] + [code for code, _ in spot.types]:
            for path, choice in ((f"{parent}.{name}", ""), (f"{parent}.{name}[x]", "[x]")):
                element = elements.get(path)
                if element:
                    types = element.types
                    if parent == "CodeableReference" and name == "reference":
                        types = {"Reference": dict(spot.types)[parent]}
                    step = name + choice + "*" * (not element.single)
                    return [Spot(element.content or path, tuple(types.items()), spot.steps + (step,), "")]
        if self.base == spot.path:
            # R5 has one expression for all types, of which a part that names no type is of one only.
            return []
        raise NotUnderstood(f"{spot.path} has no {name}")


def path_of(spot, kind):
    types = [code for code, _ in spot.types]
    if types in ([USUAL.get(kind)], [], ["BackboneElement"]):
        types = []
    return ".".join(spot.steps or ["-"]) + ":" * bool(types) + ",".join(types) + spot.target

def composite(definitions, base, parameter, spots):
    """The components of a composite, as `KIND;PATH+PATH`, each below one of the spots."""
    components = []
    for component in parameter["component"]:
        of = definitions.parameters.get(one(component, "definition").partition("|")[0])
        expression = re.sub(rf"^{base}\.", "", one(component, "expression"))
        found = {}
        for spot in spots:
            start = spot._replace(steps=())
            for inner in Walk(definitions, base, expression, start).spots():
                found[inner] = None
        kind = one(of, "type") or kind_of(found)
        components.append(f"{kind};" + "+".join(dict.fromkeys(path_of(inner, kind) for inner in found)))
    return tuple(components)

def kind_of(spots):
    codes = {code for spot in spots for code, _ in spot.types}
    kinds = [kind for kind, of in KINDS.items() if codes & of]
    if len(kinds) != 1:
        raise NotUnderstood(f"the kind of {codes}")
    return kinds[0]

# What is looked up elsewhere, or has no path.
SPECIAL = {"_content", "_filter", "_has", "_in", "_list", "_query", "_text", "_type"}

def parameters_of(definitions):
    """The kind, the paths and the components of each parameter, by type and code."""
    found = {}
    concrete = definitions.concrete()
    for parameter in definitions.parameters.values():
        kind, code, expression = (one(parameter, name) for name in ("type", "code", "expression"))
        for base in ["Resource" if base == "DomainResource" else base for base in parameter["base"]]:
            if base != "Resource" and base not in concrete:
                bases = [name for name in concrete if definitions.derives(name, base)]
            else:
                bases = [base]
            if code in SPECIAL:
                continue
            for of in bases:
                try:
                    spots = Walk(definitions, of, expression).spots()
                    parts = composite(definitions, of, parameter, spots) if kind == "composite" else ()
                except NotUnderstood as reason:
                    print(f"left out: {definitions.version} {of}?{code} ({kind}): {reason} in {expression!r}", file=sys.stderr)
                    continue
                found[of, code] = kind, tuple(dict.fromkeys(path_of(spot, kind) for spot in spots)), parts
    return found

def masked(by_version, whole=7):
    """Each thing with the sum of the versions that have it, where that is not the whole."""
    masks = {}
    for version, things in by_version.items():
        for thing in things:
            masks[thing] = masks.get(thing, 0) + VERSIONS[version]
    return [thing + (f"@{mask}" if mask != whole else "") for thing, mask in masks.items()]

def write_parameters(all_definitions):
    tables = {definitions.version: parameters_of(definitions) for definitions in all_definitions}
    kinds = ["token", "string", "reference", "date", "uri", "number", "quantity", "composite", "special"]
    print(PARAMETERS_HEADER, end="")
    bases = {base for table in tables.values() for base, _ in table}
    for base in sorted(bases | {name for it in all_definitions for name in it.concrete()}, key=lambda it: (it != "Resource", it)):
        versions = sum(VERSIONS[it.version] for it in all_definitions if base == "Resource" or base in it.concrete())
        words = {kind: [] for kind in kinds}
        for code in sorted({code for table in tables.values() for of, code in table if of == base}):
            of = {version: table[base, code] for version, table in tables.items() if (base, code) in table}
            for kind in dict.fromkeys(kind for kind, _, _ in of.values()):
                same = {version: it for version, it in of.items() if it[0] == kind}
                for parts in dict.fromkeys(it[2] for it in same.values()):
                    paths = {version: it[1] for version, it in same.items() if it[2] == parts}
                    words[kind].append(f"{code}=" + "+".join(masked(paths, versions)) + "".join("~" + part for part in parts))
        print(" | ".join([base + (f"@{versions}" if versions != 7 else "")] + [" ".join([kind] + of) for kind, of in words.items() if of]))


def required_below(definitions, path):
    """What the element or resource of that path must have."""
    depth = path.count(".") + 1
    for child, element in definitions.elements.items():
        if element.required and child.startswith(path + ".") and child.count(".") == depth:
            yield child, element

def written(definitions, path, element):
    name = path.rpartition(".")[2]
    types = sorted(element.types, key=lambda code: (code not in PLAIN, code)) or ["BackboneElement"]
    text = name + "*" * (not element.single) + ":" + types[0]
    targets = sorted(element.types.get(types[0], []))
    if types[0] == "Reference":
        known = [name for name in targets if name in definitions.concrete()]
        return text + "=" + ("Patient" if "Patient" in known or not known else known[0])
    if path in LIKELY_CODES:
        return text + "=" + LIKELY_CODES[path]
    codes = element.binding and first_codes(definitions, element.binding)
    if codes and types[0] == "code":
        text += "=" + ",".join(code for _, code in codes)
    elif codes:
        text += f"={codes[0][0]}|{codes[0][1]}"
    return text

# Of an element of several types, one that can be written without much ado.
PLAIN = {"CodeableConcept", "string", "dateTime", "boolean", "Reference"}
# What a sample should rather not say of itself.
ODD = {"entered-in-error", "unknown", "cancelled", "error", "retired", "inactive", "nullified", "draft", "document"}

# What a sample should rather say of itself.
USUAL_CODES = ["in-progress", "final", "booked", "active", "order", "completed"]
# Codes of bindings that are not required, without which a sample would have none.
LIKELY_CODES = {"Encounter.class": "http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB"}

def first_codes(definitions, url):
    """Two codes of a value set, the likeliest first, in the order in which its code system has them."""
    codes = expansion(definitions, url)
    if not codes:
        return []
    order = []
    def walk(system, concepts):
        for concept in concepts:
            order.append((system, one(concept, "code")))
            walk(system, concept.get("concept", []))
    for system in sorted({system for system, _ in codes}):
        walk(system, definitions.code_systems.get(system, {}).get("concept", []))
    known = [code for code in order if code in codes] or sorted(codes)
    usual = [code for name in USUAL_CODES for code in known if code[1] == name]
    likely = [code for code in known if code[1] not in ODD]
    return list(dict.fromkeys(usual[:1] + likely + known))[:2]

def elements_of(definitions):
    """The lines of the table: what each resource, and each of its elements that has elements of its own, must have."""
    found = {}
    paths = {path.rpartition(".")[0] for path in definitions.elements if "." in path}
    for path, element in definitions.elements.items():
        if path.partition(".")[0] not in definitions.concrete():
            continue
        types = list(element.types)
        # What a type requires stands where an element has it: `ActivityDefinition.useContext`.
        of = path if path in paths else types[0] if len(types) == 1 else path
        words = [written(definitions, *child) for child in required_below(definitions, of)]
        if words and of not in ("BackboneElement", "Element", "Extension", "Narrative"):
            found[path] = words
    for name in definitions.concrete():
        words = [written(definitions, *child) for child in required_below(definitions, name)]
        if words:
            found[name] = words
    for path in coded(definitions):
        element = definitions.elements.get(path)
        if element and not element.required and list(element.types) == ["code"]:
            word = written(definitions, path, element)
            if "=" in word:
                found.setdefault(path.rpartition(".")[0], []).append("?" + word)
    return found

def coded(definitions):
    """The elements that tokens are searched in."""
    found = {}
    for (of, _), (kind, paths, _) in parameters_of(definitions).items():
        if kind == "token":
            for path in paths:
                found[of + "." + re.sub(r"\(.*?\)|[*!]|#0|\[x\]", "", re.split("[:>]", path)[0])] = None
    return found

def write_elements(all_definitions):
    tables = {definitions.version: elements_of(definitions) for definitions in all_definitions}
    print(ELEMENTS_HEADER, end="")
    for path in sorted({path for table in tables.values() for path in table}):
        words = masked({version: table.get(path, []) for version, table in tables.items()})
        print(" ".join([path] + words))


definitions = [Definitions(version) for version in VERSIONS]
{"parameters": write_parameters, "elements": write_elements}[sys.argv[1]](definitions)

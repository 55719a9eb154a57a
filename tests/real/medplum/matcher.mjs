// Holds resources against criteria with Medplum's own matcher.
//
//   node matcher.mjs VERSION MODULES < QUESTION > ANSWER
//
// MODULES is the directory `node_modules` with `core-VERSION` and `definitions-VERSION`. The question is
// {"criteria": ["Patient?name=a"], "tried": [[0, 2]], "resources": [{…}]}: for each criteria the numbers of the
// resources that it is held against. The answer has for each criteria the numbers of those for which it fires, or why no
// resource could make it fire: {"fires": [2]} or {"never": "…"}.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

// The client that stands in the same module asks for one when it is loaded, which Node has from version 22 on.
globalThis.WebSocket ??= class {};

const [version, modules] = process.argv.slice(2);
const esm = path.join(modules, `core-${version}`, "dist/esm/index.mjs");
const core = await import(pathToFileURL(esm));

// What Medplum's server loads, in its order.
const definitions = path.join(modules, `definitions-${version}`, "dist/fhir/r4");
const read = (file) => JSON.parse(fs.readFileSync(path.join(definitions, file), "utf8"));
for (const file of ["profiles-types.json", "profiles-resources.json", "profiles-medplum.json"]) {
  core.indexStructureDefinitionBundle(read(file));
}
for (const file of ["search-parameters.json", "search-parameters-medplum.json", "search-parameters-uscore.json"]) {
  core.indexSearchParameterBundle(read(file));
}

/** The types of parameters that `matchesSearchRequest` knows. It fails all others, but for `:missing`. */
const MATCHED = ["reference", "string", "uri", "token", "date"];

/** Why the criteria cannot fire, whatever the resource is. */
function never(request) {
  for (const filter of request.filters ?? []) {
    const parameter = core.globalSchema.types[request.resourceType]?.searchParams?.[filter.code];
    if (!parameter) {
      return `it has no parameter ${filter.code}`;
    }
    if (!["missing", "present"].includes(filter.operator) && !MATCHED.includes(parameter.type)) {
      return `it matches no ${parameter.type}`;
    }
  }
  return undefined;
}

function answer(criteria, tried, resources) {
  let request;
  try {
    request = core.parseSearchRequest(criteria);
  } catch (error) {
    return { never: `it cannot be read: ${error.message}` };
  }
  const reason = never(request);
  if (reason) {
    return { never: reason };
  }
  const fires = [];
  for (const number of tried) {
    try {
      if (core.matchesSearchRequest(resources[number], request)) {
        fires.push(number);
      }
    } catch {
      // Of a date that is none, say: the server fires for no change that it cannot evaluate.
    }
  }
  return { fires };
}

const question = JSON.parse(fs.readFileSync(0, "utf8"));
const answers = question.criteria.map((criteria, number) => answer(criteria, question.tried[number], question.resources));
fs.writeFileSync(1, JSON.stringify(answers));

// The resources of the sandbox.
const MOST_RESOURCES = 200;
let shownKind = null;

async function listKinds() {
  const place = find('kind');
  const answer = await news(place, 'api/kinds');
  if (answer?.ok) {
    const kinds = answer.json;
    shownKind ??= kinds.find(([name]) => !['Subscription', 'SubscriptionTopic', 'Basic', 'AuditEvent'].includes(name))?.[0] ?? kinds[0]?.[0] ?? null;
    show(place, ...kinds.map(([name, count]) => make('option', { value: name }, `${name} (${count})`)));
  }
  place.value = shownKind;
}

function listSamples() {
  const endpoints = program.handlers.filter((handler) => handler.hasSample).map((handler) => handler.endpoint);
  const options = () => endpoints.map((endpoint) => make('option', { value: endpoint }, endpoint));
  show(find('sample'), make('option', { value: '' }, 'Create a sample'), ...options());
  show(find('sample-handler'), ...options());
  find('sample-handler').hidden = endpoints.length < 2;
}

async function listResources() {
  await listKinds();
  if (!shownKind) return;
  const list = find('resource-list');
  const answer = await news(list, `api/fhir/${shownKind}?_count=${MOST_RESOURCES}&_sort=-_lastUpdated`);
  if (!answer) return;
  const entries = (answer.json?.entry ?? []).map((entry) => entry.resource);
  const total = answer.json?.total ?? entries.length;
  find('no-resources').hidden = entries.length > 0;
  find('more-resources').hidden = total <= entries.length;
  find('more-resources').textContent = `The list has the newest ${entries.length} of ${total} resources.`;
  show(list, ...entries.map((resource) => {
    const name = `${resource.resourceType}/${resource.id}`;
    return make('li', {}, make('button', { 'data-name': name, 'aria-current': String(name === find('resource').current), onclick: () => showResource(name) },
      make('span', { class: 'row' }, make('span', { class: 'mono' }, name), make('span', { class: 'dim' }, resource.status ?? '')),
      make('span', { class: 'row dim' }, make('span', {}, `version ${resource.meta?.versionId}`), make('span', {}, time(resource.meta?.lastUpdated)))));
  }));
}

async function showResource(name) {
  const place = find('resource');
  place.current = name;
  for (const button of find('resource-list').querySelectorAll('button')) button.setAttribute('aria-current', String(button.dataset.name === name));
  const answer = await ask(`api/pretty/${name}`);
  if (place.current !== name) return;
  open('resources', true);
  const there = answer.ok;
  const version = answer.json?.meta?.versionId;
  show(place, back('resources'), make('h2', { class: 'mono' }, name),
    make('div', { class: 'actions' },
      there ? make('button', { class: 'main', onclick: () => editResource('PUT', name, answer.text, [], version) }, 'Change') : null,
      there ? make('button', { class: 'danger', onclick: () => removeResource(name) }, 'Delete') : null,
      make('button', { onclick: () => showHistory(name) }, 'History')),
    there ? jsonView(answer.text) : make('p', {}, reason(answer)));
}

async function removeResource(name) {
  const answer = await ask(`api/fhir/${name}`, { method: 'DELETE' });
  await listResources();
  await showResource(name);
  say(answer.ok ? `${name} is deleted` : `It was not deleted: ${reason(answer)}`);
}

async function showHistory(name) {
  find('resource').current = name;
  const answer = await ask(`api/fhir/${name}/_history`);
  if (find('resource').current !== name) return;
  const entries = answer.json?.entry ?? [];
  const version = (entry) => {
    const resource = entry.resource;
    const number = resource?.meta?.versionId ?? entry.request?.url?.split('/').pop();
    const what = entry.request?.method === 'DELETE' ? 'deleted' : entry.request?.method === 'POST' ? 'created' : 'written';
    return make('div', { class: 'card' }, make('div', { class: 'row' }, make('h3', {}, resource ? `Version ${number}` : 'Deletion'), make('span', { class: 'dim' }, `${what} ${time(resource?.meta?.lastUpdated ?? entry.response?.lastModified)}`)),
      resource ? jsonView(JSON.stringify(resource, null, 2)) : null);
  };
  show(find('resource'), back('resources'), make('h2', {}, `History of ${name}`),
    make('div', { class: 'actions' }, make('button', { onclick: () => showResource(name) }, 'Show the resource')),
    ...(answer.ok ? entries.map(version) : [make('p', {}, reason(answer))]));
}

async function sampleResource(endpoint) {
  const answer = await ask(`api/samples/${endpoint}`);
  if (!answer.ok) return say(reason(answer));
  const { resource, others } = answer.json;
  const name = resource.id ? `${resource.resourceType}/${resource.id}` : resource.resourceType;
  await editResource(resource.id ? 'PUT' : 'POST', name, JSON.stringify(resource, null, 2), others);
}

async function editResource(method, name, text, others, version) {
  const body = make('textarea', { id: 'resource-body', rows: '24', spellcheck: 'false' });
  body.value = text;
  const refused = make('p', { class: 'failed', role: 'alert' });
  const submit = async (event) => {
    event.preventDefault();
    for (const other of others) {
      await ask(`api/fhir/${other.resourceType}/${other.id}`, { method: 'PUT', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify(other) });
    }
    // A handler may have changed it since.
    const condition = version ? { 'if-match': `W/"${version}"` } : {};
    const answer = await ask(`api/fhir/${name}`, { method, headers: { 'content-type': 'application/fhir+json', ...condition }, body: body.value });
    if (!answer.ok) {
      refused.textContent = `The sandbox refuses it: ${reason(answer)}`;
      return;
    }
    const written = answer.json;
    shownKind = written.resourceType;
    await listResources();
    await showResource(`${written.resourceType}/${written.id}`);
    say(`${written.resourceType}/${written.id} is version ${written.meta.versionId}`);
  };
  show(find('resource'), back('resources'), make('h2', {}, method === 'POST' ? `Create: ${name}` : `Change: ${name}`),
    make('form', { onsubmit: submit }, make('label', { for: 'resource-body' }, 'Resource'), body, jsonHint(body), refused,
      make('div', { class: 'actions' }, make('button', { class: 'main' }, method === 'POST' ? 'Create' : 'Save'),
        make('button', { type: 'button', onclick: () => (name.includes('/') ? showResource(name) : closeDetail('resources')) }, 'Cancel'))));
  open('resources', true);
  body.focus();
}

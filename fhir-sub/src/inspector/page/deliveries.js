// Deliveries, live.
const MOST_DELIVERIES = 1000;
// The program has the same limit: requests of strangers must not displace the deliveries of the server.
const MOST_OF_STRANGERS = 50;
const deliveries = new Map();
let chosen = null;

// The worst that became of its events.
const GRAVITY = ['fine', 'doubtful', 'refused', 'failed'];
function gravest(delivery) {
  return delivery.events.reduce((worst, event) => (GRAVITY.indexOf(event.severity) > GRAVITY.indexOf(worst.severity) ? event : worst), delivery.events[0]);
}

const about = (event) => [event.interaction === 'unknown' ? null : event.interaction, event.reference, event.version && `version ${event.version}`, event.number != null && `number ${event.number}`].filter(Boolean).join(' · ');

function entry(delivery) {
  const worst = gravest(delivery);
  const first = delivery.events[0];
  const more = delivery.events.length > 1 ? ` and ${delivery.events.length - 1} more` : '';
  const tries = Math.max(...delivery.events.map((event) => event.tries));
  return make('li', { class: 'new', 'data-id': delivery.id },
    make('button', { 'aria-current': String(delivery.id === chosen), onclick: () => choose(delivery.id) },
      make('span', { class: 'row' }, make('span', {}, first.endpoint ?? 'unknown'), make('span', { class: `badge ${worst.severity}` }, worst.outcome)),
      make('span', { class: 'row dim' }, make('span', { class: 'mono' }, (about(first) || `${delivery.method} ${delivery.path}`) + more), make('span', {}, `${delivery.milliseconds} ms`)),
      make('span', { class: 'row dim' }, make('span', {}, `#${delivery.id} · ${time(delivery.at)}`),
        make('span', {}, [tries > 1 && `try ${tries}`, delivery.origin === 'desk' && (delivery.again ? `from #${delivery.again}` : 'sent here')].filter(Boolean).join(' · ')))));
}

function matches(delivery) {
  const words = find('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = JSON.stringify([delivery.path, delivery.events.map((event) => [event.endpoint, event.reference, event.outcome, event.interaction])]).toLowerCase();
  return words.every((word) => text.includes(word));
}

function listDeliveries() {
  const shown = [...deliveries.values()].filter(matches).reverse();
  show(find('delivery-list'), ...shown.map(entry));
  find('no-deliveries').hidden = deliveries.size > 0;
}

function drop(id) {
  deliveries.delete(id);
  find('delivery-list').querySelector(`[data-id="${id}"]`)?.remove();
}

function come(delivery) {
  deliveries.set(delivery.id, delivery);
  const strangers = [...deliveries.values()].filter((it) => it.status === 401);
  if (strangers.length > MOST_OF_STRANGERS) drop(strangers[0].id);
  if (deliveries.size > MOST_DELIVERIES) drop(deliveries.keys().next().value);
  find('no-deliveries').hidden = true;
  if (matches(delivery)) find('delivery-list').prepend(entry(delivery));
  if (chosen === null && !narrow.matches && !find('delivery').querySelector('form')) choose(delivery.id);
}

async function choose(id) {
  chosen = id;
  for (const item of find('delivery-list').children) {
    item.firstChild.setAttribute('aria-current', String(item.dataset.id === String(id)));
  }
  const answer = await ask(`api/deliveries/${id}`);
  if (chosen !== id) return;
  open('deliveries', true);
  if (!answer.ok) return show(find('delivery'), back('deliveries'), make('p', {}, reason(answer)));
  showDelivery(answer.json);
}

function eventView(event) {
  const badge = make('span', { class: `badge ${event.severity}` }, event.outcome);
  const notes = [event.isDuplicate && 'a duplicate: the handler did not run', event.tries > 1 && `sent ${event.tries} times by now`, event.givenUp && 'now a dead letter'].filter(Boolean).join('; ');
  const error = event.errorText ?? event.errorKind;
  return make('div', {},
    make('p', {}, badge, ' ', make('span', { class: 'mono' }, about(event) || 'no resource is named'), notes ? make('span', { class: 'dim' }, ` (${notes})`) : null),
    error ? make('pre', { class: 'box error', tabindex: '0' }, [error, event.errorText && event.errorKind && event.errorKind !== 'message' && `(${event.errorKind})`, event.errorPlace && `at ${event.errorPlace}`].filter(Boolean).join('\n')) : null);
}

// Whether the browser sends this path unchanged. A stranger chooses the path of a request that the program refuses, and the browser
// would turn `send/../api/register` into a request to this page.
const isPlain = (path) => path.startsWith('/') && !/\/\/|[\\?#\u0000-\u0020\u007f]/.test(path) && !path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
const ODD_PATH = 'This page does not send it: its path has a `.` or `..` segment, `//`, a blank, `\\`, `?` or `#`, so the browser would send it to another address.';

function showDelivery(delivery) {
  const place = find('delivery');
  const plain = isPlain(delivery.path);
  const first = delivery.events[0];
  const again = delivery.again ? make('button', { onclick: () => choose(delivery.again) }, `Sent from #${delivery.again}`) : null;
  show(place,
    back('deliveries'),
    make('h2', {}, `${first.endpoint ?? delivery.path} `, make('span', { class: 'dim' }, `#${delivery.id}`)),
    make('div', { class: 'actions' },
      plain ? make('button', { class: 'main', onclick: () => sendAgain(delivery) }, 'Send again') : null,
      plain ? make('button', { onclick: () => edit(delivery) }, 'Edit and send again') : null,
      make('button', { onclick: () => copyTest(delivery) }, 'Copy as test'),
      plain ? make('button', { onclick: () => copyCommand(delivery) }, 'Copy as curl') : null,
      again),
    plain ? null : make('p', { class: 'dim' }, ODD_PATH),
    ...delivery.events.map(eventView),
    make('dl', {},
      make('dt', {}, 'Request'), make('dd', { class: 'mono' }, `${delivery.method} ${delivery.path}`),
      make('dt', {}, 'Answer'), make('dd', {}, `${delivery.status} in ${delivery.milliseconds} ms`),
      make('dt', {}, 'What comes next'), make('dd', {}, delivery.next),
      make('dt', {}, 'Came'), make('dd', {}, `${time(delivery.at)}${delivery.origin === 'desk' ? ', from this page' : ', from the server'}`),
      ...Object.entries(delivery.headers).flatMap(([name, value]) => [make('dt', {}, name), make('dd', { class: 'mono' }, value)])),
    make('h3', {}, 'Body'),
    delivery.body === '' ? make('p', { class: 'dim' }, 'It has no body.') : delivery.pretty == null ? make('pre', { class: 'box', tabindex: '0' }, delivery.body) : jsonView(delivery.pretty),
    delivery.answer === '' ? null : make('h3', {}, 'Body of the answer'),
    delivery.answer === '' ? null : jsonView(delivery.answer));
  place.current = delivery;
  place.scrollTop = 0;
}

const sendAgain = (delivery) => send({ ...delivery, again: delivery.id });
const copyTest = (delivery) => copy(delivery.test, 'The test');
const copyCommand = (delivery) => (delivery.curl ? copy(delivery.curl, 'The curl command') : say(ODD_PATH));

// Sends a request through the program, and jumps to what became of it.
async function send({ method, path, headers, body, again, asServer }) {
  if (!isPlain(path)) return say(ODD_PATH);
  const query = new URLSearchParams();
  if (again) query.set('again', again);
  if (asServer) query.set('as', 'server');
  const bare = method === 'DELETE' || body === '';
  const answer = await ask(`send${path}?${query}`, { method, headers, body: bare ? undefined : body });
  const id = Number(answer.headers.get('x-delivery'));
  if (!id) return say(`It was not sent: ${reason(answer)}`);
  say(`#${id}: answered ${answer.status}`);
  await choose(id);
}

function edit(delivery) {
  if (!isPlain(delivery.path)) return say(ODD_PATH);
  const place = find('delivery');
  const method = make('select', { id: 'edit-method', 'aria-label': 'Method' }, ...['POST', 'PUT', 'DELETE'].map((name) => make('option', { selected: name === delivery.method }, name)));
  const path = make('input', { id: 'edit-path', class: 'mono', 'aria-label': 'Path', value: delivery.path });
  const headers = make('textarea', { id: 'edit-headers', rows: '3', spellcheck: 'false' });
  headers.value = Object.entries(delivery.headers).map(([name, value]) => `${name}: ${value}`).join('\n');
  const body = make('textarea', { id: 'edit-body', rows: '20', spellcheck: 'false' });
  body.value = delivery.pretty ?? delivery.body;
  const asServer = make('input', { type: 'checkbox', id: 'edit-as-server' });
  const hint = jsonHint(body);
  const submit = (event) => {
    event.preventDefault();
    const lines = headers.value.split('\n').map((line) => /^([^:\s]+):\s*(.*)$/.exec(line.trim())).filter(Boolean);
    chosen = null;
    send({ method: method.value, path: path.value.startsWith('/') ? path.value : `/${path.value}`, headers: Object.fromEntries(lines.map(([, name, value]) => [name, value])), body: body.value, again: delivery.id, asServer: asServer.checked });
  };
  const form = make('form', { onsubmit: submit },
    make('label', { for: 'edit-path' }, 'Request'), make('div', { class: 'line' }, method, path),
    make('label', { for: 'edit-headers' }, 'Headers'), headers,
    make('label', { for: 'edit-body' }, 'Body'), body, hint,
    make('label', { class: 'check' }, asServer, 'As the server would: do not run the handler if the event was handled before'),
    make('div', { class: 'actions' }, make('button', { class: 'main' }, 'Send'), make('button', { type: 'button', onclick: () => (delivery.id ? choose(delivery.id) : closeDetail('deliveries')) }, 'Cancel')));
  show(place, make('h2', {}, delivery.id ? `Edit #${delivery.id}` : 'Send a sample'), form);
  place.current = null;
  open('deliveries', true);
  body.focus();
}

// Says below a text area whether its text is JSON.
function jsonHint(area) {
  const hint = make('p', { class: 'dim', 'aria-live': 'polite' });
  const look = () => {
    try {
      if (area.value !== '') JSON.parse(area.value);
      hint.textContent = '';
    } catch (error) {
      hint.textContent = `This is not JSON: ${error.message}`;
    }
  };
  area.addEventListener('input', look);
  look();
  return hint;
}

// The sample of the chosen handler, as the notification by which the server would report it.
async function sampleDelivery() {
  const endpoint = find('sample-handler').value;
  if (!endpoint) return say('No handler has a sample.');
  const answer = await ask(`api/samples/${endpoint}`);
  if (!answer.ok) return say(reason(answer));
  const { method, path, headers, body } = answer.json;
  edit({ id: null, method, path, headers, body });
}

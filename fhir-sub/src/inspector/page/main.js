// The page as a whole: its views, its keys, and the stream of deliveries.
const VIEWS = ['deliveries', 'subscriptions', 'resources', 'letters'];
const LISTED = { subscriptions: listSubscriptions, resources: listResources, letters: listLetters };
const narrow = matchMedia('(max-width: 760px)');
let program = { handlers: [] };
let view = 'deliveries';

function turn(name, focus) {
  view = name;
  for (const other of VIEWS) {
    find(other).hidden = other !== name;
    const tab = find(`tab-${other}`);
    tab.setAttribute('aria-selected', String(other === name));
    tab.tabIndex = other === name ? 0 : -1;
  }
  if (focus) find(`tab-${name}`).focus();
  LISTED[name]?.();
}

// On a small screen, the list or what was chosen of it.
function open(name, is) {
  find(name).classList.toggle('open', is);
}

function closeDetail(name) {
  open(name, false);
  const place = find(name === 'deliveries' ? 'delivery' : 'resource');
  if (place.querySelector('form')) show(place, make('p', { class: 'dim' }, 'Choose one of the list.'));
}

const back = (name) => make('button', { class: 'back', onclick: () => closeDetail(name) }, '← Back');

// Lists again the things that a delivery may have changed. A page that is opened gets up to 1,000 kept deliveries at once, so this waits, and lists
// once for all deliveries of that time.
const REFRESH_EVERY = 250;
let refresh = null;
function refreshSoon() {
  refresh ??= setTimeout(() => {
    refresh = null;
    if (view === 'resources' && !find('resource').querySelector('form')) listResources();
    listLetters();
  }, REFRESH_EVERY);
}

function follow() {
  const last = Math.max(0, ...deliveries.keys());
  const stream = new EventSource(`api/live?after=${last}`);
  stream.addEventListener('open', () => {
    find('live').textContent = 'live';
    find('live').className = 'live fine';
  });
  stream.addEventListener('delivery', (event) => {
    come(JSON.parse(event.data));
    refreshSoon();
  });
  stream.addEventListener('error', () => {
    find('live').textContent = 'the program has stopped: its next run prints another URL';
    find('live').className = 'live failed';
    stream.close();
    setTimeout(follow, 1000);
  });
}

// The lists from which something is chosen.
const LISTS = { deliveries: 'delivery-list', resources: 'resource-list' };
function stepBy(by) {
  if (LISTS[view]) step(find(LISTS[view]), by);
}

const KEYS = {
  j: () => stepBy(1),
  k: () => stepBy(-1),
  s: (delivery) => delivery && sendAgain(delivery),
  e: (delivery) => delivery && edit(delivery),
  t: (delivery) => delivery && copyTest(delivery),
  c: (delivery) => delivery && copyCommand(delivery),
  '/': () => { turn('deliveries'); open('deliveries', false); find('filter').focus(); },
  '?': () => find('keys').showModal(),
};

function press(event) {
  if (event.key === 'Escape' && !find('keys').open) {
    if (view === 'deliveries' || view === 'resources') closeDetail(view);
    return event.target.blur?.();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select') || find('keys').open) return;
  if (event.repeat && event.key === 's') return;
  const number = Number(event.key);
  if (number >= 1 && number <= VIEWS.length) return turn(VIEWS[number - 1], true);
  const key = KEYS[event.key];
  if (!key) return;
  event.preventDefault();
  key(view === 'deliveries' ? find('delivery').current : null);
}

function tabs(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const shown = VIEWS.filter((name) => !find(`tab-${name}`).hidden);
  turn(shown[(shown.indexOf(view) + by + shown.length) % shown.length], true);
}

async function begin() {
  const answer = await ask('api/program');
  if (!answer.ok) return say(reason(answer));
  program = answer.json;
  find('program').textContent = program.name;
  document.title = `${program.name}: deliveries`;
  find('where').textContent = `${program.url} · ${program.server} · ${program.fhirUrl}`;
  find('tab-resources').hidden = !program.hasSandbox;
  if (!program.hasSandbox) VIEWS.splice(VIEWS.indexOf('resources'), 1);
  for (const name of VIEWS) find(`tab-${name}`).addEventListener('click', () => turn(name));
  document.querySelector('nav').addEventListener('keydown', tabs);
  document.addEventListener('keydown', press);
  find('filter').addEventListener('input', listDeliveries);
  find('new-delivery').addEventListener('click', sampleDelivery);
  find('help-button').addEventListener('click', () => find('keys').showModal());
  find('kind').addEventListener('change', (event) => { shownKind = event.target.value; listResources(); });
  find('sample').addEventListener('change', (event) => {
    if (event.target.value) sampleResource(event.target.value);
    event.target.value = '';
  });
  if (program.hasSandbox) listSamples();
  else {
    find('new-delivery').hidden = true;
    find('no-deliveries').textContent = 'No delivery has come yet.';
  }
  follow();
  listLetters();
}
begin();

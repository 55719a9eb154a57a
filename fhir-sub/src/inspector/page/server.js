// Subscriptions and dead letters.
const named = (of) => (of.tenant ? `${of.tenant}: ${of.endpoint}` : of.endpoint);

async function listSubscriptions() {
  const place = find('subscriptions');
  const answer = await news(place, 'api/subscriptions');
  if (!answer) return;
  if (!answer.ok) return show(place, make('p', {}, reason(answer)));
  const rows = answer.json.subscriptions.map((row) => {
    const sound = row.status === 'active' && !row.drift.length;
    const handler = program.handlers.find((handler) => handler.endpoint === row.endpoint);
    return make('div', { class: 'card' },
      make('div', { class: 'row' }, make('h2', {}, named(row)), make('span', { class: `badge ${sound ? 'fine' : row.status === 'active' ? 'doubtful' : 'failed'}` }, row.drift.length ? `${row.status}, drifted` : row.status)),
      make('dl', {},
        make('dt', {}, 'Handler'), make('dd', { class: 'mono' }, handler ? `${handler.handler} (${handler.place})` : ''),
        make('dt', {}, 'Watches'), make('dd', { class: 'mono' }, row.criteria),
        make('dt', {}, 'Wants'), make('dd', {}, handler?.interactions.join(', ') ?? ''),
        make('dt', {}, 'Subscription'), make('dd', { class: 'mono' }, row.subscription ?? 'none'),
        make('dt', {}, 'Drift'), make('dd', {}, row.drift.length ? row.drift.join('; ') : 'none'),
        make('dt', {}, 'Last error'), make('dd', {}, row.error ?? 'none'),
        ...(row.events == null ? [] : [make('dt', {}, 'Events'), make('dd', {}, String(row.events))]),
        ...row.notes.flatMap((note) => [make('dt', {}, 'Note'), make('dd', {}, note)])));
  });
  show(place, make('div', { class: 'actions' }, make('button', { onclick: listSubscriptions }, 'Look again'), make('button', { onclick: register }, 'Register')), ...rows);
}

async function register() {
  const answer = await ask('api/register', { method: 'POST' });
  await listSubscriptions();
  say(answer.ok ? 'Every subscription is as wanted' : `Not every subscription is as wanted: ${reason(answer)}`);
}

async function listLetters() {
  const place = find('letters');
  const answer = await news(place, 'api/dead-letters');
  if (!answer) return;
  if (!answer.ok) return show(place, make('p', {}, reason(answer)));
  const letters = answer.json.deadLetters;
  find('tab-letters').textContent = letters.length ? `Dead letters (${letters.length})` : 'Dead letters';
  const act = async (event, letter, method, done) => {
    const buttons = [...event.target.parentElement.children];
    for (const button of buttons) button.disabled = true;
    const answer = await ask(`api/dead-letters/${letter.key}`, { method });
    await listLetters();
    for (const button of buttons) button.disabled = false;
    say(answer.ok ? done(answer.json) : reason(answer));
  };
  const card = (letter) => make('div', { class: 'card' },
    make('div', { class: 'row' }, make('h2', {}, named(letter)), make('span', { class: 'badge failed' }, letter.outcome)),
    make('dl', {},
      make('dt', {}, 'Resource'), make('dd', { class: 'mono' }, letter.reference ?? 'none'),
      make('dt', {}, 'Version'), make('dd', {}, letter.versionId ?? 'not told'),
      make('dt', {}, 'Interaction'), make('dd', {}, letter.interaction),
      make('dt', {}, 'Tries'), make('dd', {}, String(letter.tries)),
      make('dt', {}, 'Error'), make('dd', {}, letter.errorKind === 'message' ? "the handler's own message: see its delivery, or the log" : letter.errorKind ?? 'none'),
      make('dt', {}, 'Given up'), make('dd', {}, new Date(letter.since).toLocaleString()),
      make('dt', {}, 'Key'), make('dd', { class: 'mono' }, letter.key.slice(0, 16))),
    make('p', { class: 'dim' }, `Retry runs the handler with ${letter.versionId ? `version ${letter.versionId} if the server still has it, else with the current version` : 'the current version'}.`),
    make('div', { class: 'actions' },
      make('button', { class: 'main', onclick: (event) => act(event, letter, 'POST', (json) => `The handler ran again: ${json.outcome}`) }, 'Retry'),
      make('button', { class: 'danger', onclick: (event) => act(event, letter, 'DELETE', () => 'The dead letter is dropped') }, 'Drop')));
  show(place, ...(letters.length ? letters.map(card) : [make('p', { class: 'dim' }, 'No event was given up.')]));
}

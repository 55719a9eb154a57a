// What the views are made of. Nothing here reads HTML, so no text of a resource can become an element.
const find = (id) => document.getElementById(id);

// An element: make('p', { class: 'dim' }, 'text', another).
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function show(place, ...children) {
  place.replaceChildren(...children.filter((child) => child != null));
}

let silence;
function say(text) {
  find('said').textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { find('said').textContent = ''; }, 4000);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, what is selected can be copied.
    const area = make('textarea', { 'aria-label': what });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  say(`${what} is copied`);
}

// Every request of this page goes below its own address, which has the token. `fetch` throws if the program has stopped, or
// if the browser does not accept the method, a header or the body.
async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: 'no-store', redirect: 'error', ...options });
  } catch (error) {
    return { status: 0, ok: false, text: `the browser has no answer of the program (${error.message})`, json: null, headers: new Headers() };
  }
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* not every answer is JSON */ }
  return { status: answer.status, ok: answer.ok, text, json, headers: answer.headers };
}

// What `place` is to show; null where it shows that already, or an answer to a later question. Each delivery asks anew, and no
// button may be replaced while it is pressed.
async function news(place, path) {
  const turn = place.turn = (place.turn ?? 0) + 1;
  const answer = await ask(path);
  const text = `${path} ${answer.text}`;
  if (turn < place.shownTurn) return null;
  place.shownTurn = turn;
  if (place.shownText === text) return null;
  place.shownText = text;
  return answer;
}

// Why the sandbox, or the program, refuses something.
function reason(answer) {
  const issue = answer.json?.issue?.[0];
  return issue?.details?.text ?? issue?.diagnostics ?? answer.json?.error ?? (answer.text || `answered ${answer.status}`);
}

const time = (instant) => new Date(instant).toLocaleTimeString();

// JSON as the server has pretty-printed it, each object and list to be folded.
const MOST_LINES = 4000;
function jsonView(text) {
  const view = make('div', { class: 'json box', tabindex: '0', role: 'group', 'aria-label': 'JSON' });
  const lines = text.split('\n');
  if (lines.length > MOST_LINES) {
    return make('pre', { class: 'box', tabindex: '0' }, text);
  }
  let at = 0;
  const line = (text) => {
    const key = /^(\s*)("(?:[^"\\]|\\.)*")(: .*)$/s.exec(text);
    return key ? [make('span', { class: 'key' }, key[2]), key[3]] : [text.trimStart()];
  };
  const block = (place, depth) => {
    while (at < lines.length) {
      const text = lines[at++];
      if (/^\s*[}\]]/.test(text)) return text;
      if (!/[{[]$/.test(text)) {
        place.append(make('div', {}, ...line(text)));
        continue;
      }
      const inner = make('div', { class: 'in' });
      const start = at;
      const end = block(inner, depth + 1) ?? '';
      const count = at - start - 1;
      const details = make('details', {}, make('summary', { 'data-rest': ` … ${end.trim()}  ${count} lines` }, ...line(text)), inner, make('div', {}, end.trim()));
      details.open = depth < 2 || count < 8;
      place.append(details);
    }
    return null;
  };
  block(view, 0);
  return view;
}

// Turns a list of buttons into one that the arrow keys go through.
function step(list, by) {
  const buttons = [...list.querySelectorAll('button')];
  if (!buttons.length) return;
  const current = buttons.findIndex((button) => button.getAttribute('aria-current') === 'true');
  const next = buttons[Math.min(Math.max(current + by, 0), buttons.length - 1)];
  next.focus();
  next.click();
}

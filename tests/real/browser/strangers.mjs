// What a stranger can do to the page: nothing.
import assert from 'node:assert/strict';
import http from 'node:http';

import { browse, open, start, step, stopAll } from './kit.mjs';

const program = await start(`${process.env.CARGO_TARGET_DIR}/debug/desk`, []);
const browser = await browse();

// What a request is answered; with any header, which `fetch` would not send.
const answered = (url, headers = {}) => new Promise((resolve, reject) => {
  http.get(url, { headers }, (answer) => { answer.resume(); resolve(answer.statusCode); }).on('error', reject);
});

try {
  await step('strangers are refused', async () => {
    const { origin, host } = new URL(program.url);
    const port = host.split(':')[1];
    assert.equal(await answered(program.url), 200);
    for (const path of ['', 'api/program', 'api/live']) assert.equal(await answered(`${origin}/${'0'.repeat(32)}/${path}`), 401, path);
    assert.equal(await answered(`${origin}/`), 401);
    for (const other of ['rebound.example', `rebound.example:${port}`, `localhost.:${port}`, `127.0.0.1.:${port}`, `127.0.0.1:${port}.`, '127.0.0.1']) assert.equal(await answered(program.url, { host: other }), 421, other);
    for (const other of ['http://evil.example', 'null', `${origin}0`]) assert.equal(await answered(`${program.url}api/program`, { origin: other }), 403, other);
    assert.equal(await answered(`${program.url}api/program`, { origin }), 200);
  });
} finally {
  await browser.close();
  stopAll();
}

// Each thing that the page can do, as a person does it, on a wide and on a narrow screen.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import http from 'node:http';

import { accessible, browse, clipboard, fits, open, shot, start, step, stopAll } from './kit.mjs';

const CANARY = 'Canary<script>alert(1)</script>';
const desk = `${process.env.CARGO_TARGET_DIR}/debug/desk`;
const browser = await browse();

try {
  for (const [name, options] of [
    ['1280', { viewport: { width: 1280, height: 900 } }],
    ['390', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ]) {
    const isNarrow = name === '390';
    // A program for each: HAPI sends nothing more of a subscription until it has given up what fails.
    const program = await start(desk, []);
    const fhir = async (method, path, resource) => {
      const answer = await fetch(`${program.fhir}/${path}`, { method, headers: { 'content-type': 'application/fhir+json' }, body: resource && JSON.stringify(resource) });
      assert.ok(answer.ok, `${method} ${path} was answered ${answer.status}`);
      return answer.json();
    };
    const created = (resource) => fhir('POST', resource.resourceType, resource);
    const { page, mistakes } = await open(browser, program.url, options);
    const list = page.locator('#delivery-list');
    const detail = page.locator('#delivery');
    const resource = page.locator('#resource');
    const tab = (title) => page.getByRole('tab', { name: title });
    const back = async () => { if (isNarrow) await page.getByRole('button', { name: '← Back' }).click(); };
    // Goes to it with the tabulator alone, and sees where it is.
    const reached = async (control) => {
      for (let tries = 0; tries < 60; tries++) {
        if (await control.evaluate((it) => it === document.activeElement)) {
          const outline = await control.evaluate((it) => getComputedStyle(it).outlineStyle);
          assert.equal(outline, 'solid', 'what has the focus is marked');
          return;
        }
        await page.keyboard.press('Tab');
      }
      assert.fail(`the tabulator does not reach ${control}`);
    };
    const titled = async () => Number(/#(\d+)/.exec(await detail.locator('h2').innerText())[1]);
    // The number of the delivery that is chosen in the list, once the page shows that delivery.
    const current = () => list.locator('li', { has: page.locator('[aria-current=true]') }).getAttribute('data-id');
    const chosen = async () => {
      const id = await current();
      await detail.locator('h2', { hasText: new RegExp(`#${id}$`) }).waitFor();
      return Number(id);
    };
    const checked = async (what) => {
      await fits(page, what);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await shot(page, `${name}-${colorScheme}-${what.replaceAll(' ', '-')}`);
        await accessible(page, `${what}, ${colorScheme}, at ${name}`);
      }
    };

    await step(`${name}: the page says what it is of, and is live`, async () => {
      await page.getByText('live', { exact: true }).waitFor();
      await page.getByText('HAPI FHIR R4').waitFor();
      await checked('the list');
    });

    let first;
    await step(`${name}: a delivery is there, its body shown and folded`, async () => {
      const appointment = await created({ resourceType: 'Appointment', status: 'arrived', comment: CANARY, participant: [{ status: 'accepted', actor: { reference: 'Patient/7', display: CANARY } }], extension: Array.from({ length: 12 }, (_, index) => ({ url: 'http://example.org/e', extension: ['a', 'b', 'c'].map((url) => ({ url, valueDecimal: index })) })) });
      const entry = list.getByRole('button', { name: `Appointment/${appointment.id}` });
      await entry.click();
      await detail.getByText('204 in').waitFor();
      await detail.getByText('nothing: the notification is done').waitFor();
      assert.match(await detail.innerText(), /handled/);
      assert.ok((await detail.locator('.json').first().innerText()).includes(CANARY));
      const folded = detail.locator('.json details:not([open]) > summary').first();
      await folded.click();
      first = await titled();
      await checked('a delivery');
    });

    await step(`${name}: it is sent again, and the page jumps to the new run`, async () => {
      await detail.getByRole('button', { name: 'Send again', exact: true }).click();
      await detail.getByRole('button', { name: `Sent from #${first}` }).waitFor();
      assert.ok((await titled()) > first);
      assert.match(await detail.innerText(), /handled/);
      await detail.getByRole('button', { name: `Sent from #${first}` }).click();
      await detail.locator('h2', { hasText: `#${first}` }).waitFor();
    });

    await step(`${name}: it is edited and sent again, and as the server would send it, a duplicate is told`, async () => {
      await detail.getByRole('button', { name: 'Edit and send again' }).click();
      const body = page.getByLabel('Body', { exact: true });
      const text = await body.inputValue();
      await body.fill(`${text.slice(0, -1)},`);
      await page.getByText('This is not JSON').waitFor();
      await checked('an edit');
      // A header that the browser refuses.
      const headers = page.getByLabel('Headers');
      const kept = await headers.inputValue();
      await headers.fill(`${kept}\nx-ward: →`);
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.locator('#said').getByText('It was not sent').waitFor();
      await headers.fill(kept);
      await body.fill(text.replace('"id": "', '"id": "changed-').replace('Patient/7', 'Patient/8'));
      const path = page.getByLabel('Path');
      await path.fill((await path.inputValue()).replace('/Appointment/', '/Appointment/changed-'));
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await detail.getByText('Appointment/changed-').first().waitFor();
      assert.match(await detail.innerText(), /handled/);
      assert.match(await detail.innerText(), /Patient\/8/);

      await detail.getByRole('button', { name: `Sent from #${first}` }).click();
      await detail.locator('h2', { hasText: `#${first}` }).waitFor();
      await detail.getByRole('button', { name: 'Edit and send again' }).click();
      await page.getByLabel('As the server would').check();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await detail.getByText('a duplicate: the handler did not run').waitFor();
      assert.match(await detail.innerText(), /handled before/);
      await detail.getByRole('button', { name: `Sent from #${first}` }).click();
      await detail.locator('h2', { hasText: `#${first}` }).waitFor();
    });

    await step(`${name}: it is copied as a test and as a curl command, which works`, async () => {
      await detail.getByRole('button', { name: 'Copy as test' }).click();
      await page.getByText('The test is copied').waitFor();
      const test = await clipboard(page);
      assert.match(test, /TestRequest::recorded\(/);
      assert.match(test, /"handled"/);
      await detail.getByRole('button', { name: 'Copy as curl' }).click();
      await page.getByText('The curl command is copied').waitFor();
      const output = execFileSync('sh', ['-c', await clipboard(page)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      assert.match(output, /^HTTP\/1.1 204/);
      await back();
    });

    await step(`${name}: a handler's error, the tries and what comes next are shown`, async () => {
      const observation = await created({ resourceType: 'Observation', status: 'final', code: { text: CANARY } });
      const tries = list.getByRole('button', { name: `Observation/${observation.id}` });
      await tries.first().waitFor();
      await list.getByText('try 2').first().waitFor();
      await tries.first().click();
      await detail.getByText("the ward's system does not take a result without a value").waitFor();
      assert.match(await detail.innerText(), /desk\.rs:\d+/);
      assert.match(await detail.innerText(), /HAPI FHIR sends it again in \d+(\.\d)? s/);
      assert.match(await detail.innerText(), /500 in/);
      await checked('a failure');
      // Mended, it is handled, and HAPI tells no more of the old version for long.
      await detail.getByRole('button', { name: 'Edit and send again' }).click();
      const body = page.getByLabel('Body', { exact: true });
      await body.fill((await body.inputValue()).replace('"status": "final"', '"status": "final", "valueString": "7"'));
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await detail.getByText('204 in').waitFor();
      await back();
      await page.getByLabel('Filter deliveries').fill(`observation/${observation.id} failed`);
      assert.ok((await list.getByRole('button').count()) >= 2);
      await page.getByLabel('Filter deliveries').fill('');
    });

    await step(`${name}: a stranger's request is not sent to this page`, async () => {
      const { hostname, port } = new URL((await (await fetch(`${program.url}api/program`)).json()).url);
      // `fetch` would change the path, as the page's own would.
      await new Promise((resolve, reject) => {
        const request = http.request({ hostname, port, method: 'POST', path: '/../api/register' }, (answer) => answer.resume().on('end', resolve));
        request.on('error', reject).end();
      });
      await list.getByRole('button', { name: '/../api/register' }).click();
      await detail.getByText('This page does not send it').waitFor();
      for (const title of ['Send again', 'Edit and send again', 'Copy as curl']) assert.equal(await detail.getByRole('button', { name: title, exact: true }).count(), 0, title);
      for (const key of ['s', 'e', 'c']) await page.keyboard.press(key);
      await page.locator('#said').getByText('This page does not send it').waitFor();
      assert.equal(await detail.locator('form').count(), 0);
      await checked('an odd path');
      await back();
    });

    await step(`${name}: a sample of a handler is sent`, async () => {
      await page.getByLabel('Handler of the sample').selectOption('arrived-appointments');
      await page.getByRole('button', { name: 'Send a sample' }).click();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await detail.getByText('Appointment/example').first().waitFor();
      assert.match(await detail.innerText(), /handled/);
      await back();
    });

    let task;
    await step(`${name}: a resource is created from a sample, and changed; a refusal is shown`, async () => {
      await tab('Resources').click();
      await page.getByLabel('Create from a sample').selectOption('requested-tasks');
      const [body, create] = [page.locator('#resource-body'), page.getByRole('button', { name: 'Create', exact: true })];
      await body.waitFor();
      const sample = await body.inputValue();
      await body.fill('{"resourceType":"Task","status":"requested"}');
      await create.click();
      await page.getByRole('alert').getByText('Task.intent is required').waitFor();
      await checked('a refused resource');
      await body.fill(sample);
      await create.click();
      const title = resource.locator('h2', { hasText: /^Task\/[^/]+$/ });
      await title.waitFor();
      task = await title.innerText();
      await checked('a resource');
      await resource.getByRole('button', { name: 'Change' }).click();
      await body.fill((await body.inputValue()).replace('"resourceType"', '"description": "Call the ward", "resourceType"'));
      await page.getByRole('button', { name: 'Save' }).click();
      await resource.getByText('Call the ward').waitFor();
    });

    await step(`${name}: it has a history, and one is deleted`, async () => {
      await resource.getByRole('button', { name: 'History' }).click();
      await resource.getByRole('heading', { name: 'Version 2' }).waitFor();
      await resource.getByRole('heading', { name: 'Version 1' }).waitFor();
      await checked('a history');
      await resource.getByRole('button', { name: 'Show the resource' }).click();
      await resource.getByText('Call the ward').waitFor();
      await back();
      await page.getByLabel('Create from a sample').selectOption('arrived-appointments');
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      const title = resource.locator('h2', { hasText: /^Appointment\/[^/]+$/ });
      await title.waitFor();
      const appointment = await title.innerText();
      await resource.getByRole('button', { name: 'Delete' }).click();
      await page.getByText(`${appointment} is deleted`).waitFor();
      await resource.getByRole('button', { name: 'History' }).click();
      await resource.getByRole('heading', { name: 'Deletion' }).waitFor();
      await back();
      assert.equal(await page.locator('#resource-list').getByRole('button', { name: appointment }).count(), 0);
    });

    await step(`${name}: a dead letter is retried, and another dropped`, async () => {
      // The second one comes by no queue, as the first keeps the queue of its subscription busy.
      await tab('Deliveries').click();
      await page.getByLabel('Handler of the sample').selectOption('requested-tasks');
      await page.getByRole('button', { name: 'Send a sample' }).click();
      await page.getByLabel('As the server would').check();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await detail.getByText('failed for good').first().waitFor();
      await back();
      await tab('Dead letters (2)').click();
      const [mended, other] = [task, 'Task/example'].map((text) => page.locator('#letters .card', { has: page.getByText(text, { exact: true }) }));
      await mended.waitFor();
      await other.waitFor();
      await checked('dead letters');
      // HAPI would send the task again, and it would be handled before the page retries it. From now on, it reaches nobody.
      const all = await fhir('GET', 'Subscription');
      const its = all.entry.map((entry) => entry.resource).find((subscription) => subscription.criteria.startsWith('Task'));
      await fhir('PUT', `Subscription/${its.id}`, { ...its, channel: { ...its.channel, endpoint: 'http://127.0.0.1:9/nobody' } });
      await mended.getByRole('button', { name: 'Retry' }).click();
      await page.getByText('The handler ran again: failed for good').waitFor();
      // What it lacks is there now.
      await fhir('PUT', 'Organization/ward', { resourceType: 'Organization', id: 'ward', name: 'The ward' });
      await mended.getByRole('button', { name: 'Retry' }).click();
      await page.getByText('The handler ran again: handled').waitFor();
      await other.getByRole('button', { name: 'Drop' }).click();
      await page.getByText('The dead letter is dropped').waitFor();
      await page.getByText('No event was given up.').waitFor();
    });

    await step(`${name}: subscriptions show drift, and are registered again`, async () => {
      await tab('Subscriptions').click();
      const card = page.locator('#subscriptions .card', { hasText: 'final-results' });
      await card.getByText('active', { exact: true }).waitFor();
      assert.match(await card.innerText(), /Drift\s+none/);
      await checked('subscriptions');
      const subscription = await card.locator('dd', { hasText: 'Subscription/' }).innerText();
      const there = await fhir('GET', subscription);
      await fhir('PUT', subscription, { ...there, reason: 'Changed by someone else', status: 'error', error: 'Connection refused' });
      await page.getByRole('button', { name: 'Look again' }).click();
      await card.getByText('reason').waitFor();
      await card.getByText('error, drifted').waitFor();
      assert.match(await card.innerText(), /Last error\s+Connection refused/);
      await checked('a drift');
      await page.getByRole('button', { name: 'Register' }).click();
      await page.getByText('Every subscription is as wanted').waitFor();
      await page.waitForFunction(() => !document.querySelector('#subscriptions').innerText.includes('reason'));
    });

    await step(`${name}: the keyboard is enough`, async () => {
      await page.keyboard.press('1');
      await page.keyboard.press('j');
      const before = await chosen();
      await page.keyboard.press('j');
      const older = await chosen();
      assert.ok(older < before, `${older} is below ${before}`);
      await page.keyboard.press('k');
      assert.equal(await chosen(), before);
      await page.keyboard.press('s');
      await detail.getByRole('button', { name: `Sent from #${before}` }).waitFor();
      await page.keyboard.press('t');
      await page.getByText('The test is copied').waitFor();
      await page.keyboard.press('c');
      await page.getByText('The curl command is copied').waitFor();
      await page.keyboard.press('e');
      const body = page.getByLabel('Body', { exact: true });
      await body.waitFor();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText('{"resourceType":"Task","id":"typed","status":"requested","intent":"order"}');
      await reached(page.getByRole('button', { name: 'Send', exact: true }));
      await page.keyboard.press('Enter');
      await detail.locator('.json').getByText('"typed"').waitFor();
      await page.keyboard.press('e');
      await body.waitFor();
      await page.keyboard.press('Escape');
      await page.waitForFunction(() => !document.querySelector('#delivery form'));
      await page.keyboard.press('1');
      await page.keyboard.press('ArrowRight');
      // The list of deliveries is hidden now, and its keys leave it alone.
      const unseen = await current();
      await page.keyboard.press('j');
      assert.equal(await current(), unseen);
      await page.keyboard.press('ArrowRight');
      assert.equal(await tab('Resources').getAttribute('aria-selected'), 'true');
      await page.locator('#resource-list button').first().waitFor();
      await page.keyboard.press('j');
      await resource.locator('h2', { hasText: /\// }).waitFor();
      await reached(resource.getByRole('button', { name: 'History' }));
      await page.keyboard.press('Enter');
      await resource.getByRole('heading', { name: /^Version/ }).first().waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.getByRole('heading', { name: 'Keys' }).waitFor();
      await checked('keys');
      await page.keyboard.press('Escape');
      await page.keyboard.press('/');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'filter');
    });

    await step(`${name}: many deliveries and resources cost few requests`, async () => {
      for (let number = 0; number < 40; number++) {
        const sent = await fetch(`${program.url}send/arrived-appointments/Appointment/many`, { method: 'PUT', headers: { 'content-type': 'application/fhir+json' }, body: '{"resourceType":"Appointment","id":"many","status":"arrived"}' });
        assert.equal(sent.status, 204);
      }
      // The list has as many requests of strangers as the program keeps.
      const newest = () => page.evaluate(() => Number(document.querySelector('#delivery-list li').dataset.id));
      const before = await newest();
      const { url } = await (await fetch(`${program.url}api/program`)).json();
      for (let number = 0; number < 60; number++) assert.equal((await fetch(`${url}/arrived-appointments`, { method: 'POST' })).status, 401);
      await page.waitForFunction((last) => Number(document.querySelector('#delivery-list li').dataset.id) >= last, before + 60);
      assert.equal(await list.getByText('unauthorized', { exact: true }).count(), 50);
      const entry = Array.from({ length: 201 }, (_, number) => ({ resource: { resourceType: 'Basic', id: `many-${number}`, code: { text: 'many' } }, request: { method: 'PUT', url: `Basic/many-${number}` } }));
      const written = await fetch(program.fhir, { method: 'POST', headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }) });
      assert.equal(written.status, 200);
      let asked = 0;
      page.on('request', (request) => { if (request.url().endsWith('/api/dead-letters')) asked += 1; });
      await page.reload();
      await page.waitForFunction(() => document.querySelectorAll('#delivery-list li').length > 40);
      await page.waitForTimeout(500);
      assert.ok(asked <= 6, `the page has asked for dead letters ${asked} times`);
      await tab('Resources').click();
      await page.getByLabel('Type of resource').selectOption('Basic');
      await page.locator('#resource-list').getByText('Basic/many-200', { exact: true }).waitFor();
      await page.getByText(/The list has the newest 200 of \d+ resources/).waitFor();
    });

    assert.deepEqual(mistakes, [], 'errors in the page');
    await page.context().close();

    await step(`${name}: nothing that the page showed is in the log`, async () => {
      for (const word of ['Canary', 'Call the ward', program.url.split('/')[3]]) {
        const shown = program.output().split(word).length - 1;
        assert.equal(shown, word.length === 32 ? 1 : 0, `${word} is in the log ${shown} times`);
      }
      program.stop();
    });
  }
} finally {
  await browser.close();
  stopAll();
}

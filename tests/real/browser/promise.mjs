// What the page promises, with its time: `cargo run`, the page open, a delivery seen, edited, sent again, and
// copied as a test that passes.
//
//   promise.mjs           in a project of its own, which shares its build with other suites
//   promise.mjs clean     in a clean clone, with nothing built
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { browse, clipboard, open, start, step, stopAll } from './kit.mjs';

const isClean = process.argv[2] === 'clean';
const place = join(process.env.FHIR_SUB_BROWSER, isClean ? 'clone' : 'project');
const example = 'examples/arrived-appointments';
rmSync(place, { recursive: true, force: true });
let [source, chosen, environment] = [join(place, 'src'), [], process.env];
if (isClean) {
  execFileSync('git', ['clone', '--quiet', '.', place]);
  [source, chosen] = [join(place, example, 'src'), ['-p', 'arrived-appointments']];
  environment = { ...process.env, CARGO_TARGET_DIR: join(place, 'target') };
} else {
  // The example's own manifest, outside of the workspace.
  mkdirSync(place, { recursive: true });
  cpSync(join(example, 'src'), source, { recursive: true });
  cpSync('Cargo.lock', join(place, 'Cargo.lock'));
  const fhirSub = `fhir-sub = { path = ${JSON.stringify(resolve('fhir-sub'))}`;
  writeFileSync(join(place, 'Cargo.toml'), `[package]
name = "arrived-appointments"
version = "0.0.0"
edition = "2024"

[dependencies]
${fhirSub} }
serde = { version = "1", features = ["derive"] }
serde_json = "1"

[dev-dependencies]
${fhirSub}, features = ["testing"] }
tokio = { version = "1", features = ["macros", "rt"] }

[workspace]
`);
}

const begun = performance.now();
const lasted = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
let program;
await step('`cargo run` prints the URL of the page', async () => {
  program = await start('cargo', ['run', '--quiet', ...chosen], environment, place);
});
const runs = lasted();
const browser = await browse();
let test;
try {
  const { page, mistakes } = await open(browser, program.url, { viewport: { width: 1280, height: 900 } });
  const detail = page.locator('#delivery');
  await page.getByText('live', { exact: true }).waitFor();
  await step('the printed curl command makes a delivery', async () => {
    const command = /^ +(curl .*)$/m.exec(program.output())[1];
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    await detail.getByText('handled').waitFor();
  });
  await step('it is edited and sent again', async () => {
    await detail.getByRole('button', { name: 'Edit and send again' }).click();
    const body = page.getByLabel('Body', { exact: true });
    await body.fill((await body.inputValue()).replace('"status": "arrived"', '"status": "arrived", "comment": "edited"'));
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await detail.getByText('edited').waitFor();
    assert.match(await detail.innerText(), /handled/);
  });
  await step('it is copied as a test', async () => {
    await detail.getByRole('button', { name: 'Copy as test' }).click();
    await page.getByText('The test is copied').waitFor();
    test = await clipboard(page);
  });
  assert.deepEqual(mistakes, []);
} finally {
  await browser.close();
  stopAll();
}
const copied = lasted();

await step('the test compiles, and passes', async () => {
  appendFileSync(join(source, 'tests.rs'), `\n${test}`);
  const name = /^async fn (\w+)\(\)/m.exec(test)[1];
  const output = execFileSync('cargo', ['test', '--quiet', ...chosen, name], { cwd: place, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  assert.match(output, /1 passed/);
  if (!isClean) rmSync(place, { recursive: true });
});
console.log(`browser: the page is there after ${runs}, the test is copied after ${copied}, and has passed after ${lasted()}`);

// What the scripts share: a program that runs, a browser, and the checks of accessibility.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const cache = process.env.FHIR_SUB_BROWSER;
const require = createRequire(join(cache, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const running = new Set();
// Each page with its messages.
const pages = new Map();

// Starts a program, and waits until it has printed the URL of its page.
export async function start(command, args, environment = {}, folder = '.') {
  const child = spawn(command, args, { cwd: folder, env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...environment } });
  running.add(child);
  let output = '';
  const url = await new Promise((resolve, reject) => {
    const read = (text) => {
      output += text;
      const found = /(http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/)/.exec(output);
      if (found) resolve(found[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', () => reject(new Error(`the program has ended:\n${output}`)));
  });
  child.output = () => output;
  return { url, fhir: /on (http:\S+\/fhir)/.exec(output)[1], output: () => output, stop: () => child.kill('SIGINT') };
}

// Stops every program, however a test has ended.
export const stopAll = () => running.forEach((child) => child.kill('SIGINT'));

export async function browse() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
}

// A page that fails the test with any error in it, and with any request to another address.
export async function open(browser, url, options) {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const page = await context.newPage();
  const said = [];
  pages.set(page, said);
  page.on('close', () => pages.delete(page));
  page.setDefaultTimeout(20_000);
  // What the page says is gone after some seconds, or with the next.
  await page.exposeFunction('heard', (text) => said.push(text));
  await page.addInitScript(() => addEventListener('DOMContentLoaded', () => {
    const place = document.getElementById('said');
    if (place) new MutationObserver(() => { if (place.textContent) window.heard(place.textContent); }).observe(place, { childList: true });
  }));
  const mistakes = [];
  page.on('pageerror', (error) => mistakes.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) mistakes.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:')) mistakes.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { page, mistakes };
}

// No violation of WCAG, as far as a program can tell.
export async function accessible(page, what) {
  // By DevTools: the page's own policy lets no script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe });
  const { result } = await session.send('Runtime.evaluate', {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((it) => JSON.stringify(it.violations.map((v) => [v.id, v.nodes.map((n) => n.html + ' ' + n.failureSummary)])))",
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(result.value, '[]', `${what} is not accessible: ${result.value}`);
  await session.detach();
}

// Nothing is wider than the screen.
export async function fits(page, what) {
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= screen, `${what} is ${wide} pixels wide on a screen of ${screen}`);
}

export async function shot(page, name) {
  await page.screenshot({ path: join(cache, 'shots', `${name}.png`) });
}

export async function step(name, work) {
  const begun = performance.now();
  try {
    await work();
  } catch (error) {
    for (const [page, said] of pages) {
      await shot(page, 'failed');
      console.error(`browser: the page said: ${said.slice(-5).join(' | ')}`);
    }
    writeFileSync(join(cache, 'shots', 'failed.log'), [...running].map((child) => child.output()).join('\n'));
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  console.log(`browser: ${name} (${Math.round(performance.now() - begun)} ms)`);
}

export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

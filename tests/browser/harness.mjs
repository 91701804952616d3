// What the journeys in a real browser stand on: Chromium, the demo as a process of its own, and the audit that every
// page must pass: axe finds nothing, nothing scrolls sideways, the browser refuses and reports nothing.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const peers = createRequire(new URL('../peers/package.json', import.meta.url));
const { chromium } = peers('playwright-core');
const { HtmlValidate } = peers('html-validate');
const axe = readFileSync(peers.resolve('axe-core/axe.min.js'), 'utf8');

const root = new URL('../../', import.meta.url);
const screenshots = new URL('target/screenshots/', root);
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
const widths = [1280, 390, 320];
/** What a page may weigh with all that it loads, compressed, in bytes. */
const heaviest = 50_000;
const schemes = ['light', 'dark'];

/** Debian's Chromium, told not to reach out to anybody on its own. */
export async function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  assert(existsSync(executablePath), `${executablePath} is missing: run scripts/test`);
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
  const args = [...quiet, '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath, args, chromiumSandbox: process.getuid() !== 0 });
}

/**
 * A tab of a person who was never here before. What the browser complains of is kept in `page.complaints`: errors of
 * scripts, refusals by the Content-Security-Policy, files that are not there.
 */
export async function person(browser, options = {}) {
  const viewport = { width: widths[0], height: 900 };
  return tab(await browser.newContext({ viewport, locale: 'en-GB', reducedMotion: 'reduce', ...options }));
}

/** One more tab of the same person. */
export async function tab(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.complaints = [];
  // A page that says 403 is what some tests are about; only what it loads must be there.
  const documents = new Set();
  page.on('request', (request) => request.isNavigationRequest() && documents.add(request.url()));
  page.on('console', (message) => {
    const { url } = message.location();
    const ofThePage = message.text().startsWith('Failed to load resource') && documents.has(url);
    if (message.type() === 'error' && !ofThePage) page.complaints.push(`${message.text()} (${url})`);
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  return page;
}

/**
 * Starts `vestibule demo` on free ports, from the program that VESTIBULE_BIN names, and reads from what it prints where
 * it is: the address after `Open`, and the one after `Identity provider`.
 */
export async function startDemo() {
  const demo = spawn(program(), ['demo', '--listen', '127.0.0.1:0', '--provider-listen', '127.0.0.1:0']);
  let printed = '';
  const found = (word) => printed.match(new RegExp(`${word}[^\\n]*?(https?://[^\\s/]+)`))?.[1];
  const addresses = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`the demo ${why}; it printed:\n${printed}`));
    const read = (text) => {
      printed += text;
      const [url, provider] = [found('Open'), found('Identity provider')];
      if (url && provider) resolve({ url, provider });
    };
    demo.stdout.setEncoding('utf8').on('data', read);
    demo.stderr.setEncoding('utf8').on('data', read);
    demo.on('error', (error) => fail(`did not start (${error.message})`));
    demo.on('exit', (code) => fail(`ended with ${code}`));
    setTimeout(fail, 30_000, 'did not say for 30 seconds where it is').unref();
  }).catch((error) => {
    demo.kill();
    throw error;
  });
  return { ...addresses, printed: () => printed, stop: () => demo.kill() };
}

/** Fails unless the page is in order in light and dark, on a desk and on a phone. */
export async function audit(page) {
  const problems = [];
  for (const colorScheme of schemes) {
    for (const width of widths) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      const found = [...(await violations(page)), ...(await sideways(page))];
      problems.push(...found.map((problem) => `${colorScheme}, ${width} px: ${problem}`));
    }
  }
  problems.push(...(await zoomed(page)));
  await page.emulateMedia({ colorScheme: schemes[0] });
  await page.setViewportSize({ width: widths[0], height: 900 });
  problems.push(...page.complaints.splice(0));
  assert.deepEqual(problems, [], `${page.url()} is not in order`);
}

const standard = new HtmlValidate({ root: true, extends: ['html-validate:standard'] });

/** What is wrong with the HTML of a page as the server sent it. */
export async function invalid(html) {
  const report = await standard.validateString(html);
  const messages = report.results.flatMap((result) => result.messages);
  return messages.map(({ ruleId, message, line, column }) => `${line}:${column} ${message} (${ruleId})`);
}

const weights = new Map();

/** Says so where a page weighs too much: itself and the files that it names, compressed. */
export async function heavy(page, html) {
  const files = await page.evaluate(() =>
    [...document.querySelectorAll('link[href], script[src], img[src]')].map((one) => one.href || one.src),
  );
  const weigh = async (url) => {
    if (!weights.has(url)) weights.set(url, gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length);
    return weights.get(url);
  };
  const all = [gzipSync(html).length, ...(await Promise.all(files.map(weigh)))];
  const sum = all.reduce((one, other) => one + other, 0);
  return sum > heaviest ? [`weighs ${sum} bytes compressed`] : [];
}

/** Where the picture of this name is kept. */
export const screenshot = (name) => fileURLToPath(new URL(`${name}.png`, screenshots));

/** Keeps a picture in target/screenshots/NAME.png. */
export async function shoot(page, name, { colorScheme = 'light', width = widths[0], height = 900, fullPage = true } = {}) {
  mkdirSync(screenshots, { recursive: true });
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height });
  await page.screenshot({ path: screenshot(name), fullPage });
}

async function violations(page) {
  await page.evaluate(axe); // not a script of the page: the policy that forbids those stays in force
  const result = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), rules);
  return result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html} ${node.failureSummary?.replace(/\s+/g, ' ')}`),
  );
}

async function sideways(page) {
  const [is, may] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth];
  });
  return is > may ? [`scrolls sideways: ${is} px wide`] : [];
}

/**
 * At 200 %, once as browsers zoom (half as many CSS pixels fit), once with letters of twice the size alone (WCAG 1.4.4), and
 * on paper. At 320 px it is zoomed to 400 % already.
 */
async function zoomed(page) {
  const problems = [];
  const look = async (how) => problems.push(...(await sideways(page)).map((problem) => `${how}: ${problem}`));
  await page.setViewportSize({ width: widths[0] / 2, height: 450 });
  await look('at 200 %');
  await page.setViewportSize({ width: widths[0], height: 900 });
  await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
  await look('letters at 200 %');
  await page.evaluate(() => (document.documentElement.style.fontSize = ''));
  await page.emulateMedia({ forcedColors: 'active' });
  await look('forced colours');
  await page.emulateMedia({ forcedColors: 'none', media: 'print' });
  await look('printed');
  await page.emulateMedia({ media: 'screen' });
  return problems;
}

const program = () => {
  const path = process.env.VESTIBULE_BIN ?? fileURLToPath(new URL('target/debug/vestibule', root));
  assert(existsSync(path), `${path} is missing: run scripts/test`);
  return path;
};

/**
 * Starts `vestibule serve` on a free port with a database of its own, reached by the name `localhost`, and makes an
 * owner of Acme. (Passkeys want a host that has a name; the demo has an address.)
 */
export async function startNamed(email, password) {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-'));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const env = {
    ...process.env,
    DATABASE_URL: join(folder, 'vestibule.db'),
    VESTIBULE_KEY_FILE: join(folder, 'vestibule.key'),
    VESTIBULE_LISTEN: `127.0.0.1:${port}`,
    VESTIBULE_PUBLIC_URL: `http://localhost:${port}`,
  };
  const made = spawnSync(program(), ['make-owner', '--org', 'acme', '--org-name', 'Acme', '--email', email, '--name', 'Olive Owner'], {
    env,
    input: `${password}\n`,
    encoding: 'utf8',
  });
  assert.equal(made.status, 0, made.stderr);
  const server = spawn(program(), ['serve'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  await new Promise((resolve, reject) => {
    server.stderr.setEncoding('utf8').on('data', (text) => {
      printed += text;
      if (printed.includes('The door is open')) resolve();
    });
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${printed}`)));
  });
  const stop = () => {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: env.VESTIBULE_PUBLIC_URL, database: env.DATABASE_URL, stop };
}

// An installation that nobody has set up yet, a provider of somebody else's beside it, and the way through an owner's first
// hour: what journeys on a fresh organization begin with.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { audit, person } from './harness.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const secret = 'a secret of the tests';
const password = 'olive opens the door';

/** A program that says a line of JSON when it runs, and answers each line that it is sent by another. */
async function beside(t, command, args) {
  const child = spawn(command, args, { cwd: root });
  t.after(() => child.kill());
  const [lines, waiting] = [[], []];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const all = (rest + text).split('\n');
    rest = all.pop();
    for (const line of all) (waiting.shift() ?? ((one) => lines.push(one)))(line);
  });
  const line = () => new Promise((resolve) => (lines.length ? resolve(lines.shift()) : waiting.push(resolve)));
  const first = JSON.parse(await line());
  const change = async (what) => {
    child.stdin.write(`${JSON.stringify(what)}\n`);
    await line();
  };
  return { first, change };
}

/** A port that is free now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An installation that nobody has set up, and the one-time link that it prints. */
export async function empty(t) {
  const program = process.env.VESTIBULE_BIN ?? join(root, 'target/debug/vestibule');
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-'));
  const listen = `127.0.0.1:${await freePort()}`;
  const dns = await beside(t, join(root, '.venv/bin/python'), ['tests/peers/dns-server.py', '{"names": {}}']);
  const settings = {
    DATABASE_URL: join(folder, 'vestibule.db'),
    VESTIBULE_KEY_FILE: join(folder, 'vestibule.key'),
    VESTIBULE_LISTEN: listen,
    VESTIBULE_PUBLIC_URL: `http://${listen}`,
    VESTIBULE_OUTBOUND_ALLOW: '127.0.0.0/8',
    VESTIBULE_DNS: `127.0.0.1:${dns.first.port}`,
  };
  const server = spawn(program, ['serve'], { env: { ...process.env, ...settings } });
  t.after(() => {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  let printed = '';
  const link = await new Promise((resolve, reject) => {
    const read = (text) => {
      printed += text;
      const found = printed.match(/https?:\/\/\S+\/set-up\/[A-Za-z0-9_-]{43}/);
      if (found) resolve(found[0]);
    };
    server.stdout.setEncoding('utf8').on('data', read);
    server.stderr.setEncoding('utf8').on('data', read);
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${printed}`)));
  });
  const publish = (name, value) => dns.change({ names: { [name]: { txt: [value] } } });
  return { url: `http://${listen}`, link, publish };
}

/** panva's provider with these people, which sends them back where `callBack` says. */
export async function provider(t, people) {
  const client = { client_id: 'vestibule', client_secret: secret, redirect_uris: [] };
  const asked = JSON.stringify({ clients: [client], people });
  const { first, change } = await beside(t, process.execPath, ['tests/peers/oidc-provider.mjs', asked]);
  const callBack = (address) => change({ redirect_uris: [address] });
  return { issuer: first.issuer, callBack };
}

export const everybody = {
  olive: { email: 'olive@acme.example', email_verified: true, name: 'Olive Owner' },
  sam: { email: 'sam@acme.example', email_verified: true, name: 'Sam Stone' },
};

/** From the installation's set-up link to its first owner. */
export async function firstOwner(browser, site) {
  const olive = await person(browser);
  await olive.goto(site.link);
  await olive.getByLabel('Organization').fill('Acme');
  await olive.getByLabel('Short name').fill('acme');
  await olive.getByLabel('Your name').fill('Olive Owner');
  await olive.getByLabel('Your e-mail address').fill('olive@acme.example');
  await olive.getByLabel('Password').fill(password);
  await olive.getByRole('button', { name: 'Set up' }).click();
  await heading(olive, 'Acme');
  return olive;
}

/** Waits for a heading; where it does not come, says what stands there instead. */
export async function heading(page, name) {
  const found = page.getByRole('heading', { name }).first();
  await found.waitFor().catch(async (error) => {
    throw new Error(`${error.message}\n${page.url()}\n${await page.getByRole('main').innerText()}`);
  });
}
export const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
export const follow = (page, name) => page.getByRole('link', { name, exact: true }).first().click();

/** The domain is typed here, and proven by its record in the DNS. */
export async function domain(olive, site) {
  await follow(olive, 'Add your domain');
  await olive.getByRole('textbox', { name: 'Domain', exact: true }).fill('acme.example');
  await olive.getByRole('button', { name: /Add/ }).click();
  await heading(olive, /acme\.example/);
  const value = (label) => olive.getByRole('textbox', { name: label, exact: true }).inputValue();
  await site.publish(await value('Name'), await value('Value'));
  await press(olive, 'Check now');
  await heading(olive, /acme\.example Verified/);
  await olive.goto(`${site.url}/orgs/acme/set-up`);
}

/** Signs in at the provider. */
export async function signIn(page, login) {
  await page.getByLabel(/login|name/i).first().fill(login);
  await press(page, 'Continue');
}

/** Fills in the form for a connection by OpenID Connect; answers the id. */
async function connectionOf(olive, issuer) {
  await olive.getByLabel('Name', { exact: true }).fill('Okta');
  await olive.getByLabel('Issuer', { exact: true }).fill(issuer);
  await olive.getByLabel('Client id', { exact: true }).fill('vestibule');
  await olive.getByLabel('Client secret', { exact: true }).fill(secret);
  await olive.getByLabel(/acme\.example/).check();
  await press(olive, 'Add the connection');
  await heading(olive, /Okta/);
  return olive.url().split('/').pop();
}

/** A first hour: answers the owner's tab and the connection's id. */
export async function firstHour(browser, site, theirs) {
  const olive = await firstOwner(browser, site);
  await follow(olive, 'See the whole path');
  await heading(olive, 'Set-up');
  await audit(olive);
  await domain(olive, site);
  await follow(olive, 'By OpenID Connect');
  const id = await connectionOf(olive, theirs.issuer);
  await theirs.callBack(`${site.url}/sign-in/oidc/${id}/callback`);
  await olive.goto(`${site.url}/orgs/acme`);
  await follow(olive, 'Test the connection');
  await follow(olive, 'Sign in at the provider');
  await signIn(olive, 'olive');
  await heading(olive, 'The test passed');
  await audit(olive);
  await follow(olive, 'Turn the connection on…');
  await press(olive, 'Turn on Okta');
  await heading(olive, 'Okta On');
  return { olive, id };
}

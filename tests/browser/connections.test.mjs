// The life of a connection in a real browser: an owner's first hour, an IT administrator with a set-up link, and a live
// connection that moves to another provider. The provider is the demo's own, which speaks OpenID Connect as any other.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { audit, launch, person } from './harness.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const secret = 'a secret of the tests';
const password = 'olive opens the door';
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A port that is free now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An installation that nobody has set up, and the one-time link that it prints. */
async function empty(t) {
  const program = process.env.VESTIBULE_BIN ?? join(root, 'target/debug/vestibule');
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-'));
  const listen = `127.0.0.1:${await freePort()}`;
  const settings = {
    DATABASE_URL: join(folder, 'vestibule.db'),
    VESTIBULE_KEY_FILE: join(folder, 'vestibule.key'),
    VESTIBULE_LISTEN: listen,
    VESTIBULE_PUBLIC_URL: `http://${listen}`,
    VESTIBULE_OUTBOUND_ALLOW: '127.0.0.0/8',
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
  const apply = (text) => applied(program, folder, settings, text);
  return { url: `http://${listen}`, link, apply };
}

/** Brings about what a file says, as whoever runs the installation. */
async function applied(program, folder, settings, text) {
  const { writeFileSync } = await import('node:fs');
  const file = join(folder, 'more.toml');
  writeFileSync(file, text);
  const run = spawn(program, ['apply', file], { env: { ...process.env, ...settings } });
  let said = '';
  run.stdout.on('data', (part) => (said += part));
  run.stderr.on('data', (part) => (said += part));
  const code = await new Promise((resolve) => run.on('exit', resolve));
  assert.equal(code, 0, said);
}

/** panva's provider with these people, which sends them back where `callBack` says. */
async function provider(t, people) {
  const client = { client_id: 'vestibule', client_secret: secret, redirect_uris: [] };
  const script = join(root, 'tests/peers/oidc-provider.mjs');
  const node = spawn(process.execPath, [script, JSON.stringify({ clients: [client], people })]);
  t.after(() => node.kill());
  const lines = [];
  const waiting = [];
  let rest = '';
  node.stdout.setEncoding('utf8').on('data', (text) => {
    const all = (rest + text).split('\n');
    rest = all.pop();
    for (const line of all) (waiting.shift() ?? ((one) => lines.push(one)))(line);
  });
  const line = () => new Promise((resolve) => (lines.length ? resolve(lines.shift()) : waiting.push(resolve)));
  const { issuer } = JSON.parse(await line());
  const callBack = async (address) => {
    node.stdin.write(`${JSON.stringify({ redirect_uris: [address] })}\n`);
    await line();
  };
  return { issuer, callBack };
}

const everybody = {
  olive: { email: 'olive@acme.example', email_verified: true, name: 'Olive Owner' },
  sam: { email: 'sam@acme.example', email_verified: true, name: 'Sam Stone' },
};

/** From the installation's set-up link to its first owner. */
async function firstOwner(site) {
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

const heading = (page, name) => page.getByRole('heading', { name }).first().waitFor();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const follow = (page, name) => page.getByRole('link', { name, exact: true }).first().click();

/** The domain is typed here, and answered for by whoever runs the installation, as where there is no DNS of one's own. */
async function domain(olive, site) {
  await follow(olive, 'Add your domain');
  await olive.getByRole('textbox', { name: 'Domain', exact: true }).fill('acme.example');
  await olive.getByRole('button', { name: /Add/ }).click();
  await site.apply('[[organization]]\nslug = "acme"\nname = "Acme"\n  [[organization.domain]]\n  name = "acme.example"\n  vouched = true\n');
  await olive.goto(`${site.url}/orgs/acme/set-up`);
}

/** Signs in at the provider. */
async function signIn(page, login) {
  await page.getByLabel(/login|name/i).first().fill(login);
  await press(page, 'Continue');
}

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
async function firstHour(site, theirs) {
  const olive = await firstOwner(site);
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

test('an owner’s first hour ends with the first person signed in', async (t) => {
  const site = await empty(t);
  const theirs = await provider(t, everybody);
  const { olive } = await firstHour(site, theirs);
  const sam = await person(browser);
  await sam.goto(`${site.url}/sign-in/acme/okta`);
  await signIn(sam, 'sam');
  await heading(sam, /Acme|You are in/);
  await olive.goto(`${site.url}/orgs/acme`);
  assert.equal(await olive.getByRole('heading', { name: /^Set-up/ }).count(), 0, 'the path is done');
  assert.deepEqual([...olive.complaints, ...sam.complaints], []);
});

test('an IT administrator sets a connection up by a link', async (t) => {
  const site = await empty(t);
  const theirs = await provider(t, everybody);
  const olive = await firstOwner(site);
  await follow(olive, 'See the whole path');
  await domain(olive, site);
  await follow(olive, 'By OpenID Connect');
  await olive.getByLabel('Name', { exact: true }).fill('Okta');
  await olive.getByLabel(/come later/).check();
  await olive.getByLabel(/acme\.example/).check();
  await press(olive, 'Add the connection');
  const id = olive.url().split('/').pop();
  await theirs.callBack(`${site.url}/sign-in/oidc/${id}/callback`);
  await follow(olive, 'Set-up links');
  await olive.getByLabel('Who gets it').fill('Ines, IT');
  await olive.getByLabel(/may turn the connection on/).check();
  await press(olive, 'Make the link');
  const link = await olive.getByLabel('Link for Ines, IT').inputValue();

  const ines = await person(browser, { javaScriptEnabled: false });
  await ines.goto(link);
  await press(ines, 'Begin in this browser');
  await follow(ines, 'Settings');
  await ines.getByLabel('Issuer', { exact: true }).fill(theirs.issuer);
  await ines.getByLabel('Client id', { exact: true }).fill('vestibule');
  await ines.getByLabel(/client secret/i).fill(secret);
  await press(ines, 'Save the connection');
  await follow(ines, 'Test');
  await follow(ines, 'Sign in at the provider');
  await signIn(ines, 'sam');
  await heading(ines, 'The test passed');
  await follow(ines, 'Turn the connection on…');
  await press(ines, 'Turn on Okta');
  await heading(ines, /Okta On/);
  await olive.goto(`${site.url}/orgs/acme/audit`);
  assert.match(await olive.getByRole('main').innerText(), /Set-up link “Ines, IT”/);
  assert.deepEqual([...olive.complaints, ...ines.complaints], []);
});

test('a live connection moves to another provider', async (t) => {
  const site = await empty(t);
  const [old, next] = [await provider(t, everybody), await provider(t, everybody)];
  const { olive, id } = await firstHour(site, old);
  await next.callBack(`${site.url}/sign-in/oidc/${id}/callback`);
  await follow(olive, 'Edit');
  await olive.getByLabel('Issuer', { exact: true }).fill(next.issuer);
  await olive.getByLabel(/client secret/i).fill(secret);
  await press(olive, 'Save the connection');
  await heading(olive, 'The draft of Okta');
  await audit(olive);
  const sam = await person(browser);
  await sam.goto(`${site.url}/sign-in/acme/okta`);
  assert(sam.url().startsWith(old.issuer), 'everybody goes on by the old one');
  await signIn(sam, 'sam');
  await heading(sam, /Acme|You are in/);
  await follow(olive, 'Test the draft');
  await follow(olive, 'Test the draft at the provider');
  assert(olive.url().startsWith(next.issuer), olive.url());
  await signIn(olive, 'olive');
  await heading(olive, 'The test passed');
  await follow(olive, 'Swap the draft in…');
  await press(olive, 'Swap the draft in');
  await heading(olive, 'Okta On');
  const again = await person(browser);
  await again.goto(`${site.url}/sign-in/acme/okta`);
  assert(again.url().startsWith(next.issuer), again.url());
  await signIn(again, 'sam');
  await heading(again, /Acme|You are in/);
  await olive.goto(`${site.url}/orgs/acme/connections/${id}/previous`);
  await audit(olive);
  await press(olive, 'Take back the settings');
  await heading(olive, 'Okta On');
  assert.deepEqual([...olive.complaints, ...sam.complaints, ...again.complaints], []);
});

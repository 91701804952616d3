// Passkeys in a real browser, with an authenticator that Chromium simulates: added, then used without an address, after
// a password, and when it is asked whether it is still oneself. Every page is looked at on the way.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';

import { audit, launch, person, screenshot, shoot, startNamed } from './harness.mjs';

const email = 'olive@acme.example';
const password = 'olive opens the door';
let browser, server;

before(async () => {
  [browser, server] = await Promise.all([launch(), startNamed(email, password)]);
});
after(async () => {
  server?.stop();
  await browser?.close();
});

async function authenticator(page) {
  const device = await page.context().newCDPSession(page);
  await device.send('WebAuthn.enable');
  await device.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function byPassword(page) {
  await page.goto(`${server.url}/sign-in`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function signOut(page) {
  await page.goto(`${server.url}/account`);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL('**/sign-in');
}

/** As if everybody's last proof were long ago. */
function growStale() {
  const script = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=10); db.execute("UPDATE sessions SET proved_at = 0"); db.commit()';
  const done = spawnSync('python3', ['-c', script, server.database], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

async function look(page, name) {
  await audit(page);
  await shoot(page, `${name}-light-1280`);
  await shoot(page, `${name}-dark-390`, { colorScheme: 'dark', width: 390 });
  assert(screenshot(name));
}

test('a passkey opens the door', async () => {
  const page = await person(browser);
  await authenticator(page);
  await byPassword(page);
  await page.goto(`${server.url}/account/passkeys`);
  await look(page, 'passkeys-none');
  await page.getByLabel('Name').fill('Laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
  await look(page, 'recovery-codes');
  await page.goto(`${server.url}/account/passkeys`);
  await page.getByRole('heading', { name: 'Laptop' }).waitFor();
  await look(page, 'passkeys-one');
  await page.goto(`${server.url}/account`);
  await look(page, 'account-with-passkey');
  await page.goto(`${server.url}/account/app`);
  await look(page, 'app');
  await page.goto(`${server.url}/orgs/acme/break-glass`);
  await look(page, 'break-glass');
  await page.goto(`${server.url}/orgs/acme/break-glass/drill`);
  await look(page, 'drill');

  await signOut(page);
  await look(page, 'sign-in-with-passkey');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL('**/orgs/acme');

  await signOut(page);
  await byPassword(page);
  await page.getByRole('heading', { name: 'One more step' }).waitFor();
  await look(page, 'second');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL('**/orgs/acme');

  growStale();
  await page.goto(`${server.url}/account/passkeys`);
  await page.getByRole('heading', { name: 'Is it still you?' }).waitFor();
  await look(page, 'still-you');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL('**/account/passkeys');

  // A form that comes too late is kept.
  await page.goto(`${server.url}/account/app`);
  growStale();
  await page.getByRole('textbox', { name: 'Code' }).fill('000000');
  await page.getByRole('button', { name: 'Add the app' }).click();
  await page.getByLabel('Your password').fill(password);
  await page.getByRole('button', { name: 'Go on', exact: true }).click();
  await page.getByRole('heading', { name: 'Send it now?' }).waitFor();
  await look(page, 'kept-form');
  await page.getByRole('button', { name: 'Send it' }).click();
  await page.getByText('This is not the code that the app shows now.').first().waitFor();
});

test('without a script nothing of it is offered, and the page says why', async () => {
  const page = await person(browser, { javaScriptEnabled: false });
  await page.goto(`${server.url}/sign-in`);
  assert.equal(await page.getByRole('button', { name: 'Use a passkey' }).count(), 0);
  // By its text alone Playwright finds nothing within `noscript`.
  const instead = page.locator('noscript p');
  await instead.waitFor();
  assert.match(await instead.innerText(), /A passkey needs a script/);
  await page.getByRole('button', { name: 'Continue' }).waitFor();
});

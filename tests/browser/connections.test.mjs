// The life of a connection in a real browser: an owner's first hour, an IT administrator with a set-up link, and a live
// connection that moves to another provider. The provider is panva's, which speaks OpenID Connect as any other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { domain, empty, everybody, firstHour, firstOwner, follow, heading, press, provider, secret, signIn } from './fresh.mjs';
import { audit, launch, person } from './harness.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('an owner’s first hour ends with the first person signed in', async (t) => {
  const site = await empty(t);
  const theirs = await provider(t, everybody);
  const { olive } = await firstHour(browser, site, theirs);
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
  const olive = await firstOwner(browser, site);
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
  const { olive, id } = await firstHour(browser, site, old);
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

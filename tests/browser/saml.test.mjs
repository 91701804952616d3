// Sign-in by SAML through `vestibule demo`: to the provider by a redirect, back by a form that a real browser posts
// from one site to another. Once as most people browse, once without a script, by the button.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';

import { audit, launch, person, startDemo } from './harness.mjs';

let browser, demo;

before(async () => {
  [browser, demo] = await Promise.all([launch(), startDemo()]);
});
after(async () => {
  demo?.stop();
  await browser?.close();
});

for (const javaScriptEnabled of [true, false]) {
  test(`people sign in by SAML, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
    const signIn = async (page, fullName) => {
      await page.goto(`${demo.url}/sign-in`);
      await page.getByLabel('E-mail address').fill('somebody@acme.example');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('link', { name: 'Continue with Acme SAML' }).click();
      assert(page.url().startsWith(`${demo.provider}/saml/sso`), page.url());
      await page.getByRole('button', { name: `Sign in as ${fullName}` }).click();
      if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click();
      await page.waitForURL(`${demo.url}/**`);
    };
    const max = await person(browser, { javaScriptEnabled });
    await signIn(max, 'Max Meyer');
    await max.waitForURL('**/orgs/acme');
    assert.match(await max.getByRole('main').innerText(), /max@acme\.example/);

    const sam = await person(browser, { javaScriptEnabled });
    await signIn(sam, 'Sam Stone');
    await sam.getByRole('heading', { name: 'Access denied' }).waitFor();
    assert.deepEqual([...max.complaints, ...sam.complaints], []);
  });
}

test('what nobody asked for leads to the right start', async () => {
  const page = await person(browser);
  const acs = await whereResponsesGo();
  const answer = await page.request.post(acs, { form: { SAMLResponse: Buffer.from('<a/>').toString('base64') } });
  assert.equal(answer.status(), 403);
  await page.goto(answer.url());
  await page.getByRole('heading', { name: 'Sign-in did not work' }).waitFor();
  await audit(page);
});

/** Where the provider sends people back to, as the demo's own connection says. */
async function whereResponsesGo() {
  const answer = await fetch(`${demo.url}/sign-in/acme/acme-saml`, { redirect: 'manual' });
  const request = new URL(answer.headers.get('location')).searchParams.get('SAMLRequest');
  const xml = inflateRawSync(Buffer.from(request, 'base64')).toString();
  return xml.match(/AssertionConsumerServiceURL="([^"]+)"/)[1];
}

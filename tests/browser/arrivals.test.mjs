// Who comes to a fresh organization: a person who is denied, asks, and is let in; and a thousand at once, by a file with
// every kind of mistake in it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { empty, everybody, firstHour, follow, heading, press, provider, signIn } from './fresh.mjs';
import { audit, launch, person } from './harness.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** From the connection's page, so that only members and invited people come in. */
async function turnJustInTimeOff(olive) {
  await follow(olive, 'Turn off… just-in-time provisioning');
  await olive.getByLabel(/^Type acme/).fill('acme');
  await press(olive, 'Turn off just-in-time provisioning');
  await heading(olive, '(just-in-time provisioning) Off');
}

for (const javaScriptEnabled of [true, false]) {
  test(`a denied person asks and is let in, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async (t) => {
    const site = await empty(t);
    const { olive } = await firstHour(browser, site, await provider(t, everybody));
    await turnJustInTimeOff(olive);

    const sam = await person(browser, { javaScriptEnabled });
    await sam.goto(`${site.url}/sign-in`);
    await sam.getByLabel('E-mail address').fill('sam@acme.example');
    await press(sam, 'Continue');
    await follow(sam, 'Continue with Okta');
    await signIn(sam, 'sam');
    await heading(sam, 'Access denied');
    const reference = await sam.locator('.reference').innerText();
    await sam.getByLabel('Message (optional)').fill('I begin on Monday.\n<b>Sam</b>');
    await press(sam, 'Request access');
    await heading(sam, 'You have asked to be let in');
    if (javaScriptEnabled) await audit(sam);

    await olive.goto(`${site.url}/orgs/acme`);
    await olive.getByRole('link', { name: /^Denied sign-ins/ }).first().click();
    await olive.locator('td').getByText('Asks to be let in').first().waitFor();
    await follow(olive, 'sam@acme.example');
    const text = await olive.getByRole('main').innerText();
    assert(text.includes(reference) && text.includes('<b>Sam</b>'), text);
    await audit(olive);
    await follow(olive, 'Invite this person');
    await press(olive, 'Review');
    await press(olive, 'Invite this person');
    await heading(olive, '1 person is invited');

    // He is known at the provider: the same door, nothing to type.
    await sam.goto(`${site.url}/sign-in/acme/okta`);
    await sam.waitForURL(`${site.url}/orgs/acme`);
    assert.match(await sam.getByRole('main').innerText(), /sam@acme\.example/);
    await olive.goto(`${site.url}/orgs/acme/denied`);
    assert.equal(await olive.getByRole('link', { name: 'sam@acme.example' }).count(), 0, 'nothing waits any more');
    assert.deepEqual([...olive.complaints, ...sam.complaints], []);
  });
}

/** Invites one address by the form. */
async function invite(olive, site, address) {
  await olive.goto(`${site.url}/orgs/acme/invitations/new`);
  await olive.getByLabel('E-mail addresses').fill(address);
  await press(olive, 'Review');
  await press(olive, 'Invite this person');
  await heading(olive, '1 person is invited');
}

async function revoke(olive, site) {
  await olive.goto(`${site.url}/orgs/acme/invitations?state=pending`);
  await olive.getByRole('checkbox').check();
  await press(olive, 'Revoke the ticked…');
  await olive.getByRole('button', { name: /^Revoke/ }).click();
  await olive.getByRole('status').waitFor();
}

/** Somebody of each kind that can't be invited: deactivated, invited already, and written to often enough. */
async function prepare(olive, site, sam) {
  await sam.goto(`${site.url}/sign-in/acme/okta`);
  await signIn(sam, 'sam');
  await heading(sam, /Acme|You are in/);
  await olive.goto(`${site.url}/orgs/acme/members`);
  await follow(olive, 'Sam Stone');
  await olive.getByRole('link', { name: /^Deactivate/ }).click();
  await olive.getByRole('button', { name: /^Deactivate/ }).click();
  await olive.getByRole('status').waitFor();
  for (let time = 0; time < 3; time += 1) {
    await invite(olive, site, 'often@acme.example');
    await revoke(olive, site);
  }
  await invite(olive, site, 'ivy@acme.example');
}

/** What each wrong line is told, beside its number. */
const wrong = [
  ['nobody,,', /“nobody” is no e-mail address|nobody/],
  [',admin,', /This line has no address/],
  ['a@b@c.example,,', /a@b@c\.example/],
  ['boss@acme.example,boss,', /“boss” is no role/],
  ['moon@acme.example,,Moon crew', /There is no team “Moon crew”/],
  ['p1@acme.example,,', /The same as in line 2\./],
  ['P2@ACME.example,,', /The same as in line 3\./],
  ['=cmd@acme.example,,', /=cmd@acme\.example/],
  ['<script>alert(1)</script>@acme.example,,', /<script>alert\(1\)<\/script>/],
  ['olive@acme.example,,', /Already a member: 1/],
  ['sam@acme.example,,', /Deactivated: 1/],
  ['ivy@acme.example,,', /Already invited: 1/],
  ['often@acme.example,,', /Written to often enough today: 1/],
];

test('a thousand rows with every kind of mistake', async (t) => {
  const site = await empty(t);
  const { olive } = await firstHour(browser, site, await provider(t, everybody));
  const sam = await person(browser);
  await prepare(olive, site, sam);
  const choose = async (name, text) => {
    await olive.goto(`${site.url}/orgs/acme/invitations/new`);
    await olive.getByLabel('Or a CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
    await press(olive, 'Review');
  };
  const right = Array.from({ length: 1_000 - wrong.length }, (_, n) => `p${n + 1}@acme.example,member,`);
  const rows = [...right, ...wrong.map(([row]) => row)];

  // What can't be told apart is refused as a whole, with the line to mend.
  await choose('open.csv', `email,role,teams\n"p1@acme.example,,\n${rows.join('\n')}\n`);
  await olive.getByText('A quotation mark is opened in line 2').first().waitFor();
  await audit(olive);
  await choose('many.csv', `email,role,teams\n${rows.join('\n')}\nlast@acme.example,,\n`);
  await olive.getByText(/1,?000/).first().waitFor();
  assert.equal(await olive.getByRole('button', { name: /^Invite these/ }).count(), 0, '1,001 are too many');

  await choose('people.csv', `email,role,teams\n${rows.join('\n')}\n`);
  await heading(olive, 'Review the invitations');
  const text = await olive.getByRole('main').innerText();
  for (const [row, told] of wrong) assert.match(text, told, `${row} is not told`);
  const last = right.length + wrong.length;
  assert(!text.includes(`Line ${last + 2}.`) && text.includes(`Line ${right.length + 2}.`), 'lines are numbered as in the file');
  await audit(olive);
  const button = olive.getByRole('button', { name: /^Invite these \d+ people$/ });
  const number = Number((await button.innerText()).match(/\d+/)[0]);
  assert(number === right.length || number === right.length + 1, `${number} are invited`);
  await button.click();
  await heading(olive, `${number} people are invited`);
  await olive.goto(`${site.url}/orgs/acme/invitations?q=p98`);
  await olive.getByText('p98@acme.example').first().waitFor();
  assert.deepEqual([...olive.complaints, ...sam.complaints], []);
});

// An administrator comes with a file of a thousand people and every kind of mistake in it, and looks after those who
// came: once as most people browse, once without a script.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { audit, launch, person, startDemo } from './harness.mjs';

const password = 'olive opens the door';
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A thousand lines as a spreadsheet of another country writes them, ten of them wrong. */
function table() {
  const wrong = [
    'Nobody;nobody;;', // no address
    'Twice;p1@acme.example;;', // the same again
    'Case;P2@ACME.example;;', // the same in other letters
    'Boss;boss@acme.example;boss;', // no such role
    'Moon;moon@acme.example;;Moon crew', // no such team
    'Olive;olive@acme.example;;', // a member already
    'Empty;;admin;', // no address at all
    '"Quo""ted; name";quoted@acme.example;Admin;', // fine, though it looks odd
    'Two;a@b@c.example;;', // two at signs
    '=1+1;=cmd@acme.example;;', // what a spreadsheet would run
  ];
  const right = Array.from({ length: 1_000 - wrong.length }, (_, n) => `Person ${n};p${n}@acme.example;member;`);
  return `\ufeffName;E-Mail;Role;Teams\r\n${[...right, ...wrong].join('\r\n')}\r\n`;
}

/** Chooses the file in the form for new invitations, and looks at the review. */
async function upload(page) {
  await page.getByRole('link', { name: 'Invitations' }).click();
  await page.getByRole('link', { name: /^Invite / }).first().click();
  await page.getByLabel('Or a CSV file').setInputFiles({
    name: 'people.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(table()),
  });
  await page.getByRole('button', { name: 'Review' }).click();
}

for (const javaScriptEnabled of [true, false]) {
  test(`a thousand people are invited by a file, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async (t) => {
    const demo = await startDemo();
    t.after(() => demo.stop());
    const page = await person(browser, { javaScriptEnabled });
    await page.goto(`${demo.url}/sign-in`);
    await page.getByLabel('E-mail address').fill('olive@acme.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Use a password instead' }).click();
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    // As many as that don't fit: nobody is invited before there are seats.
    await upload(page);
    await page.getByText('There are not enough seats for all of them.').waitFor();
    assert.equal(await page.getByRole('button', { name: /^Invite these/ }).count(), 0);
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('link', { name: /^Change the number of seats/ }).click();
    await page.getByLabel('Seats (optional)').fill('');
    await page.getByRole('button', { name: 'See what changes' }).click();
    await page.getByRole('button', { name: 'Change the number of seats' }).click();
    await page.getByRole('status').waitFor();
    await upload(page);
    const text = await page.getByRole('main').innerText();
    for (const sentence of ['Will be invited: 99', 'Twice in the list: 2', 'Already a member: 1', 'Can’t be invited like this: ']) {
      assert(text.includes(sentence), `${sentence} is not in ${text.slice(-2_000)}`);
    }
    assert.match(text, /“boss” is no role/);
    assert.match(text, /There is no team “Moon crew”/);
    assert.match(text, /Line 993\. The same as in line 3\./);
    if (javaScriptEnabled) await audit(page);
    const button = page.getByRole('button', { name: /^Invite these 99\d people$/ });
    const number = (await button.innerText()).match(/\d+/)[0];
    await button.click();
    await page.getByRole('heading', { name: `${number} people are invited` }).waitFor();
    await page.getByRole('link', { name: 'All invitations' }).click();
    await page.getByRole('link', { name: 'Revoke all…' }).click();
    await page.getByRole('heading', { name: /^Revoke \d+ invitations\?$/ }).waitFor();
    if (javaScriptEnabled) await audit(page);
    await page.getByRole('button', { name: /^Revoke \d+ invitations$/ }).click();
    await page.getByRole('status').waitFor();

    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByLabel('Search').fill('mey');
    await page.getByRole('button', { name: 'Filter' }).click();
    assert.equal(await page.getByRole('rowheader').count(), 1);
    await page.getByLabel('Several at once').selectOption({ label: 'Give a role' });
    await page.getByRole('button', { name: 'Do it to all that match…' }).click();
    await page.getByLabel('Role').selectOption({ label: 'Admin' });
    await page.getByRole('button', { name: 'See what happens…' }).click();
    if (javaScriptEnabled) await audit(page);
    await page.getByRole('button', { name: 'Give 1 member the role admin' }).click();
    assert.match(await page.getByRole('status').innerText(), /1 member is admin now/);
  });
}

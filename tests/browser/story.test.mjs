// What the product is for, played by three people at three browsers against `vestibule demo`: a stranger is turned
// away, the owner finds out and invites, the stranger comes in; then just-in-time provisioning is turned on.
// Once as most people browse, once without a script.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { audit, launch, person, shoot, startDemo } from './harness.mjs';

const password = 'olive opens the door';
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const javaScriptEnabled of [true, false]) {
  test(`a stranger is denied, invited and let in, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async (t) => {
    const demo = await startDemo();
    t.after(() => demo.stop());
    const story = new Story(demo, javaScriptEnabled);
    await story.samIsDenied();
    await story.oliveInvitesSam();
    await story.samComesIn();
    await story.oliveTurnsJustInTimeOn();
    await story.tessComesInAndYuriDoesNot();
    if (javaScriptEnabled) await story.audit();
    story.nobodyComplains();
  });
}

class Story {
  people = {};

  constructor(demo, javaScriptEnabled) {
    this.demo = demo;
    this.options = { javaScriptEnabled };
  }

  /** The tab of this person. */
  async tab(name) {
    this.people[name] ??= await person(browser, this.options);
    return this.people[name];
  }

  /** Goes to the front door with this address, to the provider, and back from there as this person. */
  async signIn(page, email, fullName) {
    await page.goto(`${this.demo.url}/sign-in`);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'Continue with Acme ID' }).click();
    assert(page.url().startsWith(this.demo.provider), page.url());
    await page.getByRole('button', { name: `Sign in as ${fullName}` }).click();
    assert(page.url().startsWith(this.demo.url), page.url());
  }

  async samIsDenied() {
    const sam = await this.tab('sam');
    await this.signIn(sam, 'sam@acme.example', 'Sam Stone');
    await sees(sam, 'heading', 'Access denied');
    const text = await sam.getByRole('main').innerText();
    assert.match(text, /Ask an administrator of Acme to invite you/);
    this.reference = await sam.locator('.reference').innerText();
    if (this.options.javaScriptEnabled) await this.keepPicture(sam, 'denied', { width: 900, height: 520 });
    await sam.goto(`${this.demo.url}/account`);
    assert.equal(new URL(sam.url()).pathname, '/sign-in', 'a denied person has a session');
  }

  async oliveInvitesSam() {
    const olive = await this.tab('olive');
    await olive.goto(this.demo.url);
    await olive.getByLabel('E-mail address').fill('olive@acme.example');
    await olive.getByRole('button', { name: 'Continue' }).click();
    await olive.getByRole('button', { name: 'Use a password instead' }).click();
    await olive.getByLabel('Password').fill(password);
    await olive.getByRole('button', { name: 'Sign in' }).click();
    await olive.getByRole('link', { name: /^Denied sign-ins/ }).click();
    await olive.getByRole('link', { name: 'sam@acme.example' }).click();
    await sees(olive, 'heading', 'Denied: sam@acme.example');
    this.denial = olive.url();
    const text = await olive.getByRole('main').innerText();
    assert.match(text, /nobody has invited this person/);
    assert(text.includes(this.reference), 'the reference that Sam was shown is another');
    assert((await olive.locator('.trace li').count()) >= 5, 'there is no trace');
    if (this.options.javaScriptEnabled) await this.keepPicture(olive, 'denial');
    await olive.getByRole('link', { name: 'Invite this person' }).click();
    await olive.getByRole('button', { name: 'Review' }).click();
    await sees(olive, 'heading', 'Will be invited: 1');
    await olive.getByRole('button', { name: 'Invite this person' }).click();
    await sees(olive, 'heading', '1 person is invited');
  }

  async samComesIn() {
    const sam = await this.tab('sam');
    await this.signIn(sam, 'sam@acme.example', 'Sam Stone');
    assert.equal(new URL(sam.url()).pathname, '/orgs/acme');
    assert.match(await sam.getByRole('main').innerText(), /sam@acme\.example/);
    const olive = await this.tab('olive');
    await olive.goto(this.denial);
    await sees(olive, 'heading', 'What became of it');
    assert.match(await olive.getByRole('region', { name: 'What became of it' }).innerText(), /Settled/);
    await olive.getByRole('link', { name: 'Members' }).click();
    await sees(olive, 'rowheader', /Sam Stone/);
  }

  async oliveTurnsJustInTimeOn() {
    const olive = await this.tab('olive');
    await olive.getByRole('link', { name: 'Single sign-on' }).click();
    await olive.getByRole('link', { name: 'Acme ID' }).click();
    await olive.getByRole('link', { name: 'Turn on… just-in-time provisioning' }).click();
    await sees(olive, 'heading', 'Turn on just-in-time provisioning?');
    assert.match(await olive.getByRole('main').innerText(), /becomes a member at the first sign-in, with the role Member/);
    await olive.getByRole('button', { name: 'Turn on just-in-time provisioning' }).click();
    await sees(olive, 'heading', 'People of your domains join by themselves (just-in-time provisioning) On');
  }

  async tessComesInAndYuriDoesNot() {
    const [tess, yuri] = [await this.tab('tess'), await this.tab('yuri')];
    await this.signIn(tess, 'tess@acme.example', 'Tess Thorne');
    assert.equal(new URL(tess.url()).pathname, '/orgs/acme');
    // Yuri's own address leads elsewhere; Acme's door lets nobody of another domain in, whoever vouches.
    await this.signIn(yuri, 'somebody@acme.example', 'Yuri Yilmaz');
    await sees(yuri, 'heading', 'Access denied');
  }

  /** A look at the page's accessibility, and a picture in target/screenshots. */
  async keepPicture(page, name, viewport) {
    await audit(page);
    await shoot(page, name, { ...viewport, fullPage: false });
  }

  async audit() {
    const { sam, yuri } = this.people;
    await audit(yuri);
    await sam.goto(`${this.demo.url}/account`);
    await audit(sam);
  }

  nobodyComplains() {
    const complaints = Object.values(this.people).flatMap((page) => page.complaints);
    assert.deepEqual(complaints, []);
  }
}

/** Waits until the page shows this. */
async function sees(page, role, name) {
  await page.getByRole(role, { name, ...(typeof name === 'string' && { exact: true }) }).first().waitFor();
}

// Every page that a link leads to, and what its forms say when they are sent empty: nothing for axe to find in light
// and dark, on a desk, on a phone and at 320 px; nothing wider than the screen; nothing that the browser refuses or
// misses; HTML without an error; no more than 50 kB with all that a page loads.
//
// VESTIBULE_SCREENSHOTS=1 keeps a picture of each page in target/screenshots/pages/.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { audit, heavy, invalid, launch, person, shoot, startDemo, tab } from './harness.mjs';

const password = 'olive opens the door';
const workers = 2;
/** How many pages of one kind are looked at: two members are alike, but one may be deactivated. */
const alike = 2;
let browser, demo;

before(async () => {
  [browser, demo] = await Promise.all([launch(), startDemo()]);
});
after(async () => {
  demo?.stop();
  await browser?.close();
});

/** A walk over pages of one person: each is audited once, and shows the way to others. */
class Walk {
  problems = [];
  seen = new Map();
  queue = [];
  audited = 0;

  constructor(name, context) {
    this.name = name;
    this.context = context;
  }

  /** Puts an address into the queue unless enough of its kind were seen. */
  add(address) {
    const url = new URL(address, demo.url);
    url.hash = '';
    // A test starts at the provider, which is no page of ours; files are not looked at.
    if (url.origin !== demo.url || /\.(css|svg|ico|csv|jsonl)$|\/test\/start$/.test(url.pathname)) return;
    if (url.searchParams.get('format') === 'csv') return;
    const known = this.seen.get(kind(url)) ?? new Set();
    if (known.has(url.href) || known.size >= alike) return;
    this.seen.set(kind(url), known.add(url.href));
    this.queue.push(url.href);
  }

  /** Looks at everything in the queue, and at what is found on the way. */
  async go() {
    let busy = 0;
    const work = async () => {
      const page = await tab(this.context);
      while (this.queue.length > 0 || busy > 0) {
        const url = this.queue.shift();
        if (!url) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        busy += 1;
        try {
          await this.look(page, url);
        } catch (error) {
          this.problems.push(`${url}: ${error.stack}`);
        }
        busy -= 1;
      }
      await page.close();
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  async look(page, url) {
    const answer = await page.goto(url);
    assert(answer.status() < 500, `${url} answers ${answer.status()}`);
    for (const href of await page.locator('a[href]').evaluateAll((links) => links.map((a) => a.href))) this.add(href);
    const html = await answer.text();
    for (const problem of [...(await invalid(html)), ...(await heavy(page, html))]) this.problems.push(`${url}: ${problem}`);
    await this.check(page, kind(new URL(url)));
    const forms = await page.locator('form[method=post]').count();
    for (let form = 0; form < forms; form += 1) await this.sendEmpty(page, url, form);
  }

  /** Sends a form with its texts emptied, if it has any, and looks at what comes back. */
  async sendEmpty(page, url, number) {
    if (page.url() !== url) await page.goto(url);
    const form = page.locator('form[method=post]').nth(number);
    if ((await form.count()) === 0) return;
    const texts = form.locator('input:not([type=hidden], [type=checkbox], [type=radio], [type=file], [readonly]), textarea');
    const kindOfForm = `${kind(new URL(url))} form ${number + 1}`;
    if ((await texts.count()) === 0 || this.seen.has(kindOfForm)) return;
    this.seen.set(kindOfForm, new Set());
    await form.evaluate((element) => {
      for (const folded of [element.closest('details'), ...element.querySelectorAll('details')]) folded?.setAttribute('open', '');
    });
    for (const text of await texts.all()) await text.fill('');
    await form.locator('button').first().click();
    await page.waitForLoadState();
    for (const problem of await invalid(await page.content())) this.problems.push(`${kindOfForm} empty: ${problem}`);
    await this.check(page, `${kindOfForm} empty`);
  }

  /** Audits the page that is open. */
  async check(page, name) {
    this.audited += 1;
    const titles = await page.locator('h1').count();
    if (titles !== 1) this.problems.push(`${page.url()} has ${titles} headings of the first level`);
    await audit(page).catch((error) => {
      this.problems.push(...[error.actual ?? error.stack].flat().map((problem) => `${page.url()}, ${problem}`));
    });
    if (process.env.VESTIBULE_SCREENSHOTS === '1') await this.keep(page, name);
  }

  async keep(page, name) {
    const file = `pages/${this.name}${name.replaceAll(/[^a-z0-9]+/gi, '-').replace(/-$/, '')}`;
    await shoot(page, `${file}-light-1280`);
    await shoot(page, `${file}-dark-390`, { colorScheme: 'dark', width: 390 });
  }

  done(atLeast) {
    assert.deepEqual(this.problems, []);
    assert(this.audited >= atLeast, `only ${this.audited} pages were found: ${[...this.seen.keys()].join(' ')}`);
  }
}

/** The address without what tells one member, team or moment from another. */
function kind({ pathname, searchParams }) {
  const path = pathname.replaceAll(/\/[0-9a-f]{32}|\/[A-Za-z0-9_-]{43}|(?<=refused)\/[^/]+/g, '/ID');
  const names = [...new Set(searchParams.keys())].sort().join('&');
  return names ? `${path}?${names}` : path;
}

/** Signs in by password. */
async function olive() {
  const page = await person(browser);
  await page.goto(`${demo.url}/sign-in`);
  await page.getByLabel('E-mail address').fill('olive@acme.example');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Use a password instead' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  return page;
}

/** Signs in at the demo's provider, from the page of a connection's own. */
async function by(fullName) {
  const page = await person(browser);
  await page.goto(`${demo.url}/sign-in/acme/acme-id`);
  await page.getByRole('button', { name: `Sign in as ${fullName}` }).click();
  return page;
}

test('what an owner sees', async () => {
  const page = await olive();
  const walk = new Walk('owner', page.context());
  const invitation = await invites(page, walk);
  for (const path of ['/orgs/acme', '/account', '/operator', '/operator/organizations?q=zzz', '/operator/mail']) walk.add(path);
  for (const list of ['members?q=zzz', 'invitations?q=zzz', 'denied?person=zzz', 'denied?state=settled', 'denied?state=asking', 'sign-ins', 'audit', 'mail', 'mail?state=sent']) {
    walk.add(`/orgs/acme/${list}`);
  }
  for (const many of ['join&whom=all', 'role&whom=all&to_role=admin', 'remove&whom=all', 'reactivate&whom=all']) {
    walk.add(`/orgs/acme/members/bulk?deed=${many}`);
  }
  for (const list of ['members?sort=seen&role=member', 'invitations/resend?all=yes', 'invitations/revoke?all=yes']) walk.add(`/orgs/acme/${list}`);
  await groups(page, walk);
  await foreseen(page, walk);
  const link = await connectionsLife(page, walk);
  walk.add('/orgs/acme/set-up');
  await walk.go();
  walk.done(25);
  await holderOfALink(link);
  await landing(invitation);
});

/** The table of groups, up to its review. */
async function groups(page, walk) {
  await page.goto(`${demo.url}/orgs/acme/connections`);
  await page.getByRole('link', { name: 'Acme ID' }).click();
  await page.getByRole('link', { name: 'Groups and teams…' }).click();
  await page.getByRole('button', { name: 'See what changes…' }).click();
  await walk.check(page, ' groups review');
  await page.getByRole('button', { name: 'See whom it concerns, by name…' }).click();
  await walk.check(page, ' groups by name');
}

/** What is seen before a switch: each change with somebody whom it concerns. */
async function foreseen(page, walk) {
  await page.goto(`${demo.url}/orgs/acme/connections`);
  await page.getByRole('link', { name: 'Acme ID' }).click();
  const connection = page.url();
  for (const rest of ['/jit', '/jit?how=in.jit', '/scim', '/domains?chosen=yes', '/newcomers?role=admin', '/enforce/people']) {
    walk.add(`${connection}${rest}`);
  }
  await page.goto(`${connection}/jit`);
  await page.getByText('At a set time').click();
  await page.getByLabel('When (optional)').fill(new Date(Date.now() + 86_400_000).toISOString().slice(0, 16));
  if (await page.getByLabel('Type').count()) await page.getByLabel('Type').fill('acme');
  await page.getByRole('button', { name: /just-in-time provisioning$/ }).click();
  await walk.check(page, ' a planned switch');
  await page.getByRole('link', { name: 'Cancel it…' }).click();
  await walk.check(page, ' cancelling it');
  await page.getByRole('button', { name: 'Cancel the switch' }).click();
  for (const path of ['settings/seats?seats=1', 'settings/seats?seats=x', 'settings/retention', 'dry-run', 'denied?assigned=nobody']) {
    walk.add(`/orgs/acme/${path}`);
  }
  await page.goto(`${demo.url}/orgs/acme/denied`);
  await page.getByLabel('Choose all on this page').check();
  for (const tick of await page.getByRole('checkbox').all()) assert.ok(await tick.isChecked());
  await page.getByRole('button', { name: 'Dismiss the ticked…' }).click();
  await walk.check(page, ' dismiss many');
  await page.goto(`${demo.url}/orgs/acme/dry-run`);
  await page.getByLabel('E-mail address').fill('tess@acme.example');
  await page.getByRole('button', { name: 'See what would happen' }).click();
  await walk.check(page, ' dry run answered');
}

/** A test, a draft and a set-up link; answers the link. */
async function connectionsLife(page, walk) {
  await page.goto(`${demo.url}/orgs/acme/connections`);
  await page.getByRole('link', { name: 'Acme ID' }).click();
  const base = page.url();
  await walk.check(page, ' connection');
  await page.goto(`${base}/test`);
  await page.getByRole('link', { name: 'Sign in at the provider' }).click();
  await page.getByRole('button', { name: 'Sign in as Max Meyer' }).click();
  await page.getByRole('heading', { name: 'The test passed' }).waitFor();
  await walk.check(page, ' test passed');
  await page.goto(`${base}/edit`);
  await page.getByLabel('Scopes').fill('openid email');
  await page.getByRole('button', { name: 'Save the connection' }).click();
  await walk.check(page, ' draft');
  await page.getByRole('button', { name: 'Swap the draft in' }).click();
  await walk.check(page, ' draft refused');
  await page.getByLabel('Swap it in without a test').check();
  await page.getByRole('button', { name: 'Swap the draft in' }).click();
  await walk.check(page, ' swapped in');
  await page.goto(`${base}/previous`);
  await walk.check(page, ' take back');
  for (const rest of ['test', 'draft', 'enforce', 'guides', 'guides/okta', 'guides/entra', 'links', 'state']) walk.add(`${base}/${rest}`);
  await page.goto(`${base}/links`);
  await page.getByLabel('Who gets it').fill('Ines, IT');
  await page.getByRole('button', { name: 'Make the link' }).click();
  await walk.check(page, ' link made');
  return page.getByLabel('Link for Ines, IT').inputValue();
}

/** What whoever holds a set-up link sees. */
async function holderOfALink(link) {
  const page = await person(browser);
  const walk = new Walk('guest', page.context());
  await page.goto(link);
  await walk.check(page, ' begin');
  await page.getByRole('button', { name: 'Begin in this browser' }).click();
  walk.add('/connect');
  await walk.go();
  walk.done(8);
  const other = await person(browser);
  await other.goto(link);
  await audit(other);
}

/** The pages between a list of addresses and its links; answers the link. */
async function invites(page, walk) {
  await page.goto(`${demo.url}/orgs/acme/invitations/new`);
  await page.getByLabel('E-mail addresses').fill('email,role,teams\nnobody,,\nuna@acme.example,boss,\nuna@acme.example,,Moon crew\n,,');
  await page.getByRole('button', { name: 'Review' }).click();
  await walk.check(page, ' review of mistakes');
  await page.getByRole('button', { name: 'Make this team' }).click();
  await walk.check(page, ' review with a new team');
  await page.getByRole('button', { name: 'Change the list' }).click();
  await page.getByLabel('E-mail addresses').fill('una@acme.example, max@acme.example, not an address');
  await page.getByRole('button', { name: 'Review' }).click();
  await walk.check(page, ' review');
  await page.getByRole('button', { name: 'Invite this person' }).click();
  await walk.check(page, ' sent');
  return page.getByLabel('Link for una@acme.example').inputValue();
}

/** What the invited person sees. */
async function landing(invitation) {
  const page = await person(browser);
  const walk = new Walk('invited', page.context());
  await page.goto(invitation);
  await walk.check(page, ' landing');
  await page.getByRole('button', { name: 'Decline' }).click();
  await walk.check(page, ' declined');
  await page.goto(invitation);
  await walk.check(page, ' too late');
  walk.done(3);
}

test('what a member sees', async () => {
  const page = await by('Max Meyer');
  const walk = new Walk('member', page.context());
  for (const path of ['/', '/account', '/orgs/acme/members', '/orgs/nowhere/members', '/operator']) walk.add(path);
  await walk.go();
  walk.done(4);
});

// OUT-013.
test('what a stranger sees', async () => {
  const page = await by('Sam Stone');
  const walk = new Walk('stranger', page.context());
  await walk.check(page, ' denied');
  await page.goto(`${demo.url}/sign-in`);
  await page.getByLabel('E-mail address').fill('nobody@nowhere.example');
  await page.getByRole('button', { name: 'Continue' }).click();
  await walk.check(page, ' password');
  await page.getByLabel('Password').fill('a wrong password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await walk.check(page, ' wrong password');
  await page.goto(`${demo.url}/sign-in`);
  await page.getByLabel('E-mail address').fill('sam@acme.example');
  await page.getByRole('button', { name: 'Continue' }).click();
  await walk.check(page, ' choose');
  for (const path of ['/sign-in', '/set-up', '/invitation', '/nothing/here', '/sign-in/acme/none']) walk.add(path);
  await walk.go();
  walk.done(9);
});

test('what the demo’s provider shows', async () => {
  const page = await person(browser);
  await page.goto(`${demo.url}/sign-in/acme/acme-id`);
  await audit(page);
  await page.goto(demo.provider);
  await audit(page);
});

// Makes the pictures of docs/screenshots from `vestibule demo`: a person is denied, an owner walks the main pages.
// Run by scripts/screenshots. Look at each picture before you commit it.
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { launch, person, screenshot, shoot, startDemo } from './harness.mjs';

const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const password = 'olive opens the door';

const browser = await launch();
const demo = await startDemo();
try {
  mkdirSync(folder, { recursive: true });
  const sam = await person(browser);
  await denied(sam);
  await keep(sam, 'access-denied');
  const olive = await person(browser);
  await owner(olive);
  const pages = {
    home: '',
    'set-up': '/set-up',
    members: '/members',
    invitations: '/invitations',
    'denied-sign-ins': '/denied',
    'single-sign-on': '/connections',
    'sign-ins': '/sign-ins',
    'dry-run': '/dry-run',
    'audit-log': '/audit',
  };
  for (const [name, path] of Object.entries(pages)) {
    await open(olive, `${demo.url}/orgs/acme${path}`);
    await keep(olive, name);
  }
  await open(olive, `${demo.url}/orgs/acme/denied`);
  await olive.getByRole('link', { name: 'sam@acme.example' }).click();
  await keep(olive, 'denial');
  await open(olive, `${demo.url}/orgs/acme/connections`);
  await olive.getByRole('link', { name: 'Acme ID', exact: true }).click();
  await keep(olive, 'connection');
  await olive.getByRole('link', { name: /just-in-time provisioning/ }).first().click();
  await keep(olive, 'preview');
} finally {
  demo.stop();
  await browser.close();
}

/** Sam comes from the provider and is not let in. */
async function denied(page) {
  await page.goto(`${demo.url}/sign-in`);
  await page.getByLabel('E-mail address').fill('sam@acme.example');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('link', { name: 'Continue with Acme ID' }).click();
  await page.getByRole('button', { name: 'Sign in as Sam Stone' }).click();
  await page.getByRole('heading', { name: 'Access denied' }).waitFor();
}

async function owner(page) {
  await page.goto(`${demo.url}/sign-in`);
  await page.getByLabel('E-mail address').fill('olive@acme.example');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Use a password instead' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForLoadState();
}

async function open(page, url) {
  const answer = await page.goto(url);
  if (answer.status() !== 200) throw new Error(`${url} answers ${answer.status()}`);
}

/** On a desk in light, on a phone in dark. */
async function keep(page, name) {
  await shoot(page, `${name}-light`, { fullPage: false });
  await shoot(page, `${name}-dark-phone`, { colorScheme: 'dark', width: 390, height: 844, fullPage: false });
  for (const variant of ['light', 'dark-phone']) copyFileSync(screenshot(`${name}-${variant}`), `${folder}${name}-${variant}.png`);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 900 });
}

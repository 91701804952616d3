// Makes the pictures of docs/screenshots from `vestibule demo`: a person is denied, an owner walks the main pages.
// Run by scripts/screenshots, which looks for nothing: look at each picture before you commit it. With
// VESTIBULE_SCREENSHOTS=all the other halves (dark on a desk, light on a phone) are left in target/screenshots.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { launch, person, screenshot, shoot, startDemo } from './harness.mjs';

const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const password = 'olive opens the door';

const browser = await launch();
const demo = await startDemo();
try {
  rmSync(folder, { recursive: true, force: true });
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

/** On a desk in light, on a phone in dark; kept as WebP, which Chromium writes. */
async function keep(page, name) {
  const desk = { fullPage: false };
  const phone = { width: 390, height: 844, fullPage: false };
  await shoot(page, `${name}-light`, desk);
  await shoot(page, `${name}-dark-phone`, { ...phone, colorScheme: 'dark' });
  if (process.env.VESTIBULE_SCREENSHOTS === 'all') {
    await shoot(page, `${name}-dark`, { ...desk, colorScheme: 'dark' });
    await shoot(page, `${name}-light-phone`, phone);
  }
  for (const variant of ['light', 'dark-phone']) {
    writeFileSync(`${folder}${name}-${variant}.webp`, await smaller(readFileSync(screenshot(`${name}-${variant}`))));
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** The picture as WebP. */
async function smaller(png) {
  const page = await browser.newPage();
  const encoded = await page.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d').drawImage(picture, 0, 0);
    const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
    return btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
  }, png.toString('base64'));
  await page.close();
  return Buffer.from(encoded, 'base64');
}

// Staff in the back office: every page of the navigation, in every look, by keyboard too.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOOKS, complaints, judge } from './judge.mjs';
import { comeOnDuty } from './staff.mjs';
import { DATABASES, browser, start } from './server.mjs';

for (const { name: database, skip } of DATABASES) {
  describe(`the back office on ${database}`, { skip }, () => {
    let chrome, service;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    for (const [look, options] of Object.entries(LOOKS)) {
      it(`opens every page of its navigation, ${look}`, async () => {
        const context = await chrome.newContext(options);
        const page = await context.newPage();
        const heard = complaints(page);
        await page.goto(`${service.url}/staff`);
        await judge(page, options, `office-login-${database}-${look}`);
        await page.getByLabel('Email address').fill('admin@demo.example');
        await page.getByLabel('Password').fill('not this one');
        await page.getByRole('button', { name: 'Log in' }).click();
        await page.getByText('The address or the password is not right.').waitFor();
        await judge(page, options, `office-login-refused-${database}-${look}`);
        await comeOnDuty(page, service);
        const places = await page.getByRole('navigation', { name: 'Office' }).getByRole('link').all();
        const paths = await Promise.all(places.map((place) => place.getAttribute('href')));
        assert.ok(paths.length > 8, paths.join(' '));
        for (const path of paths) {
          const answer = await page.goto(service.url + path);
          assert.equal(answer.status(), 200, path);
          await judge(page, options, `office${path.replace('/staff', '').replaceAll('/', '-')}-${database}-${look}`);
        }
        await page.getByRole('button', { name: 'Log out' }).click();
        await page.getByRole('heading', { name: 'Log in to the office' }).waitFor();
        assert.deepEqual(heard, []);
        await context.close();
      });
    }

    it('is worked by keys: / searches, j and k walk through a list', async () => {
      const page = await chrome.newPage();
      await comeOnDuty(page, service);
      await page.keyboard.press('/');
      const search = page.getByRole('searchbox');
      assert.ok(await search.evaluate((element) => element === document.activeElement));
      await page.keyboard.type('j/k');
      assert.equal(await search.inputValue(), 'j/k', 'in a field, keys are letters');
      // The log of what was done grows with each log-in, and each entry leads somewhere.
      await page.goto(`${service.url}/staff/audit`);
      await page.keyboard.press('j');
      const row = () => page.evaluate(() => document.activeElement.closest('tr')?.rowIndex ?? 0);
      const first = await row();
      await page.keyboard.press('j');
      const second = await row();
      await page.keyboard.press('k');
      assert.deepEqual([await row(), second >= first], [first, true]);
      await page.close();
    });
  });
}

// What a subscriber does after the first day: leaves, comes back, switches, pays by another card.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WALLED, reader, subscriptions } from './reader.mjs';
import { DATABASES, browser, start } from './server.mjs';

const NEXT = '/demo/articles/the-night-trains';

for (const { name: database, skip } of DATABASES) {
  describe(`leaving and staying, on ${database}`, { skip }, () => {
    let chrome, service;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    it('leads from a mail in the sandbox’s mailbox to the page that it is about', async () => {
      const anna = await reader(chrome, service);
      await anna.open('/sandbox/mailbox');
      await anna.judge('mailbox-empty');
      await anna.subscribe('mailbox@example.org');
      await anna.press(anna.link('Mails', '.sandbox-bar'));
      await anna.judge('mailbox');
      await anna.press(anna.link('Open your account'));
      await anna.judge('mailbox-mail');
      const link = anna.page.frameLocator('iframe').locator('a[href*="/login/link"]').first();
      const [tab] = await Promise.all([anna.context.waitForEvent('page'), link.click()]);
      await tab.waitForLoadState();
      await tab.locator('main').getByRole('button').click();
      await tab.waitForURL('**/account');
      await anna.leave();
    });

    it('reads until the last day of what was given, and meets the wall on the next', async () => {
      const anna = await reader(chrome, service);
      await anna.become('until@example.org');
      await anna.press(anna.link('Cancel'));
      await anna.press(anna.button('Cancel now'));
      await anna.open(WALLED);
      for (const step of ['7 days', '7 days', '7 days', '7 days', '1 day']) {
        assert.equal(await anna.moveClock(step), 200, 'still reading');
        assert.equal(anna.path, WALLED);
      }
      await anna.judge('last-day');
      assert.equal(await anna.moveClock('1 day'), 200, 'the free article of a new month');
      assert.match(await anna.page.locator('.meter-line').innerText(), /^No free articles left/);
      assert.equal(await anna.open(NEXT), 402);
      assert.ok(await anna.link('Your account', 'header').isVisible(), 'and is known all the same');
      await anna.judge('wall-again');
      await anna.open('/account');
      assert.match(await anna.text(), /It ended on/);
      const all = await subscriptions(service);
      assert.deepEqual(all.filter((it) => it.status === 'canceled').length, 1);
      await anna.leave();
    });

    it('gives notice without logging in, and takes it back by the mail', async () => {
      const anna = await reader(chrome, service);
      await anna.become('notice@example.org');
      const stranger = await reader(chrome, service);
      await stranger.open('/cancel');
      await stranger.judge('notice');
      await stranger.press(stranger.button('Cancel now'));
      await stranger.judge('notice-refused');
      await stranger.page.getByLabel('Email address').fill('notice@example.org');
      assert.equal(await stranger.press(stranger.button('Cancel now')), 202);
      await stranger.judge('notice-arrived');
      await stranger.openMailed('notice@example.org', '/mail/resume');
      await stranger.judge('mail-resume');
      await anna.open('/account');
      assert.match(await anna.text(), /It is canceled/, 'a link that is opened changes nothing');
      await stranger.press(stranger.button('Take the cancellation back'));
      await stranger.judge('mail-resumed');
      await stranger.page.goBack();
      await stranger.judge('mail-resume-used');
      await anna.open('/account');
      assert.match(await anna.text(), /Next charge\s+\$2\.90/);
      await Promise.all([anna.leave(), stranger.leave()]);
    });

    it('cancels by one click in a mail, and goes on by one in the account', async () => {
      const anna = await reader(chrome, service);
      await anna.become('click@example.org');
      const mail = await reader(chrome, service, { javaScriptEnabled: false });
      await mail.openMailed('click@example.org', '/mail/cancel');
      await anna.judge('mail-cancel');
      await mail.press(mail.button('Cancel now'));
      assert.equal(await mail.heading(), 'It is canceled');
      await mail.leave();
      await anna.open('/account');
      await anna.judge('account-canceled-by-mail');
      await anna.press(anna.button('Take the cancellation back'));
      assert.equal(anna.path, '/account');
      await anna.judge('account-resumed');
      assert.match(await anna.text(), /Next charge\s+\$2\.90/);
      await anna.press(anna.link('Cancel'));
      await anna.press(anna.button('Cancel now'));
      const why = anna.page.getByLabel('Reason', { exact: false });
      await why.fill('Too many tides <script>alert(1)</script> 🌊\u200b');
      await anna.press(anna.button('Send'));
      await anna.judge('thanks');
      await anna.leave();
    });

    it('pays what is overdue by another card, by the link in the mail', async () => {
      const anna = await reader(chrome, service);
      const email = 'lost@example.org';
      await anna.become(email, 'lost');
      await anna.moveClock('31 days');
      assert.equal(anna.path, '/account');
      await anna.judge('account-past-due');
      assert.match(await anna.text(), /payment failed/i);
      assert.equal(await anna.open(WALLED), 200, 'reading goes on for now');
      await anna.judge('reading-past-due');
      const mail = await reader(chrome, service);
      await mail.openMailed(email, '/mail/card');
      await mail.judge('mail-card');
      await mail.page.getByLabel('Card', { exact: true }).selectOption('pm_sandbox_declined');
      await mail.press(mail.button('Save the card and pay'));
      await mail.judge('mail-card-declined');
      await mail.page.getByLabel('Card', { exact: true }).selectOption('pm_sandbox_ok');
      await mail.press(mail.button('Save the card and pay'));
      await mail.judge('mail-card-changed');
      await mail.leave();
      await anna.open('/account');
      await anna.judge('account-paid');
      assert.doesNotMatch(await anna.text(), /payment failed/i);

      // The receipt, on paper.
      await anna.press(anna.page.getByRole('link', { name: /^Receipt/ }));
      await anna.judge('receipt');
      await anna.page.emulateMedia({ media: 'print' });
      assert.equal(await anna.page.locator('.sandbox-bar:visible').count(), 0);
      assert.equal(await anna.page.getByRole('button').count(), 0);
      assert.match(await anna.page.locator('body').innerText(), /2\.90/);
      await anna.picture('receipt-print');
      await anna.leave();
    });

    it('shows what a switch costs, and does just that', async () => {
      const anna = await reader(chrome, service);
      await anna.become('switch@example.org');
      await anna.moveClock('31 days');
      await anna.press(anna.link('Change the plan'));
      await anna.judge('switch-paid');
      const button = anna.page.locator('main').getByRole('button', { name: /^Change to Annual and pay/ });
      const [, amount] = (await button.innerText()).match(/pay (\S+)$/);
      const other = await anna.tab();
      await other.open(anna.path);
      await anna.press(button);
      assert.equal(anna.path, '/account');
      await anna.judge('account-switched');
      const text = await anna.text();
      assert.ok(text.includes('Annual') && text.includes(amount), amount);
      const invoices = await anna.page.locator('#invoices ~ table tbody tr').count();
      await other.press(other.page.locator('main').getByRole('button', { name: /^Change to Annual/ }));
      await other.judge('switch-stale');
      await other.open('/account');
      assert.equal(await other.page.locator('#invoices ~ table tbody tr').count(), invoices, 'paid once');
      await anna.leave();
    });

    it('signs up to newsletters from an article, by mail, and off again', async () => {
      const anna = await reader(chrome, service);
      const email = 'letters@example.org';
      await anna.open(WALLED);
      const box = anna.page.getByRole('complementary', { name: 'Sign up to our daily newsletter' });
      await box.getByLabel('Email address').fill(email);
      await anna.press(box.getByRole('button', { name: 'Sign up' }));
      await anna.judge('newsletter-sent');
      await anna.openMailed(email, '/newsletters/confirm');
      await anna.judge('newsletter-confirm');
      await anna.press(anna.button('Yes, send them to me'));
      await anna.judge('newsletter-confirmed');
      await anna.press(anna.link('Change what we send you'));
      await anna.judge('newsletter-preferences');
      const ticked = anna.page.locator('input[type=checkbox]:checked');
      assert.equal(await ticked.count(), 1);
      await anna.press(anna.button('Leave them all'));
      await anna.judge('newsletter-left');
      assert.equal(await ticked.count(), 0);
      await anna.leave();
    });
  });
}

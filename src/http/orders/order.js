// The order page. It pays when it is asked to, and shows what the server knows: what the browser says of a payment is only
// a reason to ask.
"use strict";

(function () {
  const page = document.getElementById("order");
  if (!page) return;
  const said = document.getElementById("said");
  const button = document.getElementById("pay");
  // A minute in all; whoever waits longer is told in the chat.
  const PAUSES_SECS = [1, 1, 2, 3, 5, 8, 10, 15, 20];
  const BRIDGE_WITHIN_MS = 3000;
  const SDK_WITHIN_MS = 8000;
  let busy = false;

  function say(words, strong) {
    said.textContent = words;
    said.hidden = words === "";
    said.classList.toggle("strong", Boolean(strong));
  }

  function pause(secs) {
    return new Promise(function (done) { setTimeout(done, secs * 1000); });
  }

  function anew() {
    location.reload();
  }

  /** How the order stands; null when that cannot be heard now. */
  async function ask() {
    try {
      const answer = await fetch(page.dataset.ask, { credentials: "same-origin", cache: "no-store" });
      // The visit is over: the page itself asks the platform again who looks.
      if (answer.status === 401) { anew(); return null; }
      return answer.ok ? await answer.json() : null;
    } catch (fault) {
      return null;
    }
  }

  function differs(now) {
    return now !== null && (now.state !== page.dataset.state || now.payable !== (page.dataset.payable === "yes"));
  }

  /** Asks until the server knows something new, and shows that; false when it did not in all that time. */
  async function watch() {
    for (const secs of PAUSES_SECS) {
      await pause(secs);
      if (differs(await ask())) { anew(); return true; }
    }
    return false;
  }

  // Paying.

  function bridge() {
    return new Promise(function (done) {
      if (window.WeixinJSBridge) { done(window.WeixinJSBridge); return; }
      const late = setTimeout(function () { done(null); }, BRIDGE_WITHIN_MS);
      document.addEventListener("WeixinJSBridgeReady", function () {
        clearTimeout(late);
        done(window.WeixinJSBridge || null);
      }, { once: true });
    });
  }

  /** The platform's scripts, for a browser of theirs without a bridge; null where they cannot be used. */
  function scripts() {
    return new Promise(function (done) {
      if (!page.dataset.config) { done(null); return; }
      setTimeout(function () { done(null); }, SDK_WITHIN_MS);
      const script = document.createElement("script");
      script.src = page.dataset.sdk;
      script.onerror = function () { done(null); };
      script.onload = function () {
        const wx = window.wx;
        if (!wx) { done(null); return; }
        wx.ready(function () { done(wx); });
        wx.error(function () { done(null); });
        wx.config(Object.assign({ debug: false, jsApiList: ["chooseWXPay"] }, JSON.parse(page.dataset.config)));
      };
      document.head.append(script);
    });
  }

  /** What the browser says came of it: ok, cancel, fail, or absent where nobody can be paid. */
  async function open() {
    const own = await bridge();
    if (own) {
      return new Promise(function (done) {
        own.invoke("getBrandWCPayRequest", JSON.parse(page.dataset.bridge), function (answer) {
          const words = String(answer && answer.err_msg);
          done(/:ok$/.test(words) ? "ok" : /:cancel$/.test(words) ? "cancel" : "fail");
        });
      });
    }
    const wx = await scripts();
    if (!wx) return "absent";
    return new Promise(function (done) {
      const outcome = function (name) { return function () { done(name); }; };
      const ways = { success: outcome("ok"), cancel: outcome("cancel"), fail: outcome("fail") };
      wx.chooseWXPay(Object.assign(ways, JSON.parse(page.dataset.choose)));
    });
  }

  const UNPAID = {
    cancel: "没有付款。想付的时候再点一次。",
    fail: "支付没有完成，请再点一次。还是不行，就回到聊天里告诉我们。",
    absent: "请在微信里打开这一页付款。",
  };

  async function pay() {
    say("正在打开微信支付…");
    // It may have been paid in another tab, or have ended.
    const before = await ask();
    if (differs(before)) { anew(); return; }
    if (before === null) { say("网络不太好，支付没有打开。请再点一次。", true); return; }
    const outcome = await open();
    if (outcome === "ok") {
      button.hidden = true;
      say("正在确认付款，请稍等…");
      if (!await watch()) say("付款结果还没有传到，我们会接着核对，请不要重复付款。有结果就在聊天里告诉您。", true);
      return;
    }
    if (differs(await ask())) { anew(); return; }
    say(UNPAID[outcome], outcome !== "cancel");
  }

  if (button) {
    button.addEventListener("click", async function () {
      if (busy) return;
      busy = true;
      button.disabled = true;
      try { await pay(); } catch (fault) { say(UNPAID.fail, true); }
      busy = false;
      button.disabled = false;
    });
  }

  // Whoever comes back to the page sees what has become of it since.
  window.addEventListener("pageshow", function (event) { if (event.persisted) anew(); });
  document.addEventListener("visibilitychange", async function () {
    if (!document.hidden && !busy && differs(await ask())) anew();
  });
  if (page.dataset.moves === "yes") watch();
})();

// Stands in for the platform's own scripts (JS-SDK): `wx.config` is checked as the platform checks it.
(function () {
  const bridge = window.chatBridge;
  let readies = [];
  let errors = [];
  let state = null;

  function settle(answer) {
    state = answer;
    const fine = answer.err_msg === "config:ok";
    for (const one of fine ? readies : errors) one(answer);
    readies = [];
    errors = [];
  }

  window.wx = {
    config(given) { bridge.invoke("preVerifyJSAPI", given, settle); },
    ready(done) { if (state?.err_msg === "config:ok") done(); else readies.push(done); },
    error(done) { if (state && state.err_msg !== "config:ok") done(state); else errors.push(done); },
    chooseWXPay({ success, cancel, fail, complete, ...page }) {
      if (state?.err_msg !== "config:ok") { fail?.({ errMsg: "chooseWXPay:fail, the permission value is offline verifying" }); return; }
      const { timestamp, ...rest } = page;
      bridge.invoke("getBrandWCPayRequest", { timeStamp: timestamp, ...rest }, ({ err_msg: words }) => {
        const [, outcome] = /:(ok|cancel|fail)/.exec(words) ?? [null, "fail"];
        const answer = { errMsg: `chooseWXPay:${outcome}` };
        ({ ok: success, cancel, fail })[outcome]?.(answer);
        complete?.(answer);
      });
    },
  };
})();

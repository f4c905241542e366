// What the chat's browser puts into every page: the bridge, behind which the phone is.
(function () {
  const { address } = document.currentScript.dataset;
  const waiting = new Map();
  let last = 0;

  function ask(call, data) {
    return new Promise((done) => {
      last += 1;
      waiting.set(last, done);
      parent.postMessage({ bridge: call, id: last, data, address }, location.origin);
    });
  }

  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== location.origin) return;
    const done = waiting.get(event.data?.answers);
    waiting.delete(event.data?.answers);
    done?.(event.data.answer);
  });

  const bridge = {
    invoke(name, data, done) {
      // A page of its own has no phone around it.
      if (parent === window) { done?.({ err_msg: "system:not_in_phone" }); return; }
      ask(name, data).then((answer) => done?.(answer));
    },
    on() {},
    call() {},
  };
  // As on a phone it is there a little later than the page.
  addEventListener("DOMContentLoaded", () => {
    window.WeixinJSBridge = bridge;
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  });
  // The stand-in of the platform's scripts finds it here.
  window.chatBridge = bridge;
})();

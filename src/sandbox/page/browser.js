// The browser inside the chat, and the sheet that pays: the page in the browser only asks for it.

/** Opens a page of the account's own in this phone. */
function browse(phone, path) {
  phone.root.querySelector(".web")?.remove();
  const title = el("span", { className: "web-title" }, phone.account);
  const back = () => { box.remove(); phone.log.focus(); };
  const button = el("button", { type: "button", className: "plain", "aria-label": "返回聊天", onclick: back }, icon("back"));
  const frame = el("iframe", { src: `/sandbox/web/${encodeURIComponent(phone.face.openid)}${path}`, title: "网页", referrerPolicy: "no-referrer" });
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin");
  frame.addEventListener("load", () => { title.textContent = frame.contentDocument?.title || phone.account; });
  const reload = el("button", { type: "button", className: "plain", "aria-label": "刷新",
    onclick: () => frame.contentWindow.location.reload() }, icon("reload"));
  const box = el("div", { className: "web" }, el("header", {}, button, title, reload), frame);
  phone.root.append(box);
  button.focus();
}

/** A page calls through its bridge. */
addEventListener("message", async (event) => {
  if (event.origin !== location.origin || typeof event.data?.bridge !== "string") return;
  const phone = [...phones.values()].find((one) => one.root.querySelector(".web iframe")?.contentWindow === event.source);
  if (!phone) return;
  const { bridge, id, data, address } = event.data;
  const calls = { getBrandWCPayRequest: () => paySheet(phone, data), preVerifyJSAPI: () => verify(address, data) };
  const answer = await (calls[bridge] ?? (() => ({ err_msg: "system:function_not_exist" })))();
  event.source.postMessage({ answers: id, answer }, location.origin);
});

/** Whether the scripts may be used on a page: as the platform checks it. */
async function verify(address, config) {
  try {
    await call("POST", "/page-config", { address, config });
    return { err_msg: "config:ok" };
  } catch {
    return { err_msg: "config:invalid signature" };
  }
}

/** The sheet over the page; what the page hears of it in the end. */
async function paySheet(phone, page) {
  const told = (outcome) => ({ err_msg: `get_brand_wcpay_request:${outcome}` });
  const of = { openid: phone.face.openid, page };
  let asked;
  try {
    asked = await call("POST", "/pay/sheet", of);
  } catch (fault) {
    toast(fault);
    return told("fail");
  }
  phone.root.querySelector(".pay-back")?.dispatchEvent(new Event("close"));
  return new Promise((done) => {
    const said = el("p", { className: "pay-said", role: "alert" });
    const end = (outcome) => { box.remove(); done(told(outcome)); };
    const act = (name) => call("POST", "/pay/act", { ...of, act: name });
    const cancel = async () => {
      await act("cancel").catch(() => {});
      end("cancel");
    };
    const pay = async () => {
      const how = box.querySelector("input:checked").value;
      if (how === "wrong") { said.textContent = "支付密码错误，请重试"; return; }
      button.disabled = true;
      try {
        await act(how);
        if (how === "pay") { end("ok"); return; }
        said.textContent = "余额不足，请换一种付款方式";
      } catch (fault) {
        toast(fault);
        end("fail");
        return;
      }
      button.disabled = false;
    };
    const button = el("button", { type: "button", className: "primary pay-do", onclick: pay }, "支付");
    const way = (value, words) => el("label", {},
      el("input", { type: "radio", name: `way-${phone.face.openid}`, value, checked: value === "pay" }), el("span", {}, words));
    const yuan = `${Math.trunc(asked.total_fen / 100)}.${two(asked.total_fen % 100)}`;
    const sheet = el("section", { className: "pay-sheet", role: "dialog", "aria-label": "微信支付（演示）" },
      el("header", {}, el("button", { type: "button", className: "plain", "aria-label": "关闭支付", onclick: cancel }, icon("close")),
        el("strong", {}, "微信支付 · 演示")),
      el("p", { className: "pay-for" }, `${phone.account} · ${asked.description}`),
      el("p", { className: "pay-amount" }, el("small", {}, "¥"), yuan),
      el("fieldset", { className: "pay-ways" }, el("legend", {}, "演示：会发生什么"),
        way("pay", "付得成"), way("wrong", "密码输错"), way("no_money", "余额不足")),
      said, button);
    const box = el("div", { className: "pay-back" }, sheet);
    box.addEventListener("close", () => end("cancel"));
    box.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); cancel(); } });
    phone.root.append(box);
    button.focus({ preventScroll: true });
  });
}

// The page: who is there, what is new, and the line to the sandbox.

const api = "/sandbox/api";
const desk = Object.fromEntries(["people", "phones", "business", "sms", "offline", "toast"].map((id) => [id, document.getElementById(id)]));
const phones = new Map();
let account = "";
let everybodysMenu = null;
let shownOpenid = recall("shown") ?? "";

async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(api + path, options);
  } catch {
    throw new Error("没有连上，请稍后再试");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `出错了（${response.status}）`);
  return answer;
}

let toastTimer = 0;
function toast(words) {
  desk.toast.textContent = words instanceof Error ? words.message : words;
  desk.toast.classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => desk.toast.classList.remove("on"), 3200);
}

function recall(key) { try { return localStorage.getItem(`phone.${key}`); } catch { return null; } }
function remember(key, value) { try { localStorage.setItem(`phone.${key}`, value); } catch { /* private window */ } }

// People.

const visible = new IntersectionObserver((changes) => {
  for (const change of changes) {
    const phone = phones.get(change.target.dataset.openid);
    if (phone) { phone.visible = change.isIntersecting; mark(phone); }
  }
}, { threshold: 0.4 });

function meet(face) {
  let phone = phones.get(face.openid);
  if (phone) { phone.show(face); return phone; }
  phone = new Phone(face, account);
  phone.unread = el("span", { className: "unread", hidden: true });
  phone.chip = el("button", { type: "button", className: "chip", onclick: () => choose(face.openid, true) },
    avatar(face.nickname, face.openid), el("span", { className: "chip-name" }, face.nickname), phone.unread);
  phones.set(face.openid, phone);
  desk.people.insertBefore(phone.chip, addButton);
  desk.phones.append(phone.root);
  visible.observe(phone.root);
  return phone;
}

function choose(openid, scroll) {
  shownOpenid = phones.has(openid) ? openid : phones.keys().next().value ?? "";
  remember("shown", shownOpenid);
  for (const [id, phone] of phones) {
    phone.root.classList.toggle("shown", id === shownOpenid);
    phone.chip.setAttribute("aria-pressed", String(id === shownOpenid));
  }
  const phone = phones.get(shownOpenid);
  if (!phone) return;
  if (scroll) phone.root.scrollIntoView({ behavior: "smooth", inline: "center", block: "nearest" });
  phone.chip.scrollIntoView({ inline: "center", block: "nearest" });
  phone.toEnd();
}

/** Counts what the customer has not seen: what came while their phone was out of sight. */
function mark(phone) {
  const key = `read.${phone.face.openid}`;
  if (phone.visible && !document.hidden) remember(key, String(phone.lastSeq));
  const read = Number(recall(key) ?? 0);
  const unread = phone.entries.filter((entry) => entry.seq > read && entry.side !== "customer").length;
  phone.unread.hidden = unread === 0;
  phone.unread.textContent = unread > 99 ? "99+" : String(unread);
  phone.chip.setAttribute("aria-label", unread ? `${phone.face.nickname}，${unread} 条未读` : phone.face.nickname);
}

const addButton = el("button", { type: "button", className: "chip add", "aria-label": "添加客户", onclick: () =>
  ask("添加客户", { label: "昵称", button: "添加", max: 20 }, async (nickname) => {
    try {
      const { openid } = await call("POST", "/customers", { nickname });
      await refresh();
      choose(openid, true);
    } catch (fault) { toast(fault); }
  }) }, icon("plus"));
desk.people.append(addButton);
document.addEventListener("visibilitychange", () => { for (const phone of phones.values()) mark(phone); });

// The demo business system.

function showBusiness({ delay_ms: delay, out }) {
  const value = out ? "out" : delay > 0 ? "slow" : "normal";
  for (const input of desk.business.querySelectorAll("input")) input.checked = input.value === value;
}

desk.business.addEventListener("change", async (event) => {
  const mode = { normal: { delay_ms: 0, out: false }, slow: { delay_ms: 6000, out: false }, out: { delay_ms: 0, out: true } };
  try {
    const response = await fetch("/sandbox/telecom/mode", { method: "POST",
      headers: { "content-type": "application/json" }, body: JSON.stringify(mode[event.target.value]) });
    if (!response.ok) throw new Error("没有切换成功");
  } catch (fault) { toast(fault); }
});

/** The last text message that the business system sent, to whatever number: a code is read here. */
function showMessage(message) {
  desk.sms.hidden = !message;
  desk.sms.textContent = message ? `短信 ${message.number.slice(0, 3)}****${message.number.slice(-4)}：${message.text}` : "";
}

// The line.

/** Fetches what a chat gained since the last entry shown. */
async function catchUp(phone) {
  const { entries } = await call("GET", `/customers/${phone.face.openid}/history?after=${phone.lastSeq}`);
  phone.append(entries);
  mark(phone);
}

async function refresh() {
  const state = await call("GET", "/state");
  account = state.account.name;
  accountSites = [`${location.origin}/`, ...state.account.sites];
  document.title = `${account} · 演示手机`;
  showBusiness(state.business);
  everybodysMenu = state.button;
  for (const face of state.customers) {
    const phone = meet(face);
    phone.setMenu(face.button ?? everybodysMenu);
    if (face.last_seq > phone.lastSeq) await catchUp(phone);
    mark(phone);
  }
  if (!phones.get(shownOpenid)?.root.classList.contains("shown")) choose(shownOpenid, false);
}

function hear(news) {
  if (news.type === "entry") {
    const phone = phones.get(news.openid);
    if (!phone) return;
    if (news.entry.seq > phone.lastSeq + 1) catchUp(phone).catch(toast);
    else { phone.append([news.entry]); mark(phone); }
  } else if (news.type === "customer") {
    const phone = phones.get(news.customer.openid);
    if (phone) {
      phone.show(news.customer);
      phone.setMenu(news.customer.button ?? everybodysMenu);
    } else refresh().catch(toast);
  } else if (news.type === "menu") {
    everybodysMenu = news.button;
    for (const phone of phones.values()) phone.setMenu(phone.face.button ?? everybodysMenu);
  } else if (news.type === "business") {
    showBusiness(news.mode);
  } else if (news.type === "sms") {
    showMessage(news.message);
  }
}

function listen() {
  const source = new EventSource(`${api}/events`);
  source.onopen = async () => {
    try { await refresh(); desk.offline.hidden = true; document.body.dataset.ready = "yes"; } catch (fault) { toast(fault); }
  };
  source.onmessage = (event) => hear(JSON.parse(event.data));
  source.onerror = () => {
    desk.offline.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

listen();

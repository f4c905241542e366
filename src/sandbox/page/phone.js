// One phone: the account's profile before a follow, the chat after it.

class Phone {
  constructor(face, account) {
    this.face = face;
    this.account = account;
    this.entries = [];
    this.lastSeq = 0;
    this.button = null;
    this.typingTimer = 0;
    this.open = (to) => this.follows && this.go(to);
    this.build();
    this.show(face);
  }

  get follows() { return this.face.follows; }

  build() {
    this.title = el("span", { className: "account-name" }, this.account);
    this.state = el("span", { className: "account-state" });
    this.menuButton = el("button", { type: "button", className: "plain", "aria-label": "更多", "aria-haspopup": "true",
      "aria-expanded": "false", onclick: () => this.sheet() }, icon("more"));
    this.log = el("div", { className: "log", role: "log", "aria-label": "聊天记录", tabIndex: 0 });
    this.profile = el("section", { className: "profile", "aria-label": "公众号资料" });
    this.desk = this.agentDesk();
    this.bar = el("div", { className: "bar" });
    this.panel = el("div", { className: "panel", hidden: true });
    this.root = el("section", { className: "phone", "aria-label": `${this.face.nickname}的手机`, "data-openid": this.face.openid },
      el("header", { className: "top" },
        el("span", { className: "owner" }, avatar(this.face.nickname, this.face.openid), this.face.nickname),
        el("span", { className: "account" }, this.title, this.state),
        this.menuButton),
      this.desk, this.profile, this.log, this.bar, this.panel);
    this.root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.shut(); });
    this.root.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".bar, .panel, .sheet, .top > button")) this.shut();
    });
    this.typing = false;
    this.buildBar();
  }

  // The bar below: words or menu, as the real app switches between them.

  setMenu(button) {
    if (JSON.stringify(button) === this.menuText) return;
    this.menuText = JSON.stringify(button);
    const had = this.button !== null;
    this.button = Array.isArray(button) && button.length > 0 ? button : null;
    if (!had && this.button) this.words = false;
    if (!this.button) this.words = true;
    this.buildBar();
  }

  buildBar() {
    this.shut();
    const words = this.words || !this.button;
    const swap = this.button && el("button", { type: "button", className: "plain swap",
      "aria-label": words ? "切换到菜单" : "切换到键盘",
      onclick: () => { this.words = !words; this.buildBar(); if (this.words) this.input.focus(); } },
      icon(words ? "menu" : "keyboard"));
    this.bar.replaceChildren(...[swap, ...(words ? this.wordsBar() : this.menuBar())].filter(Boolean));
  }

  wordsBar() {
    const send = el("button", { className: "primary send", hidden: true }, "发送");
    const plus = el("button", { type: "button", className: "plain", "aria-label": "更多功能", "aria-expanded": "false",
      onclick: () => this.plusPanel(plus) }, icon("plus"));
    const draft = this.input?.value ?? "";
    this.input = el("textarea", { rows: 1, maxLength: 2000, value: draft, enterKeyHint: "send", "aria-label": "输入消息" });
    const grow = () => {
      send.hidden = this.input.value.trim() === "";
      plus.hidden = !send.hidden;
      this.input.style.height = "auto";
      this.input.style.height = `${Math.min(this.input.scrollHeight, 110)}px`;
    };
    const submit = (event) => {
      event?.preventDefault();
      const text = this.input.value.trim();
      if (!text) return;
      this.input.value = "";
      grow();
      this.act("/say", { text });
      this.input.focus();
    };
    this.input.addEventListener("input", grow);
    this.input.addEventListener("focus", () => { this.panel.hidden = true; });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
    });
    return [el("form", { className: "words-form", onsubmit: submit }, this.input, send, plus)];
  }

  menuBar() {
    return this.button.map((top) => {
      const subs = top.sub_button ?? [];
      const column = el("div", { className: "column" });
      const main = el("button", { type: "button", className: "column-button",
        onclick: () => (subs.length ? this.popup(column, main, subs) : this.tap(top)) },
        subs.length ? el("span", { className: "has-more", "aria-hidden": "true" }) : null, top.name);
      if (subs.length) { main.setAttribute("aria-haspopup", "menu"); main.setAttribute("aria-expanded", "false"); }
      column.append(main);
      return column;
    });
  }

  popup(column, main, subs) {
    const isOpen = column.querySelector(".popup") !== null;
    this.shut();
    if (isOpen) return;
    const items = subs.map((sub) => el("button", { type: "button", role: "menuitem",
      onclick: () => { this.shut(); main.focus(); this.tap(sub); } }, sub.name));
    const box = el("div", { className: "popup", role: "menu", "aria-label": main.textContent }, ...items);
    box.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    });
    column.append(box);
    main.setAttribute("aria-expanded", "true");
    items[0].focus({ preventScroll: true });
  }

  plusPanel(plus) {
    const items = [
      ["picture", "图片", () => this.act("/share", { kind: "image" })],
      ["voice", "语音", () => ask("发送语音", { label: "说了什么（语音识别的文字）", button: "发送", max: 200 },
        (words) => this.act("/share", { kind: "voice", words }))],
      ["place", "位置", () => askPlace((label) => this.act("/share", { kind: "place", label }))],
      ["sticker", "表情", () => this.act("/share", { kind: "sticker" })],
      ["scan", "扫一扫", () => this.scan()],
    ];
    this.panel.hidden = !this.panel.hidden;
    plus.setAttribute("aria-expanded", String(!this.panel.hidden));
    this.panel.replaceChildren(...items.map(([name, label, act]) => el("button", { type: "button",
      onclick: () => { this.panel.hidden = true; act(); } }, el("span", { className: "tile" }, icon(name)), label)));
    this.toEnd();
  }

  /** Shuts whatever hangs open. */
  shut() {
    for (const box of this.root?.querySelectorAll(".popup, .sheet") ?? []) box.remove();
    for (const main of this.root?.querySelectorAll("[aria-expanded=true]") ?? []) main.setAttribute("aria-expanded", "false");
    this.panel.hidden = true;
  }

  sheet() {
    const isOpen = this.root.querySelector(".sheet") !== null;
    this.shut();
    if (isOpen) return;
    const item = (label, act, kind = "") => el("button", { type: "button", className: kind,
      onclick: () => { this.shut(); act(); } }, label);
    const left = el("p", { className: "left" });
    const box = el("div", { className: "sheet" }, item("扫一扫", () => this.scan()),
      this.follows ? item("取消关注", () => this.act("/unfollow"), "danger") : null,
      this.follows ? left : null);
    // Windows close by themselves, so it is asked for now.
    call("GET", "/state").then(({ customers }) => {
      const now = customers.find((face) => face.openid === this.face.openid)?.messages_left ?? 0;
      left.textContent = now > 0 ? `账号现在还能主动发 ${now} 条` : "账号现在不能主动发消息";
    }).catch(toast);
    this.root.append(box);
    this.menuButton.setAttribute("aria-expanded", "true");
    box.firstChild.focus({ preventScroll: true });
  }

  // Before a follow.

  showProfile() {
    this.profile.replaceChildren(...[
      Object.assign(avatar(this.account, this.account), { className: "avatar of-account large" }),
      el("h2", {}, this.account),
      el("p", { className: "quiet" }, "服务号 · 演示"),
      this.face.invited_by ? el("p", { className: "invited" }, `扫码来自：${this.face.invited_by}`) : null,
      el("button", { type: "button", className: "primary follow", onclick: () => this.act("/follow") }, "关注公众号"),
      el("button", { type: "button", className: "link", onclick: () => this.scan() }, "扫一扫二维码关注"),
    ].filter(Boolean));
  }

  // While a person has the chat.

  agentDesk() {
    this.agentState = el("strong", {});
    this.agentInput = el("input", { type: "text", maxLength: 500, "aria-label": "以客服身份回复", placeholder: "以客服身份回复…" });
    return el("form", { className: "agent-desk", hidden: true, onsubmit: (event) => {
      event.preventDefault();
      const text = this.agentInput.value.trim();
      this.agentInput.value = "";
      if (text) this.act("/agent", { text });
    } }, el("span", { className: "agent-title" }, "客服工作台 ", this.agentState),
      el("span", { className: "agent-line" }, this.agentInput, el("button", { className: "small" }, "回复"),
        el("button", { type: "button", className: "small", onclick: () => this.act("/agent/leave") }, "结束")));
  }

  // What happens.

  show(face) {
    const followed = face.follows && !this.face.follows;
    this.face = face;
    this.root.classList.toggle("follows", face.follows);
    this.profile.hidden = face.follows;
    this.log.hidden = !face.follows;
    this.bar.hidden = !face.follows;
    if (!face.follows) { this.shut(); this.showProfile(); }
    this.desk.hidden = !face.follows || face.service === "bot";
    this.agentState.textContent = face.service === "waiting" ? "客户在等人工" : "会话中";
    clearTimeout(this.typingTimer);
    const typing = face.typing_until ? face.typing_until * 1000 - Date.now() : 0;
    this.state.textContent = typing > 0 ? "对方正在输入…" : "";
    if (typing > 0) this.typingTimer = setTimeout(() => { this.state.textContent = ""; }, typing);
    if (followed) this.toEnd();
  }

  append(entries) {
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 160;
    for (const entry of entries) {
      if (entry.seq <= this.lastSeq) continue;
      this.log.append(...entryNodes(entry, this.entries.at(-1), this));
      this.entries.push(entry);
      this.lastSeq = entry.seq;
      if (entry.side === "customer") this.toEnd();
    }
    if (near) this.toEnd();
  }

  /** Something in the chat became larger than it was. */
  grown() {
    if (this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 420) this.toEnd();
  }

  toEnd() { requestAnimationFrame(() => { this.log.scrollTop = this.log.scrollHeight; }); }

  act(path, body = {}) { return call("POST", `/customers/${this.face.openid}${path}`, body).catch(toast); }

  async tap(button) {
    const to = { view: button.url, miniprogram: button.pagepath }[button.type] ?? button.key ?? "";
    await this.act("/tap", { target: to });
    if (button.type === "view") this.go(target(button.url));
  }

  scan() {
    scanner(this.face, async (ticket) => {
      const answer = await this.act("/scan", { target: ticket });
      if (answer?.follow_next) toast("已识别公众号，点“关注公众号”继续");
    }).catch(toast);
  }

  go(to) {
    if (!to) return;
    if (to.say !== undefined) this.act("/say", { text: to.say, menu_id: to.menuId });
    else if (to.inside) this.page(to.inside);
    else if (to.chat) browse(this, to.chat);
    else if (to.outside) window.open(to.outside, "_blank", "noopener,noreferrer");
  }

  page(src) {
    this.root.querySelector(".web")?.remove();
    const back = () => { box.remove(); this.log.focus(); };
    const button = el("button", { type: "button", className: "plain", "aria-label": "返回聊天", onclick: back }, icon("back"));
    const box = el("div", { className: "web" }, el("header", {}, button, el("span", {}, this.account)),
      el("iframe", { src, title: "文章", referrerPolicy: "no-referrer" }));
    box.querySelector("iframe").setAttribute("sandbox", "");
    this.root.append(box);
    button.focus();
  }
}

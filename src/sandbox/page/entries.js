// What a chat shows, entry by entry.

const LINES_APART_SECS = 300;

/** The nodes of an entry: perhaps a time, then the entry. `phone` answers for taps. */
function entryNodes(entry, previous, phone) {
  const nodes = [];
  if (!previous || entry.at - previous.at > LINES_APART_SECS) {
    nodes.push(el("p", { className: "time" }, clock(entry.at)));
  }
  nodes.push(entry.side === "system" ? line(entry) : bubbleRow(entry, phone));
  return nodes;
}

function line(entry) {
  const failed = entry.body.kind === "failure";
  return el("div", { className: failed ? "line failure" : "line" },
    el("p", {}, entry.body.text ?? ""),
    details(entry, failed ? "出了什么问题" : "开发提示"));
}

function details(entry, title) {
  if (!entry.details || entry.details.length === 0) return null;
  return el("details", { className: "why" },
    el("summary", {}, title),
    el("ul", {}, ...entry.details.map((text) => el("li", {}, text))));
}

function bubbleRow(entry, phone) {
  const own = entry.side === "customer";
  const agent = typeof entry.side === "object" ? entry.side.agent : null;
  const name = own ? phone.face.nickname : agent ?? phone.account;
  const face = avatar(agent ? "客" : name, own ? phone.face.openid : agent ?? phone.account);
  if (!own) face.classList.add(agent ? "of-agent" : "of-account");
  const said = el("div", { className: "said" },
    el("span", { className: "hear" }, `${name}：`),
    agent ? el("span", { className: "who" }, agent) : null,
    bubble(entry.body, phone),
    details(entry, "开发提示"));
  return el("div", { className: own ? "row own" : "row" }, face, said);
}

function bubble(body, phone) {
  switch (body.kind) {
    case "text":
      return el("div", { className: "bubble words" }, rich(body.text, phone.open));
    case "image":
      return photo(body.media_id, phone);
    case "voice":
      return el("div", { className: "bubble voice" }, icon("voice"), "语音",
        body.words ? el("span", { className: "quiet" }, `“${body.words}”`) : null);
    case "video":
      return card("视频", body.title || "视频", body.description);
    case "music":
      return card("音乐", body.title || "音乐", body.description);
    case "place":
      return el("div", { className: "bubble place" }, el("strong", {}, body.label || "位置"),
        el("span", { className: "map" }, icon("place")));
    case "articles":
      return articles(body.articles, phone);
    case "menu":
      return el("div", { className: "bubble words menu" }, rich(body.head, phone.open),
        el("ul", {}, ...body.items.map((item) => el("li", {},
          el("button", { type: "button", className: "link",
            onclick: () => phone.open({ say: item.content, menuId: item.id }) }, item.content)))),
        rich(body.tail, phone.open));
    case "mini_program":
      return card("小程序", body.title, "");
    case "coupon":
      return card("卡券", body.card_id, "");
    case "sticker":
      return el("div", { className: "sticker", role: "img", "aria-label": "表情" }, "🐼");
    default:
      return el("div", { className: "bubble words" }, body.text ?? "");
  }
}

const PLACEHOLDER = "/sandbox/pictures/photo.svg";

/** What the account sent can be looked at and scanned; what a customer sends is a placeholder: this phone has no camera. */
function photo(mediaId, phone) {
  if (!mediaId || mediaId.startsWith("sandbox_")) {
    return el("div", { className: "bubble picture" }, el("img", { src: PLACEHOLDER, alt: "图片" }));
  }
  const button = el("button", { type: "button", className: "bubble picture", "aria-label": "查看图片",
    onclick: () => lookAt(mediaId, phone) });
  // A chat that hangs at its end stays there when the picture has come.
  const img = el("img", { alt: "", onload: () => phone.grown?.(), onerror: () => { button.disabled = true; img.src = PLACEHOLDER; } });
  img.src = pictureOf(mediaId);
  button.append(img);
  return button;
}

const pictureOf = (mediaId) => `/sandbox/api/pictures/${encodeURIComponent(mediaId)}`;

function card(kind, title, description) {
  return el("div", { className: "bubble card" }, el("strong", {}, title),
    description ? el("span", { className: "quiet" }, description) : null,
    el("span", { className: "kind" }, kind));
}

function articles(list, phone) {
  const [first, ...rest] = list;
  const lead = rest.length > 0;
  const box = el("div", { className: lead ? "bubble articles many" : "bubble articles" });
  const go = (article) => () => {
    const to = target(article.url || "");
    if (to) phone.open(to);
  };
  box.append(el("button", { type: "button", className: "article-lead", onclick: go(first) },
    picture(first, "wide"),
    el("strong", {}, first.title),
    !lead && first.description ? el("span", { className: "quiet" }, first.description) : null,
    lead ? null : el("span", { className: "kind" }, "阅读全文")));
  for (const article of rest) {
    box.append(el("button", { type: "button", className: "article-next", onclick: go(article) },
      el("span", {}, article.title), picture(article, "thumb")));
  }
  return box;
}

function picture(article, size) {
  const to = target(article.picture || "");
  const plain = el("span", { className: `cover ${size}`, "aria-hidden": "true" });
  if (!to || !to.inside) return plain;
  return el("img", { className: `cover ${size}`, src: to.inside, alt: "", onerror: (event) => event.target.replaceWith(plain) });
}

// Small pieces: elements, icons, words with links, times.

const SVG = "http://www.w3.org/2000/svg";

/** An element; `props` are properties, `aria-…`/`data-…` attributes or listeners (`onclick`), the rest children. */
function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const ICONS = {
  keyboard: "M3 6h18v12H3zM6 9.5h.01M9 9.5h.01M12 9.5h.01M15 9.5h.01M18 9.5h.01M6 12.5h.01M9 12.5h.01M12 12.5h.01M15 12.5h.01M18 12.5h.01M8 15.5h8",
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 8v8M8 12h8",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  voice: "M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4zM6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  place: "M12 21s-6.5-6-6.5-11a6.5 6.5 0 0 1 13 0c0 5-6.5 11-6.5 11zM12 8a2.2 2.2 0 1 1 0 4.4A2.2 2.2 0 0 1 12 8z",
  sticker: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM9 10h.01M15 10h.01M8.5 14c1.8 2.4 5.2 2.4 7 0",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  reload: "M19 12a7 7 0 1 1-2.05-4.95L19 9M19 4v5h-5",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A round or square picture made of the first letter of a name. */
function avatar(name, seed) {
  let hue = 0;
  for (const letter of seed) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  const node = el("span", { className: "avatar", "aria-hidden": "true" }, [...name.trim()][0] ?? "?");
  node.style.setProperty("--hue", String(hue));
  return node;
}

/** Where a link may lead: only http, https and the account's own message links. */
function target(href) {
  const menu = /^weixin:\/\/bizmsgmenu\?(.*)$/i.exec(href.trim());
  if (menu) {
    const query = new Map(menu[1].split("&").map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [part, ""] : [part.slice(0, at), decode(part.slice(at + 1))];
    }));
    return { say: query.get("msgmenucontent") ?? "", menuId: query.get("msgmenuid") ?? "" };
  }
  try {
    const url = new URL(href, location.href);
    if (url.protocol !== "http:" && url.protocol !== "https:") return null;
    const path = ownPath(url);
    // Pages of the sandbox itself are opened on the origin of this page, whatever name it was reached by.
    if (url.pathname.startsWith("/sandbox/")) return { inside: url.pathname + url.search };
    if (path !== null) return { chat: path };
    return { outside: url.href };
  } catch {
    return null;
  }
}

/** Where the account's own links lead, as its server is called; the page says it once it knows. */
let accountSites = [];

/** The path of a page on the account's own server; null for any other. */
function ownPath(url) {
  const site = accountSites.map((one) => new URL(one)).find((one) => one.origin === url.origin && url.pathname.startsWith(one.pathname));
  return site ? `/${url.pathname.slice(site.pathname.length)}${url.search}` : null;
}

function decode(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  } catch {
    return text;
  }
}

const LINK = /<a\s([^<>]*)>([\s\S]*?)<\/a>|(https?:\/\/[^\s<>"'，。！？；、）】]+)/gi;
const HREF = /href\s*=\s*(?:"([^"]*)"|'([^']*)')/i;

/** Words with the markup an account may use; everything else is shown as it is. */
function rich(text, open) {
  const out = document.createDocumentFragment();
  let done = 0;
  for (const found of text.matchAll(LINK)) {
    const href = found[3] ?? (HREF.exec(found[1] ?? "") ?? []).slice(1).find((part) => part !== undefined);
    const to = href === undefined ? null : target(href.replaceAll("&amp;", "&"));
    if (!to) continue;
    out.append(text.slice(done, found.index));
    out.append(link(found[3] ?? found[2], () => open(to)));
    done = found.index + found[0].length;
  }
  out.append(text.slice(done));
  return out;
}

/** Not a button: that would wrap as a box, and the mark after it would stand alone on a line. */
function link(words, follow) {
  const onkeydown = (event) => { if (event.key === "Enter") follow(); };
  return el("span", { role: "link", tabIndex: 0, className: "link", onclick: follow, onkeydown }, words);
}

const two = (number) => String(number).padStart(2, "0");

/** A moment as a chat shows it. */
function clock(seconds) {
  const then = new Date(seconds * 1000);
  const now = new Date();
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(then)) / 86400000);
  if (days === 0) return time;
  if (days === 1) return `昨天 ${time}`;
  if (days > 1 && days < 7) return `星期${"日一二三四五六"[then.getDay()]} ${time}`;
  const date = `${then.getMonth() + 1}月${then.getDate()}日 ${time}`;
  return then.getFullYear() === now.getFullYear() ? date : `${then.getFullYear()}年${date}`;
}

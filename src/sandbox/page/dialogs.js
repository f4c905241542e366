// What lies over a phone: scanning a code, sending something, a page.

/** A dialog that removes itself; `build` gets a function that closes it. */
function dialog(title, build) {
  const box = el("dialog", { className: "dialog", "aria-label": title });
  const close = () => box.close();
  box.append(el("header", {}, el("h2", {}, title),
    el("button", { type: "button", className: "plain", "aria-label": "关闭", onclick: close }, icon("close"))),
    ...build(close));
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => { if (event.target === box) close(); });
  document.body.append(box);
  box.showModal();
  return box;
}

function ask(title, { label, value = "", button, max }, done) {
  return dialog(title, (close) => {
    const input = el("input", { type: "text", value, maxLength: max, required: true, "aria-label": label, placeholder: label });
    return [el("form", { className: "ask", onsubmit: (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text) { close(); done(text); }
    } }, input, el("button", { className: "primary" }, button))];
  });
}

const PLACES = ["南京市鼓楼区中山北路 88 号", "新街口地铁站 7 号口", "玄武湖公园"];

function askPlace(done) {
  return dialog("发送位置", (close) => [el("ul", { className: "choices" }, ...PLACES.map((label) => el("li", {},
    el("button", { type: "button", onclick: () => { close(); done(label); } }, icon("place"), label))))]);
}

/** The camera of a demo: every code that hangs somewhere, to be scanned with a tap. */
async function scanner(face, done) {
  const { codes } = await call("GET", "/codes");
  dialog("扫一扫", (close) => [
    el("p", { className: "quiet" }, "选一个二维码，就当扫到了它。"),
    el("ul", { className: "codes" }, ...codes.filter((code) => !isOwn(code, face)).map((code) => el("li", {},
      el("button", { type: "button", "data-scene": code.scene, onclick: () => { close(); done(code.ticket); } },
        el("img", { src: `/sandbox/platform/cgi-bin/showqrcode?ticket=${encodeURIComponent(code.ticket)}`,
          alt: "", width: 72, height: 72, loading: "lazy" }),
        el("strong", {}, code.label || "接口生成的二维码"),
        el("span", { className: "quiet" }, code.scene),
        code.expires_at ? el("span", { className: "quiet" }, `${clock(code.expires_at)} 前有效`) : null)))),
  ]);
}

/** A picture in full, and who of the others scans the code on it. */
function lookAt(mediaId, phone) {
  const others = [...phones.values()].filter((other) => other !== phone);
  dialog("图片", (close) => [
    el("img", { className: "full", src: pictureOf(mediaId), alt: "图片" }),
    el("p", { className: "quiet" }, "让谁扫这张图里的二维码？"),
    el("ul", { className: "choices scanners" }, ...others.map((other) => el("li", {},
      el("button", { type: "button", "data-openid": other.face.openid, "aria-label": `让${other.face.nickname}扫一扫`, onclick: async () => {
        close();
        choose(other.face.openid, true);
        const answer = await other.act("/scan-picture", { media_id: mediaId });
        if (answer?.follow_next) toast("已识别公众号，点“关注公众号”继续");
      } }, icon("scan"), el("span", {}, other.face.nickname))))),
  ]);
}

const isOwn = (code, face) => code.scene === `friend:${face.openid.slice(-10)}`;

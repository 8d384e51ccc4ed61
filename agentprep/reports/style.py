"""How the page looks: light and dark, on a wide screen, a telephone and on paper.  No file is asked of anybody.

Every pair of text and ground has a contrast of at least 4.5 to 1 (WCAG 2.1, 1.4.3).
"""

from ..verdicts import STATUSES

LIGHT = """
--ground:#f4f5f7;--sheet:#fff;--ink:#1a1f26;--faint:#566070;--line:#d5dae1;--code:#eceff3;--link:#0b57a4;
--bad:#a8151d;--bad-ground:#fdecec;--care:#774b00;--care-ground:#fff3d6;--good:#12652f;--good-ground:#e4f5e9;
--blue:#0b4f96;--blue-ground:#e4f0fc;--hard:#7a1fa2;--hard-ground:#f6eafb;--plain-ground:#fafbfc;
"""
DARK = """
--ground:#0f1216;--sheet:#181c22;--ink:#e4e8ee;--faint:#9ba6b4;--line:#323a45;--code:#262d36;--link:#86bdf8;
--bad:#ff9a95;--bad-ground:#3d181b;--care:#f2c265;--care-ground:#372a10;--good:#7bd99a;--good-ground:#12301d;
--blue:#8cc2ff;--blue-ground:#13304e;--hard:#dda6f5;--hard-ground:#37194a;--plain-ground:#14181d;
"""
TONES = {
    "failed": "bad", "blocked": "bad", "would-change": "care", "changed": "good", "skipped": "blue",
    "person": "hard", "warning": "hard", "ok": "good",
}  # fmt: skip

SHEET = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","Liberation Sans",sans-serif;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
code{font-size:.875em;background:var(--code);border-radius:4px;padding:.1em .3em;-webkit-box-decoration-break:clone;
box-decoration-break:clone;unicode-bidi:isolate}
header,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--sheet);color:var(--link);padding:.5rem 1rem;z-index:1}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
h1,h2,h3,p{margin:0}
header{padding-top:2.25rem}
.tool{color:var(--faint);font-size:.9rem}
h1{color:var(--tone);font-size:2.6rem;line-height:1.15;letter-spacing:-.02em;margin:.1rem 0 .4rem}
.lead{font-size:1.1rem;max-width:46rem}
.about{color:var(--faint);margin-top:.4rem}
.bar{display:block;width:100%;height:.6rem;border-radius:.3rem;margin-top:1.25rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:.8rem 0 0;padding:0;font-size:.875rem}
nav a{color:var(--ink);text-decoration:none;padding:.1rem 0;display:inline-block}
nav a:hover,nav a:focus{text-decoration:underline}
nav a::before{content:"";display:inline-block;width:.62rem;height:.62rem;border-radius:50%;background:var(--tone);
margin-right:.4rem}
nav .s-ok a::before,nav .s-changed a::before{opacity:.55}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
h2{font-size:1.25rem;margin:2.25rem 0 .75rem}
.sheet,.findings>li{background:var(--sheet);border:1px solid var(--line);border-radius:10px;padding:1rem 1.25rem}
.sheet p+*,.sheet ol+p{margin-top:.6rem}
ol.todo{margin:0;padding-left:1.4rem}
ol.todo li+li{margin-top:.4rem}
fieldset{border:0;margin:0 0 1rem;padding:0;display:flex;flex-wrap:wrap;gap:.5rem;min-width:0}
legend{float:left;padding:.3rem .5rem .3rem 0;color:var(--faint)}
label{position:relative;display:inline-flex;cursor:pointer}
label input{position:absolute;inset:0;opacity:0;margin:0;cursor:pointer}
label span{padding:.3rem .85rem;border:1px solid var(--line);border-radius:2rem;background:var(--sheet);font-size:.9rem}
label input:checked+span{background:var(--ink);border-color:var(--ink);color:var(--ground)}
label input:focus-visible+span{outline:3px solid var(--link);outline-offset:2px}
@supports not selector(:has(a)){fieldset{display:none}}
.findings{list-style:none;margin:0;padding:0;display:grid;gap:.75rem}
.findings>li{min-width:0;border-left-width:5px;border-left-color:var(--tone);scroll-margin-top:1rem}
.findings>li:target{outline:3px solid var(--link);outline-offset:2px}
.top{display:flex;flex-wrap:wrap;align-items:baseline;gap:.35rem .75rem}
h3{font-size:1rem;line-height:1.4;flex:1 1 20rem;min-width:0}
.badge{font-size:.8rem;font-weight:600;padding:.1rem .65rem;border-radius:1rem;background:var(--tone-ground);
color:var(--tone);white-space:nowrap}
.name{color:var(--faint);text-decoration:none}
.name:hover,.name:focus{text-decoration:underline}
ul.found{list-style:disc;margin:.45rem 0 0;padding-left:1.15rem}
ul.found li::marker{color:var(--faint)}
.todo-here{margin-top:.5rem;padding:.5rem .8rem;border-radius:6px;background:var(--tone-ground)}
.todo-here ul{list-style:disc;margin:0;padding-left:1.1rem}
.todo-here b{color:var(--tone)}
.source{color:var(--faint);font-size:.85rem;margin-top:.5rem}
details{margin-top:.65rem}
summary{cursor:pointer;color:var(--link);font-weight:600;font-size:.92rem;width:max-content;max-width:100%}
.why{margin-top:.75rem;font-size:.95rem}
figure{margin:.5rem 0 0;border:1px solid var(--line);border-radius:8px;overflow:hidden;background:var(--plain-ground)}
figcaption{display:flex;flex-wrap:wrap;gap:.1rem .75rem;justify-content:space-between;padding:.35rem .8rem;
font-size:.85rem;border-bottom:1px solid var(--line);background:var(--code)}
figcaption code{background:none;padding:0;font-weight:600}
figcaption span{color:var(--faint)}
pre{margin:0;padding:.35rem 0;font-size:.82rem;line-height:1.5;white-space:pre-wrap;tab-size:8}
pre>*{display:block;padding:0 .8rem 0 2.4rem;text-indent:-1.6rem;text-decoration:none;unicode-bidi:plaintext}
pre ins{background:var(--good-ground);color:var(--good)}
pre del{background:var(--bad-ground);color:var(--bad)}
pre i{color:var(--blue);font-style:normal}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--faint);padding-bottom:.4rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--faint);font-weight:600;font-size:.85rem}
tbody th{font-weight:600;white-space:nowrap}
td.evidence{color:var(--faint)}
footer{color:var(--faint);font-size:.85rem;padding-top:2rem;padding-bottom:3rem}
@media(max-width:40rem){
header,main,footer{padding-left:.9rem;padding-right:.9rem}
h1{color:var(--tone);font-size:2rem}.sheet,.findings>li{padding:.85rem .9rem}
thead{position:absolute;left:-99rem}tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}
tbody tr:first-child{border-top:0}th,td{display:block;border:0;padding:.1rem 0}
}
@media(forced-colors:active){.badge,label span{border:1px solid}label input:checked+span{outline:2px solid}}
@media print{
:root{color-scheme:light;LIGHT}
body{background:#fff;font-size:10.5pt}header,main,footer{max-width:none;padding:0}
fieldset,.skip,summary,nav{display:none}.findings>li{break-inside:auto;border-radius:0}.top,figure{break-inside:avoid}
details::details-content{content-visibility:visible;display:block;block-size:auto}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"""


def _tones() -> str:
    rules = ""
    for status in STATUSES:
        tone = TONES[status]
        rules += ".s-%s{--tone:var(--%s);--tone-ground:var(--%s-ground);fill:var(--%s)}\n" % (status, tone, tone, tone)
        rules += "body:has(#show-%s:checked) .findings>li:not(.s-%s){display:none}\n" % (status, status)
    return rules


STYLE = (
    "\n:root{color-scheme:light dark;%s}\n@media(prefers-color-scheme:dark){:root{%s}}\n"
    % (LIGHT.strip(), DARK.strip())
    + _tones()
    + SHEET.replace("LIGHT", LIGHT.strip()).lstrip()
)

//! What pages and Markdown need so that other people's words stay words.

/// The page's own style: no font, script or picture is fetched from anywhere.
pub(crate) const STYLE: &str = "
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1c2024}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.sub{color:#60646c;margin:.2rem 0 1.2rem}.outcome{padding:.8rem 1rem;border-radius:.5rem;background:#eef1f4}
.checks{table-layout:fixed}.checks td:first-child{width:5.5rem}.checks td:nth-child(2){width:38%}
.tag{display:inline-block;min-width:4.5rem;padding:0 .4rem;border-radius:.3rem;background:#eef1f4}
.good{background:#e3f4e8}.care{background:#fdf3dc}.bad{background:#fce6e4}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem;vertical-align:top;border-bottom:1px solid #e4e7eb}
th{color:#60646c;font-weight:500}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.d{color:#60646c;font-size:.9em;overflow-wrap:anywhere}.bar{height:.75rem;background:#f0f2f5;border-radius:.3rem;position:relative;min-width:14rem}
.bar i{position:absolute;top:0;bottom:0;min-width:2px;border-radius:.3rem;background:#7a8aa0}
.bar i.good{background:#3a9d5d}.bar i.bad{background:#cf3f35}.bar i.care{background:#d39b22}code{background:#f0f2f5;padding:.1rem .3rem;border-radius:.2rem}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e8eb}.outcome,.tag,.bar,code{background:#22272c}td,th{border-color:#2c3238}
.good{background:#173322}.care{background:#3a2f14}.bad{background:#3b1c1a}.sub,.d,th{color:#9aa2ab}}";

/// Text that a page shows as it is: what a release, a chart or a server says must not become markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text that stays in its cell of a Markdown table and is no markup there.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => plain.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' => {
                plain.push('\\');
                plain.push(character);
            }
            other => plain.push(other),
        }
    }
    plain
}
